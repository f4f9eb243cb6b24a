import { type FileHandle, mkdir, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { assert } from "#base/assert.ts";
import { PlatformError } from "#base/errors.ts";
import { randomHex } from "#base/ids.ts";
import type { Random } from "#base/random.ts";
import { hasCode, openReadable, syncDirectory } from "../blobs/files.ts";
import { processIdentity, startTime } from "../blobs/sweep.ts";
import { readBytes } from "./limits.ts";
import { createWriter, type BodyWriter } from "./writer.ts";

export type { BodyWriter } from "./writer.ts";

/**
 * Large values that records own, as files with names of their own. Unlike blobs they are not addressed by
 * what is in them: each is written for one record, so removing one cannot take what another writer has
 * just found to be there already.
 *
 * Three steps keep files and records together over any crash: the file is on disk (`finish`), then the
 * record that names it, then `adopt`. What a dead process left between the steps is in `leftovers`.
 */
export interface Bodies {
  /** A new file; disposing the writer removes it unless it was finished. */
  create(): Promise<BodyWriter>;
  /** The record that names it is on disk. Nothing breaks without: the next start looks again. */
  adopt(id: string): Promise<void>;
  /** Half-open, in bytes. `PlatformError("blob.missing")` when there is no such body, "blob.corrupt" when it is shorter. */
  stream(
    id: string,
    range: { readonly start: number; readonly end: number },
  ): AsyncIterable<Uint8Array>;
  /** No matter whether it is there. */
  delete(id: string): Promise<void>;
  /** Bodies not adopted yet whose writer is no longer running: adopt each that a record names, delete the rest. */
  leftovers(): Promise<readonly string[]>;
}

export interface BodiesDeps {
  /** Made if missing. Several processes may share it. */
  readonly directory: string;
  readonly random: Random;
}

/**
 * `<directory>/incoming/<id>` until adopted, then `<directory>/<first two digits>/<id>`; a reader looks in
 * both. An id ends with the process that wrote it, so that another knows whether it still runs.
 */
export async function openBodies({ directory, random }: BodiesDeps): Promise<Bodies> {
  const incoming = path.join(directory, "incoming");
  await mkdir(incoming, { recursive: true });
  await syncDirectory(path.dirname(directory));
  await syncDirectory(directory);
  const writer = await processIdentity();
  const known = new Set<string>();

  const pathOf = (id: string): string => {
    assert(idForm.test(id), "a body is named as this module names them");
    return path.join(directory, id.slice(0, 2), id);
  };
  const incomingOf = (id: string): string => path.join(incoming, path.basename(pathOf(id)));
  const shardOf = async (id: string): Promise<string> => {
    const shard = path.dirname(pathOf(id));
    if (known.has(shard)) return shard;
    if ((await mkdir(shard, { recursive: true })) !== undefined) await syncDirectory(directory);
    known.add(shard); // at most 256 of them
    return shard;
  };
  return {
    create: () => createWriter({ directory: incoming, id: `${randomHex(random, 12)}-${writer}` }),
    async adopt(id) {
      await shardOf(id);
      await rename(incomingOf(id), pathOf(id)).catch(unlessMissing);
    },
    stream: (id, range) => streamBody(() => openBody(pathOf(id), incomingOf(id)), range),
    async delete(id) {
      await rm(incomingOf(id), { force: true });
      await rm(pathOf(id), { force: true });
    },
    async leftovers() {
      const found: string[] = [];
      for (const id of await readdir(incoming)) {
        if (!idForm.test(id)) continue;
        const [, processId = "", startedAt] = id.split("-");
        if ((await startTime(processId)) !== startedAt) found.push(id);
      }
      return found;
    },
  };
}

const idForm = /^[0-9a-f]{24}-\d+-(\d+|unknown)$/;

/** It may be adopted between the looks: it is where it was, or where it belongs. */
async function openBody(settled: string, incoming: string): Promise<FileHandle> {
  const file =
    (await openReadable(settled)) ??
    (await openReadable(incoming)) ??
    (await openReadable(settled));
  if (file) return file;
  throw new PlatformError(
    "blob.missing",
    `there is no file ${settled}; restore it from a backup, or delete what it belonged to`,
  );
}

/** The next piece is read while the one before is being handed on. */
async function* streamBody(
  openFile: () => Promise<FileHandle>,
  range: { readonly start: number; readonly end: number },
): AsyncGenerator<Uint8Array, void, undefined> {
  await using file = await openFile();
  const read = (start: number): Promise<Uint8Array> => readPiece(file, start, range.end);
  let position = range.start;
  let ahead = position < range.end ? read(position) : undefined;
  try {
    while (ahead) {
      const piece = await ahead;
      position += piece.byteLength;
      ahead = position < range.end ? read(position) : undefined;
      yield piece;
    }
  } finally {
    await ahead?.catch(() => undefined); // nobody wants it, but the file must stay open for it
  }
}

async function readPiece(file: FileHandle, start: number, end: number): Promise<Uint8Array> {
  const length = Math.min(readBytes, end - start);
  const { bytesRead, buffer } = await file.read(Buffer.allocUnsafeSlow(length), 0, length, start);
  if (bytesRead === 0) {
    throw new PlatformError("blob.corrupt", "a stored file is shorter than its record says");
  }
  return buffer.subarray(0, bytesRead);
}

function unlessMissing(error: unknown): void {
  if (!hasCode(error, "ENOENT")) throw error; // somebody else has adopted or deleted it
}
