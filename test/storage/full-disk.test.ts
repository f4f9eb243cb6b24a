import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, it } from "node:test";
import { isPlatformError } from "#base/errors.ts";
import { openBlobStore } from "#storage/blobs/blobs.ts";
import { openLmdbStore } from "#storage/drivers/lmdb/lmdb.ts";
import { key, keyPrefix } from "#storage/keys.ts";
import type { Store } from "#storage/storage.ts";

const MiB = 1024 * 1024;

/** A small disk of its own in memory; undefined where mounting is not allowed. */
function mountSmallDisk(
  mebibytes: number,
): (Disposable & { readonly directory: string }) | undefined {
  const directory = mkdtempSync(path.join(tmpdir(), "skerry-full-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${mebibytes}m`, "skerry-test", directory], {
      stdio: "ignore",
    });
  } catch {
    rmdirSync(directory);
    return undefined;
  }
  return {
    directory,
    [Symbol.dispose]() {
      execFileSync("umount", ["--lazy", directory]);
      rmdirSync(directory);
    },
  };
}

const isFull = (error: unknown): boolean => isPlatformError(error, "storage.full");
const value = new Uint8Array(16_000).fill(7);

/** Adds until refused; the count of what was acknowledged. */
async function fill(store: Store, name: string): Promise<number> {
  for (let index = 0; ; index++) {
    try {
      await store.write((tx) => tx.put(key(name, index), value));
    } catch (error) {
      assert.ok(isFull(error), String(error));
      return index;
    }
  }
}

const countOf = (store: Store, name: string): Promise<number> =>
  store.read((reader) => [...reader.list(keyPrefix(name))].length);

describe("a store on a disk that fills up", () => {
  it("refuses to add before the end, reads and deletes, and heals", async (t) => {
    using disk = mountSmallDisk(24);
    if (!disk) return t.skip("a tmpfs cannot be mounted here");
    const open = () =>
      openLmdbStore({
        path: path.join(disk.directory, "s"),
        bytesMax: 1024 * MiB,
        reserveBytes: 4 * MiB,
      });
    {
      await using store = await open();
      const stored = await fill(store, "n");
      assert.ok(stored > 100, `${stored} fit`);
      assert.equal(await countOf(store, "n"), stored);
      assert.equal((await store.usage()).full, true);
      const { bavail, bsize } = statfsSync(disk.directory);
      assert.ok(bavail * bsize > MiB, "it stopped before the real end");
      for (let index = 0; index < stored / 2; index++)
        await store.write((tx) => {
          tx.delete(key("n", index));
          tx.put(key("tombstone", index), key(index));
        });
      await store.write((tx) => tx.put(key("m", 0), value));
      assert.equal((await store.usage()).full, false);
      const left = Math.floor(stored / 2);
      assert.equal(await countOf(store, "n"), left);
    }
    await using again = await open();
    assert.ok((await countOf(again, "n")) > 0);
    assert.equal(await countOf(again, "m"), 1);
  });

  it("survives the real end: deletions go on, additions are refused, nothing is lost", async (t) => {
    using disk = mountSmallDisk(24);
    if (!disk) return t.skip("a tmpfs cannot be mounted here");
    await using store = await openLmdbStore({
      path: path.join(disk.directory, "s"),
      bytesMax: 1024 * MiB,
      reserveBytes: 4 * MiB,
    });
    for (let index = 0; index < 100; index++)
      await store.write((tx) => tx.put(key("n", index), value));
    // Someone else takes the rest of the disk, to the last byte.
    const other = path.join(disk.directory, "other");
    const { bavail, bsize } = statfsSync(disk.directory);
    assert.throws(() => writeFileSync(other, new Uint8Array(bavail * bsize + MiB)), /ENOSPC/);
    await assert.rejects(
      store.write((tx) => tx.put(key("m", 0), value)),
      isFull,
    );
    const mixed = await Promise.allSettled([
      store.write((tx) => tx.delete(key("n", 0))),
      store.write((tx) => tx.put(key("m", 1), value)),
      store.write((tx) => tx.deleteRange({ start: key("n", 1), end: key("n", 10) })),
    ]);
    assert.deepEqual(
      mixed.map((each) => each.status),
      ["fulfilled", "rejected", "fulfilled"],
    );
    for (let index = 10; index < 50; index++) await store.write((tx) => tx.delete(key("n", index)));
    assert.equal(await countOf(store, "n"), 50);
    rmSync(other);
    await store.write((tx) => tx.put(key("m", 2), value));
    assert.equal(await countOf(store, "m"), 1);
    assert.equal((await store.usage()).full, false);
  });

  it("refuses blobs, keeps the ones it has and takes more after a deletion", async (t) => {
    using disk = mountSmallDisk(24);
    if (!disk) return t.skip("a tmpfs cannot be mounted here");
    const blobs = await openBlobStore({
      directory: path.join(disk.directory, "blobs"),
      reserveBytes: 0,
    });
    const stored: string[] = [];
    const blobBytes = (index: number): Uint8Array => new Uint8Array(3 * MiB).fill(index);
    const fillUp = async (): Promise<void> => {
      for (let index = 0; ; index++)
        stored.push((await blobs.put(slices(blobBytes(index)))).sha256);
    };
    await assert.rejects(fillUp(), isFull);
    assert.ok(stored.length >= 6);
    for (const sha256 of stored) await blobs.get(sha256);
    await blobs.delete(stored[0] ?? "");
    await blobs.put(blobBytes(200));
  });
});

async function* slices(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += 100_000) yield bytes.subarray(at, at + 100_000);
}
