import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Absence, compare, type Finding } from "../harness.ts";
import { pinnedNode, throughput } from "../load.ts";
import { fromNpm, installed } from "../peers/install.ts";
import { end, freePort, launch, untilReady } from "../peers/running.ts";
import { startMeasured } from "../server.ts";

const connections = 32;
const seconds = 3;
const rounds = 3;
const largeBytes = 16 * 1024 ** 2;
const largeCount = 8;

/**
 * Objects of 1 KiB beside s3rver, which keeps them in files and does not sync them, and of 16 MiB beside a
 * Node server that does nothing but hash, write and sync, or read. Requests are not signed: neither
 * reference looks at signatures.
 */
export async function s3(): Promise<readonly Finding[]> {
  return [...(await small()), ...(await large())];
}

async function small(): Promise<readonly Finding[]> {
  const peer = await startS3rver().catch((error: unknown): Absence => ({
    absent: "s3: 1 KiB beside s3rver 3.7.1",
    why: error instanceof Error ? error.message : String(error),
  }));
  if ("absent" in peer) return [peer];
  await using _peer = peer;
  await using ours = await startMeasured();
  const folder = await mkdtemp(join(tmpdir(), "skerry-bench-s3-"));
  try {
    const script = join(folder, "put.lua");
    await writeFile(script, putScript);
    const bases = { ours: `${ours.url}/bench`, theirs: `${peer.url}bench` };
    for (const base of Object.values(bases)) {
      await must(fetch(base, { method: "PUT" }));
      await must(fetch(`${base}/one`, { method: "PUT", body: "x".repeat(1_024) }));
    }
    const load = { connections, seconds };
    const put = (base: string) => throughput(base, { ...load, script });
    const get = (base: string) => throughput(`${base}/one`, load);
    return [
      await compare({
        name: "s3: PUT of 1 KiB, 32 connections",
        unit: "requests/s",
        rounds,
        ours: () => put(bases.ours),
        reference: { name: "s3rver 3.7.1, not durable", measure: () => put(bases.theirs) },
        targets: ["s3-small"],
      }),
      await compare({
        name: "s3: GET of 1 KiB, 32 connections",
        unit: "requests/s",
        rounds,
        ours: () => get(bases.ours),
        reference: { name: "s3rver 3.7.1", measure: () => get(bases.theirs) },
        targets: ["s3-small"],
      }),
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Keys that come again after a thousand: overwriting is part of what a store does. */
const putScript = `
wrk.method = "PUT"
wrk.body = string.rep("x", 1024)
local count = 0
local base
function request()
  base = base or wrk.path
  count = count + 1
  return wrk.format(nil, base .. "/key" .. (count % 1000))
end
`;

async function large(): Promise<readonly Finding[]> {
  await using ours = await startMeasured();
  await using pipe = await startPipe();
  const bases = { ours: `${ours.url}/bench`, theirs: pipe.url };
  await must(fetch(bases.ours, { method: "PUT" }));
  const body = Buffer.alloc(largeBytes, "skerry");
  const putAll = async (base: string): Promise<number> => {
    const startMs = performance.now();
    for (let count = 0; count < largeCount; count++) {
      await must(fetch(`${base}/large${count}`, { method: "PUT", body }));
    }
    return mibPerSecond(startMs);
  };
  const getAll = async (base: string): Promise<number> => {
    const startMs = performance.now();
    for (let count = 0; count < largeCount; count++) {
      await must(fetch(`${base}/large${count}`));
    }
    return mibPerSecond(startMs);
  };
  const name = "the same hashing, writing and syncing in a bare node:http server";
  return [
    await compare({
      name: "s3: PUT of 16 MiB, one after the other",
      unit: "MiB/s",
      rounds,
      ours: () => putAll(bases.ours),
      reference: { name, measure: () => putAll(bases.theirs) },
      targets: ["s3-large"],
    }),
    await compare({
      name: "s3: GET of 16 MiB, one after the other",
      unit: "MiB/s",
      rounds,
      ours: () => getAll(bases.ours),
      reference: {
        name: "a file piped by a bare node:http server",
        measure: () => getAll(bases.theirs),
      },
      targets: ["s3-large"],
    }),
  ];
}

function mibPerSecond(startMs: number): number {
  return (largeCount * largeBytes) / 2 ** 20 / ((performance.now() - startMs) / 1_000);
}

async function must(answering: Promise<Response>): Promise<void> {
  const answer = await answering;
  const { byteLength } = await answer.arrayBuffer();
  if (!answer.ok) throw new Error(`${answer.url}: ${answer.status}, ${byteLength} bytes`);
}

async function startS3rver(): Promise<AsyncDisposable & { readonly url: string }> {
  const folder = await installed("s3rver", fromNpm("s3rver@3.7.1"));
  const data = await mkdtemp(join(tmpdir(), "skerry-bench-s3rver-"));
  const port = await freePort();
  const program = "node_modules/s3rver/bin/s3rver.js";
  const args = ["--directory", data, "--port", String(port), "--silent"];
  const child = launch({ command: [pinnedNode, program, ...args], cwd: folder });
  const url = `http://127.0.0.1:${port}/`;
  try {
    await untilReady(child, url);
  } catch (error) {
    await end(child);
    throw error;
  }
  return {
    url,
    async [Symbol.asyncDispose]() {
      await end(child);
      await rm(data, { recursive: true, force: true });
    },
  };
}

async function startPipe(): Promise<AsyncDisposable & { readonly url: string }> {
  const script = fileURLToPath(new URL("../pipe-server.mjs", import.meta.url));
  const child = spawn(pinnedNode, [script], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(child.stdout, "data")) as [Buffer]; // its first output is its port
  return {
    url: `http://127.0.0.1:${String(line).trim()}`,
    async [Symbol.asyncDispose]() {
      const exited = once(child, "exit");
      child.kill();
      await exited;
    },
  };
}
