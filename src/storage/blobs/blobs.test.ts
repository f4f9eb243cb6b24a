import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, it } from "node:test";
import { isPlatformError } from "#base/errors.ts";
import { openBlobStore } from "./blobs.ts";

interface Directory extends AsyncDisposable {
  readonly directory: string;
}

async function temporaryDirectory(): Promise<Directory> {
  const directory = await mkdtemp(path.join(tmpdir(), "skerry-blobs-"));
  return {
    directory: path.join(directory, "blobs"),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
}

const text = (value: string): Uint8Array => Uint8Array.from(Buffer.from(value));
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts).toString();
}

async function* streamOf(...chunks: string[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield text(chunk);
}

describe("blob store", () => {
  it("gives back what was stored, whole, streamed and in part", async () => {
    await using scratch = await temporaryDirectory();
    const blobs = await openBlobStore(scratch);
    const stored = await blobs.put(streamOf("skerry ", "is a ", "rock"));
    assert.deepEqual(stored, { sha256: sha256(text("skerry is a rock")), byteCount: 16 });
    assert.equal(Buffer.from(await blobs.get(stored.sha256)).toString(), "skerry is a rock");
    assert.equal(await collect(blobs.stream(stored.sha256)), "skerry is a rock");
    assert.equal(await collect(blobs.stream(stored.sha256, { start: 7, end: 9 })), "is");
    assert.equal(await collect(blobs.stream(stored.sha256, { start: 12, end: 99 })), "rock");
    assert.equal((await readFile(blobs.path(stored.sha256))).toString(), "skerry is a rock");
  });

  it("stores the same bytes once and the empty blob too", async () => {
    await using scratch = await temporaryDirectory();
    const blobs = await openBlobStore(scratch);
    const first = await blobs.put(text("same"));
    const before = await stat(blobs.path(first.sha256));
    assert.deepEqual(await blobs.put(streamOf("sa", "me")), first);
    assert.deepEqual(await blobs.put(text("same")), first);
    assert.equal((await stat(blobs.path(first.sha256))).ino, before.ino);
    const empty = await blobs.put(new Uint8Array());
    assert.equal((await blobs.get(empty.sha256)).byteLength, 0);
    assert.deepEqual(await readdir(path.join(scratch.directory, "incoming")), []);
  });

  it("stores the same bytes from many writers at once", async () => {
    await using scratch = await temporaryDirectory();
    const blobs = await openBlobStore(scratch);
    const stored = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        blobs.put(streamOf("x".repeat(5_000), `${index % 3}`)),
      ),
    );
    assert.equal(new Set(stored.map((blob) => blob.sha256)).size, 3);
    for (const blob of stored) assert.equal((await blobs.get(blob.sha256)).byteLength, 5_001);
    assert.deepEqual(await readdir(path.join(scratch.directory, "incoming")), []);
  });

  it("names what is missing, deletes quietly and never leaves its directory", async () => {
    await using scratch = await temporaryDirectory();
    const blobs = await openBlobStore(scratch);
    const stored = await blobs.put(text("gone soon"));
    await blobs.delete(stored.sha256);
    await blobs.delete(stored.sha256);
    const isMissing = (error: unknown): boolean => isPlatformError(error, "blob.missing");
    await assert.rejects(blobs.get(stored.sha256), isMissing);
    await assert.rejects(collect(blobs.stream(stored.sha256)), isMissing);
    await assert.rejects(blobs.get("../../../etc/passwd"), isMissing);
    assert.throws(() => blobs.path("../escape"), /hexadecimal/);
  });

  it("detects changed bytes, and repairs a shortened file when stored again", async () => {
    await using scratch = await temporaryDirectory();
    const blobs = await openBlobStore(scratch);
    const stored = await blobs.put(text("precious"));
    await chmod(blobs.path(stored.sha256), 0o644);
    await writeFile(blobs.path(stored.sha256), "PRECIOUS");
    const isCorrupt = (error: unknown): boolean => isPlatformError(error, "blob.corrupt");
    await assert.rejects(blobs.get(stored.sha256), isCorrupt);
    await assert.rejects(collect(blobs.stream(stored.sha256)), isCorrupt);
    await writeFile(blobs.path(stored.sha256), "prec");
    await blobs.put(text("precious"));
    assert.equal(Buffer.from(await blobs.get(stored.sha256)).toString(), "precious");
  });

  it("leaves nothing of a stream that fails, and removes what a dead process left", async () => {
    await using scratch = await temporaryDirectory();
    const blobs = await openBlobStore(scratch);
    const failing = (async function* () {
      yield text("half");
      throw new Error("the sender hung up");
    })();
    await assert.rejects(blobs.put(failing), /hung up/);
    const incoming = path.join(scratch.directory, "incoming");
    assert.deepEqual(await readdir(incoming), []);
    await writeFile(path.join(incoming, "4194304-1-abc"), "dead");
    await writeFile(path.join(incoming, `${process.pid}-1-abc`), "an earlier process with our id");
    const writing = blobs.put(
      (async function* () {
        yield text("alive, ");
        await openBlobStore(scratch);
        yield text("still");
      })(),
    );
    const stored = await writing;
    assert.equal(Buffer.from(await blobs.get(stored.sha256)).toString(), "alive, still");
    assert.deepEqual(await readdir(incoming), []);
  });

  it("refuses beyond its limit and before the disk ends, and takes more after a deletion", async () => {
    await using scratch = await temporaryDirectory();
    const limited = await openBlobStore({ ...scratch, bytesMax: 10_000 });
    const stored = await limited.put(new Uint8Array(6_000));
    const isFull = (error: unknown): boolean => isPlatformError(error, "storage.full");
    await assert.rejects(limited.put(new Uint8Array(6_001)), isFull);
    const reopened = await openBlobStore({ ...scratch, bytesMax: 10_000 });
    await assert.rejects(reopened.put(new Uint8Array(6_001)), isFull);
    await reopened.delete(stored.sha256);
    await reopened.put(new Uint8Array(6_001));
    const nearEnd = await openBlobStore({ ...scratch, reserveBytes: Number.MAX_SAFE_INTEGER });
    await assert.rejects(nearEnd.put(text("one more")), isFull);
    assert.deepEqual(await readdir(path.join(scratch.directory, "incoming")), []);
  });
});
