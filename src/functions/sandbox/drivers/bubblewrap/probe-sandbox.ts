import { realpathSync } from "node:fs";
import { dirname, extname } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Sandbox, SandboxDriver, SandboxSpec } from "../../sandbox.ts";

/** A sandbox whose boot program answers questions. */
export interface ProbeSandbox extends AsyncDisposable {
  readonly sandbox: Sandbox;
  /** Rejects when the sandbox ends before it has answered. */
  ask<T>(operation: string, argument?: unknown): Promise<T>;
}

/** The platform's own Node and the probe program; callers change what they examine. */
export function probeSpec(change: Partial<SandboxSpec> = {}): SandboxSpec {
  const extension = extname(import.meta.url);
  const program = fileURLToPath(
    new URL(`../../launcher/inside/probe${extension}`, import.meta.url),
  );
  const listeners = change.listeners ?? [];
  return {
    mounts: [
      { source: realpathSync(process.execPath), target: "/var/lang/bin/node" },
      { source: dirname(program), target: "/var/runtime" },
    ],
    links: [{ target: "/var/slot/task", path: "/var/task" }],
    command: [
      "/var/lang/bin/node",
      "--max-semi-space-size=1",
      `/var/runtime/probe${extension}`,
      ...listeners.map(String),
    ],
    environment: { PATH: "/var/lang/bin:/usr/bin:/bin", LANG: "C.UTF-8" },
    memoryMiB: 256,
    cpuMilli: 1000,
    scratchMiB: 64,
    pidsMax: 64,
    listeners,
    ...change,
  };
}

export async function createProbe(
  driver: SandboxDriver,
  spec: SandboxSpec,
  signal: AbortSignal,
): Promise<ProbeSandbox> {
  const sandbox = await driver.create(spec, signal);
  sandbox.stdout.resume();
  const lines = createInterface({ input: sandbox.channel })[Symbol.asyncIterator]();
  return {
    sandbox,
    async ask<T>(operation: string, argument?: unknown): Promise<T> {
      sandbox.channel.write(`${JSON.stringify({ operation, argument })}\n`);
      const line = await lines.next();
      if (line.done) throw new Error(`the sandbox ended during ${operation}`);
      const answer = JSON.parse(line.value) as { readonly value?: T; readonly error?: string };
      if (answer.error !== undefined) throw new Error(answer.error);
      // The probe program answers each operation with the shape its caller names.
      return answer.value as T;
    },
    [Symbol.asyncDispose]: () => sandbox[Symbol.asyncDispose](),
  };
}
