import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { LambdaClient } from "@aws-sdk/client-lambda";

/** Between two questions: asking without a pause would take the processors from what is measured. */
const pollMs = 20;

/** What the published package runs; `bench.ts` builds it first. */
const program = fileURLToPath(new URL("../dist/skerry.js", import.meta.url));

export interface MeasuredServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** From starting the process to its banner, which it prints when it answers requests. */
  readonly readyMs: number;
  readonly lambda: LambdaClient;
  /** Of `serve`, which tells it once, at its first start. */
  readonly rootKey: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
  /** Resolves when this many generic sandboxes of the kind stand ready; asks, at most for ten seconds. */
  generic(kind: string, count: number): Promise<void>;
}

interface Banner {
  readonly url: string;
  readonly port: number;
  readonly notices: readonly string[];
}

/** The built `skerry up`, or `serve`, which verifies signatures, as a process of its own, with its data on disk. */
export async function startMeasured(
  flags: readonly string[] = [],
  command: "up" | "serve" = "up",
): Promise<MeasuredServer> {
  const dataDir = await mkdtemp(join(tmpdir(), "skerry-bench-"));
  const startMs = performance.now();
  const child = spawn(
    process.execPath,
    [program, command, "--json", "--port=0", `--data=${dataDir}`, ...flags],
    // With a channel it ends when this process does, however that ends.
    { stdio: ["ignore", "pipe", "inherit", "ipc"] },
  );
  if (!child.stdout) throw new Error("its output was asked for as a pipe");
  const [line] = (await once(createInterface(child.stdout), "line")) as [string]; // the banner
  const readyMs = performance.now() - startMs;
  const { url, port, notices } = JSON.parse(line) as Banner; // our own
  const [, accessKeyId = "", secretAccessKey = ""] =
    /root key, shown once: (\S+) (\S+)/.exec(notices.join("\n")) ?? [];
  const lambda = new LambdaClient({
    endpoint: url,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
  return {
    url,
    port,
    pid: child.pid ?? 0,
    readyMs,
    lambda,
    rootKey: accessKeyId === "" ? undefined : { accessKeyId, secretAccessKey },
    async generic(kind, count) {
      const deadlineMs = performance.now() + 10_000;
      while (performance.now() < deadlineMs) {
        const response = await fetch(`${url}/_skerry/functions`);
        const pool = (await response.json()) as { generic: Record<string, number> }; // our own route
        if ((pool.generic[kind] ?? 0) >= count) return;
        await sleep(pollMs);
      }
      throw new Error(`no ${count} generic sandboxes of ${kind} after ten seconds`);
    },
    async [Symbol.asyncDispose]() {
      lambda.destroy();
      const exited = once(child, "exit");
      child.kill();
      await exited;
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
