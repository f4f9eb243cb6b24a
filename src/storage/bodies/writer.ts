import { constants } from "node:fs";
import { type FileHandle, open, rm, statfs } from "node:fs/promises";
import path from "node:path";
import { hasCode, syncDirectory } from "../blobs/files.ts";
import { fullError } from "../fullness.ts";
import { bodyReserveBytes, roomCheckBytes, writeBytes } from "./limits.ts";

/** One body being written. Calls follow each other; the bytes of a piece must not change afterwards. */
export interface BodyWriter extends AsyncDisposable {
  readonly id: string;
  /** Errors: `storage.full`. May return before the piece is written; its failure is then the next call's. */
  write(piece: Uint8Array): Promise<void>;
  /** Resolves when bytes and name are on disk; disposing leaves it alone from then on. */
  finish(): Promise<void>;
}

export async function createWriter(at: {
  readonly directory: string;
  readonly id: string;
}): Promise<BodyWriter> {
  const { directory, id } = at;
  const file = path.join(directory, id);
  const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY;
  const handle = await open(file, flags, 0o444).catch((error: unknown) => {
    throw translate(error, directory);
  });
  // The name can reach the disk while the bytes are still coming.
  const named = syncDirectory(directory);
  named.catch(() => undefined); // `finish` reports it
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let uncheckedBytes = roomCheckBytes;
  let writing: Promise<void> = Promise.resolve();
  let isFinished = false;

  async function flush(): Promise<void> {
    await writing;
    const pieces = waiting;
    uncheckedBytes += waitingBytes;
    if (uncheckedBytes >= roomCheckBytes) {
      await assertRoom(directory, waitingBytes);
      uncheckedBytes = 0;
    }
    waiting = [];
    waitingBytes = 0;
    writing = writeAll(handle, pieces);
    writing.catch(() => undefined); // the next call reports it
  }
  return {
    id,
    async write(piece) {
      waiting.push(piece);
      waitingBytes += piece.byteLength;
      if (waitingBytes >= writeBytes) await flush().catch((error) => fail(error, directory));
    },
    async finish() {
      try {
        if (waitingBytes > 0) await flush();
        await writing;
        await handle.sync();
        await handle.close();
        await named;
        isFinished = true;
      } catch (error) {
        fail(error, directory);
      }
    },
    async [Symbol.asyncDispose]() {
      if (isFinished) return;
      await writing.catch(() => undefined);
      await named.catch(() => undefined);
      await handle.close().catch(() => undefined); // closed already when `finish` failed late
      await rm(file, { force: true });
    },
  };
}

async function writeAll(handle: FileHandle, pieces: Uint8Array[]): Promise<void> {
  const byteCount = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
  const { bytesWritten } = await handle.writev(pieces);
  if (bytesWritten === byteCount) return;
  // A short write is rare (signals, a disk that is nearly full): the rest goes piece by piece.
  const rest = Buffer.concat(pieces).subarray(bytesWritten);
  for (let written = 0; written < rest.byteLength;) {
    written += (await handle.write(rest, written)).bytesWritten;
  }
}

async function assertRoom(directory: string, byteCount: number): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  if (byteCount > bavail * bsize - bodyReserveBytes) throw fullError(`the disk of ${directory}`);
}

function fail(error: unknown, directory: string): never {
  throw translate(error, directory);
}

function translate(error: unknown, directory: string): unknown {
  if (hasCode(error, "ENOSPC") || hasCode(error, "EDQUOT")) {
    return fullError(`the disk of ${directory}`, error);
  }
  return error;
}
