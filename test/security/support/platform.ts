import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { assemble } from "#assembly.ts";
import { readConfig } from "#config/config.ts";
import type { Omissions } from "#functions/sandbox/drivers/bubblewrap/bubblewrap.ts";
import { findBubblewrap } from "#functions/sandbox/drivers/bubblewrap/probe.ts";

/** A platform under attack, with a client for its public API. */
export interface Target extends AsyncDisposable {
  readonly lambda: LambdaClient;
  readonly endpoint: string;
  readonly port: number;
  readonly dataDir: string;
  /** The Python this machine has, as the API names it. */
  readonly pythonRuntime: string | undefined;
  /** For further SDK clients. */
  readonly client: {
    readonly endpoint: string;
    readonly region: string;
    readonly maxAttempts: number;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  };
}

/** Why attacks on sandboxes cannot be tried here; undefined where they can. */
export const whyNoSandboxes: string | undefined =
  findBubblewrap() === undefined
    ? "bubblewrap is not installed"
    : process.getuid?.() === 0
      ? undefined
      : "needs root: every sandbox gets a uid of its own, and controls need more";

export interface TargetSettings {
  /** A control run: the defences to do without. A real server has no way to ask for this. */
  readonly without?: Omissions;
  /** Flags as of the command line, without their dashes. */
  readonly flags?: Readonly<Record<string, string>>;
}

/** A whole platform on a free port, as `skerry up` starts it, its data in a folder that goes with it. */
export async function startTarget(settings: TargetSettings = {}): Promise<Target> {
  const dataDir = await mkdtemp(join(tmpdir(), "skerry-attack-"));
  const config = readConfig("dev", {
    flags: {
      port: "0",
      storage: "memory",
      data: dataDir,
      "log-level": "error",
      ...settings.flags,
    },
    environment: {},
    file: undefined,
    workingDirectory: dataDir,
  });
  const server = await assemble(config, "0.0.0", { omissions: settings.without });
  const client = {
    endpoint: server.url,
    region: "us-east-1",
    maxAttempts: 1,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  };
  const lambda = new LambdaClient(client);
  const pythonRuntime = await findPython(server.url);
  return {
    pythonRuntime,
    lambda,
    endpoint: server.url,
    port: server.port,
    dataDir,
    client,
    async [Symbol.asyncDispose]() {
      lambda.destroy();
      await server[Symbol.asyncDispose]();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

async function findPython(endpoint: string): Promise<string | undefined> {
  const response = await fetch(`${endpoint}/_skerry/runtimes`);
  // The platform's own route.
  const { runtimes } = (await response.json()) as {
    runtimes: { identifier: string; usable: boolean }[];
  };
  return runtimes.find((row) => row.usable && row.identifier.startsWith("python"))?.identifier;
}
