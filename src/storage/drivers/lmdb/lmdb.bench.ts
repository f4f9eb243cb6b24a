import { mkdtemp, rm } from "node:fs/promises";
import path from "node:path";
import { systemClock } from "#base/clock.ts";
import type { Store } from "../../storage.ts";
import { type Environment, openEnvironment } from "./environment.ts";
import { openLmdbStore } from "./lmdb.ts";

/** One measurement: runs for about `durationMs`, answers operations per second. */
export type Measure = (durationMs: number) => Promise<number>;

export interface StorageBench extends AsyncDisposable {
  readonly cases: readonly {
    readonly name: string;
    readonly ours: Measure;
    /** The bare library doing the same on an environment with the same durability. */
    readonly raw: Measure;
  }[];
}

const bytesMax = 512 * 1024 * 1024;
const writers = 256;
const keysRead = 10_000;

/** The store beside the bare library, both on the disk of `directory`; disposing removes their files. */
export async function openStorageBench(directory: string): Promise<StorageBench> {
  const scratch = await mkdtemp(path.join(directory, "skerry-bench-"));
  const store = await openLmdbStore({ path: path.join(scratch, "store"), bytesMax });
  const raw = await openEnvironment(path.join(scratch, "raw"), bytesMax);
  await store.write((tx) => {
    for (let index = 0; index < keysRead; index++) tx.put(nthKey(index), value);
  });
  for (let index = 0; index < keysRead; index++) void raw.put(nthKey(index), value);
  await raw.flushed;

  return {
    cases: [
      {
        name: "durable writes of 256 callers at once, 100 bytes",
        ours: (durationMs) => writes(durationMs, (key) => store.write((tx) => tx.put(key, value))),
        raw: (durationMs) => writes(durationMs, (key) => raw.put(key, value)),
      },
      {
        name: "durable increments of 256 callers at once",
        ours: (durationMs) => writes(durationMs, (key) => incrementOurs(store, key)),
        raw: (durationMs) => writes(durationMs, (key) => incrementRaw(raw, key)),
      },
      {
        name: "one read, one entry",
        ours: (durationMs) =>
          repeat(durationMs, (index) => store.read((reader) => reader.get(nthKey(index)))),
        raw: (durationMs) => repeat(durationMs, async (index) => raw.get(nthKey(index))),
      },
      {
        name: "entries got in one read",
        ours: (durationMs) =>
          thousands(durationMs, (from) =>
            store.read((reader) => {
              for (let index = 0; index < 1_000; index++) reader.get(nthKey(from + index));
            }),
          ),
        raw: (durationMs) =>
          thousands(durationMs, async (from) => {
            for (let index = 0; index < 1_000; index++) raw.get(nthKey(from + index));
          }),
      },
    ],
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await raw.close();
      await rm(scratch, { recursive: true });
    },
  };
}

const value = new Uint8Array(100).fill(0x61);

function nthKey(index: number): Uint8Array {
  const key = new Uint8Array(12);
  // Spread over the tree, so that neighbours in time are not neighbours on a page.
  new DataView(key.buffer).setUint32(0, Math.imul((index % keysRead) + 1, 0x9e3779b1));
  return key;
}

function incrementOurs(store: Store, key: Uint8Array): Promise<void> {
  return store.write((tx) => tx.put(key, next(tx.get(key))));
}

function incrementRaw(raw: Environment, key: Uint8Array): Promise<unknown> {
  return raw.transaction(() => void raw.put(key, next(raw.get(key))));
}

function next(stored: Uint8Array | undefined): Uint8Array {
  const bytes = new Uint8Array(8);
  const count =
    stored && stored.byteLength === 8 ? new DataView(stored.buffer, stored.byteOffset) : undefined;
  new DataView(bytes.buffer).setFloat64(0, (count?.getFloat64(0) ?? 0) + 1);
  return bytes;
}

async function writes(
  durationMs: number,
  write: (key: Uint8Array) => Promise<unknown>,
): Promise<number> {
  const until = systemClock.monotonicMs() + durationMs;
  const counts = Array.from({ length: writers }, async (_, writer) => {
    let count = 0;
    for (; systemClock.monotonicMs() < until; count++) await write(nthKey(writer * 37 + count));
    return count;
  });
  const total = (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  return (total / durationMs) * 1_000;
}

async function repeat(
  durationMs: number,
  once: (index: number) => Promise<unknown>,
): Promise<number> {
  const until = systemClock.monotonicMs() + durationMs;
  let count = 0;
  for (; systemClock.monotonicMs() < until; count++) {
    await once(count);
    // As a server does between requests; timers that never get their turn would pile up.
    if (count % 16 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return (count / durationMs) * 1_000;
}

async function thousands(
  durationMs: number,
  once: (from: number) => Promise<unknown>,
): Promise<number> {
  return 1_000 * (await repeat(durationMs, (index) => once(index * 1_000)));
}
