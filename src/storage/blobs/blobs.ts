import { createHash } from "node:crypto";
import { type FileHandle, mkdir, rename, rm, statfs } from "node:fs/promises";
import path from "node:path";
import { assert } from "#base/assert.ts";
import { PlatformError } from "#base/errors.ts";
import { randomHex } from "#base/ids.ts";
import { type Random, systemRandom } from "#base/random.ts";
import { fullError } from "../fullness.ts";
import type { BlobReference, BlobStore } from "../storage.ts";
import { hasCode, openReadable, sizeOf, syncDirectory } from "./files.ts";
import { describeBytes, writeDurably } from "./incoming.ts";
import { blobChunkBytes, blobReserveBytes } from "./limits.ts";
import { processIdentity, removeLeftovers, storedBytes } from "./sweep.ts";

export interface BlobStoreDeps {
  /** Made if missing. Several processes may share it. */
  readonly directory: string;
  /** Of all blobs together; unlimited (but for the disk) when absent. */
  readonly bytesMax?: number;
  /** Free space on the disk below which nothing is stored any more. */
  readonly reserveBytes?: number;
  readonly random?: Random;
}

/**
 * Blobs as files named by their hash: `<directory>/<first two digits>/<sha256>`, read-only. A blob is
 * written to `incoming/`, synced, renamed to its place, and then the directory is synced, so a name
 * exists only with all of its bytes and an acknowledged one survives a power cut. What a dead process
 * left in `incoming/` is removed here.
 */
export async function openBlobStore(deps: BlobStoreDeps): Promise<BlobStore> {
  const { directory, bytesMax = Infinity, random = systemRandom } = deps;
  const incoming = path.join(directory, "incoming");
  await mkdir(incoming, { recursive: true });
  await syncDirectory(path.dirname(directory));
  await syncDirectory(directory);
  await removeLeftovers(incoming);
  const writer = await processIdentity();
  // Other processes add to it too; the free space of the disk is what is checked exactly.
  let usedBytes = bytesMax === Infinity ? 0 : await storedBytes(directory);

  const pathOf = (sha256: string): string => {
    assert(isSha256(sha256), "a blob is named by 64 lower-case hexadecimal digits");
    return path.join(directory, sha256.slice(0, 2), sha256);
  };
  const assertRoom = async (byteCount: number): Promise<void> => {
    const { bavail, bsize } = await statfs(directory);
    const left = Math.min(
      bytesMax - usedBytes,
      bavail * bsize - (deps.reserveBytes ?? blobReserveBytes),
    );
    if (byteCount > left) throw fullError(`the blob store ${directory}`);
  };
  const store = async (temporary: string, blob: BlobReference): Promise<void> => {
    const target = pathOf(blob.sha256);
    const shard = path.dirname(target);
    if ((await mkdir(shard, { recursive: true })) !== undefined) await syncDirectory(directory);
    const known = await sizeOf(target);
    if (known === blob.byteCount) await rm(temporary);
    else await rename(temporary, target);
    if (known === undefined) usedBytes += blob.byteCount;
    await syncDirectory(shard); // also when known: its writer may not have come this far
  };
  const put = async (bytes: Uint8Array | AsyncIterable<Uint8Array>): Promise<BlobReference> => {
    if (bytes instanceof Uint8Array) {
      const known = describeBytes(bytes);
      if ((await sizeOf(pathOf(known.sha256))) === known.byteCount) {
        await syncDirectory(path.dirname(pathOf(known.sha256)));
        return known;
      }
    }
    const temporary = path.join(incoming, `${writer}-${randomHex(random, 8)}`);
    try {
      const source = bytes instanceof Uint8Array ? [bytes] : bytes;
      const blob = await writeDurably(temporary, source, assertRoom);
      await store(temporary, blob);
      return blob;
    } catch (error) {
      await rm(temporary, { force: true });
      throw translate(error, directory);
    }
  };
  return {
    put,
    path: pathOf,
    get: (sha256) => readBlob(pathOf, sha256),
    stream: (sha256, range) => streamBlob(pathOf, sha256, range),
    async delete(sha256) {
      const target = pathOf(sha256);
      const byteCount = await sizeOf(target);
      if (byteCount === undefined) return;
      await rm(target, { force: true });
      usedBytes = Math.max(0, usedBytes - byteCount);
      await syncDirectory(path.dirname(target));
    },
  };
}

async function readBlob(pathOf: (sha256: string) => string, sha256: string): Promise<Uint8Array> {
  await using file = await openBlob(pathOf, sha256);
  const bytes = new Uint8Array(await file.readFile());
  if (describeBytes(bytes).sha256 !== sha256) throw corrupt(sha256);
  return bytes;
}

/** A whole blob is verified as it is read and fails at its end; a part of one cannot be. */
async function* streamBlob(
  pathOf: (sha256: string) => string,
  sha256: string,
  range: { readonly start: number; readonly end: number } | undefined,
): AsyncGenerator<Uint8Array> {
  await using file = await openBlob(pathOf, sha256);
  const hash = createHash("sha256");
  const end = range?.end ?? Infinity;
  for (let position = range?.start ?? 0; position < end;) {
    const length = Math.min(blobChunkBytes, end - position);
    const { bytesRead, buffer } = await file.read(new Uint8Array(length), 0, length, position);
    if (bytesRead === 0) break;
    const chunk = buffer.subarray(0, bytesRead);
    if (!range) hash.update(chunk);
    position += bytesRead;
    yield chunk;
  }
  if (!range && hash.digest("hex") !== sha256) throw corrupt(sha256);
}

async function openBlob(pathOf: (sha256: string) => string, sha256: string): Promise<FileHandle> {
  const file = isSha256(sha256) ? await openReadable(pathOf(sha256)) : undefined;
  if (!file) {
    throw new PlatformError(
      "blob.missing",
      `there is no blob ${sha256}; it was deleted, or the blob directory is not the one it was stored in`,
    );
  }
  return file;
}

function isSha256(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

function corrupt(sha256: string): PlatformError {
  return new PlatformError(
    "blob.corrupt",
    `the bytes of blob ${sha256} are not those that were stored; restore the file from a backup`,
  );
}

function translate(error: unknown, directory: string): unknown {
  if (hasCode(error, "ENOSPC") || hasCode(error, "EDQUOT"))
    return fullError(`the disk of the blob store ${directory}`, error);
  return error;
}
