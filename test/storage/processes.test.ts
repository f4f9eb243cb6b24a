import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { openLmdbStore } from "#storage/drivers/lmdb/lmdb.ts";
import { key, keyPrefix } from "#storage/keys.ts";
import { recordCodec } from "#storage/records.ts";
import { killRepeatedly } from "./kill.ts";

const numbers = recordCodec<number>(1);

async function scratchDirectory(): Promise<AsyncDisposable & { readonly directory: string }> {
  const directory = await mkdtemp(path.join(tmpdir(), "skerry-processes-"));
  return { directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) };
}

/** Resolves when it has ended well. */
async function runWriter(directory: string, times: number): Promise<void> {
  const program = fileURLToPath(new URL("writer-child.ts", import.meta.url));
  const child = spawn(
    process.execPath,
    ["--conditions=source", program, directory, String(times)],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  const [code] = (await once(child, "exit")) as [number | null]; // the event's first argument
  assert.equal(code, 0);
}

describe("a store shared by processes", () => {
  it("counts every increment of three processes once", async () => {
    await using scratch = await scratchDirectory();
    await using store = await openLmdbStore({ path: scratch.directory, bytesMax: 2 ** 26 });
    const counter = key("counter");
    const mine = (async () => {
      for (let done = 0; done < 200; done++) {
        await store.write((tx) => {
          const stored = tx.get(counter);
          tx.put(counter, numbers.encode((stored ? numbers.decode(stored) : 0) + 1));
        });
      }
    })();
    await Promise.all([mine, runWriter(scratch.directory, 300), runWriter(scratch.directory, 300)]);
    const total = await store.read((reader) => reader.get(counter));
    assert.equal(total && numbers.decode(total), 800);
  });

  it("wakes those who watch in another process", async () => {
    await using scratch = await scratchDirectory();
    await using store = await openLmdbStore({ path: scratch.directory, bytesMax: 2 ** 26 });
    const stop = new AbortController();
    const writing = runWriter(scratch.directory, 50);
    let last = 0;
    for await (const _ of store.watch(keyPrefix(), stop.signal)) {
      const found = await store.read((reader) => reader.get(key("counter")));
      last = found ? numbers.decode(found) : 0;
      if (last === 50) break;
    }
    await writing;
    assert.equal(last, 50);
  });
});

describe("a store whose processes are killed", () => {
  it("has lost nothing acknowledged and shows nothing half-done after 15 kills", async () => {
    await using scratch = await scratchDirectory();
    const seed = Math.floor(Math.random() * 2 ** 31);
    console.log(`seed ${seed}`);
    const report = await killRepeatedly({ directory: scratch.directory, kills: 15, seed });
    assert.ok(report.kills >= 15 && report.acknowledged > 0);
  });
});
