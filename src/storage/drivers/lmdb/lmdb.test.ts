import assert from "node:assert/strict";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, it } from "node:test";
import { isPlatformError } from "#base/errors.ts";
import { key, keyPrefix } from "../../keys.ts";
import { describeStoreContract } from "../../storage.contract.ts";
import type { Store } from "../../storage.ts";
import { environmentStatus, openEnvironment } from "./environment.ts";
import { openLmdbStore } from "./lmdb.ts";

const bytesMax = 256 * 1024 * 1024;

async function scratchDirectory(): Promise<AsyncDisposable & { readonly directory: string }> {
  const directory = await mkdtemp(path.join(tmpdir(), "skerry-lmdb-"));
  return { directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) };
}

/** A store in a directory of its own that goes with it. */
async function openScratchStore(): Promise<Store> {
  const directory = await mkdtemp(path.join(tmpdir(), "skerry-lmdb-"));
  const store = await openLmdbStore({ path: directory, bytesMax });
  return {
    read: (work) => store.read(work),
    write: (work) => store.write(work),
    watch: (range, signal) => store.watch(range, signal),
    usage: () => store.usage(),
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

describeStoreContract("LMDB store", openScratchStore);

describe("LMDB store: commits", () => {
  it("shares one flush among the writes that wait for it", async () => {
    await using scratch = await scratchDirectory();
    const options = { path: scratch.directory, bytesMax };
    await using store = await openLmdbStore(options);
    const environment = await openEnvironment(scratch.directory, bytesMax);
    const commits = (): number => environmentStatus(environment).lastTransactionId;
    const before = commits();
    await Promise.all(
      Array.from({ length: 1_000 }, (_, index) =>
        store.write((tx) => tx.put(key(index), key(index))),
      ),
    );
    const used = commits() - before;
    await environment.close();
    assert.ok(used <= 20, `1,000 writes took ${used} commits`);
  });

  it("checks large values that the same batch has just written", async () => {
    await using scratch = await scratchDirectory();
    await using store = await openLmdbStore({ path: scratch.directory, bytesMax });
    const name = key("large");
    await store.write((tx) => tx.put(name, new Uint8Array(300_000)));
    const writers = Array.from({ length: 20 }, (_, index) =>
      store.write((tx) => {
        const bytes = tx.get(name) ?? new Uint8Array();
        bytes[index] = (bytes[index] ?? 0) + 1;
        bytes[100_000] = (bytes[100_000] ?? 0) + 1;
        tx.put(name, bytes);
        return [...tx.list(keyPrefix("lar"))].length;
      }),
    );
    await Promise.all(writers);
    const result = await store.read((reader) => reader.get(name));
    assert.equal(result?.[100_000], 20);
    assert.deepEqual([...(result?.subarray(0, 21) ?? [])], [...Array<number>(20).fill(1), 0]);
  });

  it("keeps what was acknowledged when opened again, twice at once too", async () => {
    await using scratch = await scratchDirectory();
    const options = { path: scratch.directory, bytesMax };
    const open = (): Promise<Store> => openLmdbStore(options);
    {
      await using store = await open();
      await store.write((tx) => tx.put(key("a"), key("before")));
    }
    await using one = await open();
    await using two = await open();
    const count = async (store: Store): Promise<void> => {
      for (let done = 0; done < 50; done++)
        await store.write((tx) => tx.put(key("n", tx.get(key("n", 0)) ? done : 0), key(done)));
    };
    await Promise.all([count(one), count(two)]);
    assert.deepEqual(await two.read((reader) => reader.get(key("a"))), Buffer.from(key("before")));
    assert.equal(await one.read((reader) => [...reader.list(keyPrefix("n"))].length), 50);
    assert.ok((await stat(path.join(scratch.directory, "data.mdb"))).size > 0);
  });

  it("refuses beyond its limit, lets things shrink, and takes more once there is room", async () => {
    await using scratch = await scratchDirectory();
    const limit = 4 * 1024 * 1024;
    await using store = await openLmdbStore({ path: scratch.directory, bytesMax: limit });
    const value = new Uint8Array(10_000);
    let stored = 0;
    const fill = async (): Promise<void> => {
      for (; ; stored++) await store.write((tx) => tx.put(key("n", stored), value));
    };
    const isFull = (error: unknown): boolean => isPlatformError(error, "storage.full");
    await assert.rejects(fill(), isFull);
    const usage = await store.usage();
    assert.ok(usage.full && usage.bytes <= limit && usage.bytes > limit * 0.85, `${usage.bytes}`);
    await store.write((tx) => tx.put(key("n", 0), value.subarray(1)));
    await store.write((tx) => {
      tx.delete(key("n", 0));
      tx.put(key("done"), key(1));
    });
    await assert.rejects(
      store.write((tx) => {
        tx.delete(key("done"));
        tx.put(key("n", stored), new Uint8Array(100_000));
      }),
      isFull,
    );
    await store.write((tx) => tx.deleteRange(keyPrefix("n")));
    await store.write((tx) => tx.put(key("n", 0), value));
    assert.equal((await store.usage()).full, false);
  });
});
