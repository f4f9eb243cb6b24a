import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { start, type StartSettings } from "#main.ts";

export interface Platform extends AsyncDisposable {
  readonly endpoint: string;
  readonly port: number;
  readonly dataDir: string;
  /** For SDK clients: endpoint, region and any credentials. */
  readonly client: {
    readonly endpoint: string;
    readonly region: string;
    readonly maxAttempts: number;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  };
  stop(): Promise<void>;
}

/** A whole platform of its own on a free port, with its data in a folder that goes with it. */
export async function startPlatform(settings: StartSettings = {}): Promise<Platform> {
  const dataDir = settings.dataDir ?? (await mkdtemp(join(tmpdir(), "skerry-test-")));
  const server = await start({ logLevel: "error", ...settings, dataDir });
  const stop = async (): Promise<void> => {
    await server[Symbol.asyncDispose]();
    if (settings.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
  };
  return {
    endpoint: server.url,
    port: server.port,
    dataDir,
    client: {
      endpoint: server.url,
      region: "us-east-1",
      maxAttempts: 1,
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
