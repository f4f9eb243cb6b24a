import { promisify } from "node:util";
import { constants, zstdCompress, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { headBytes, OpenChunk, withPackedBody, type Chunk } from "./chunks.ts";
import { chunkCharactersMax, packAsideBytesMin, packBytesMin } from "./limits.ts";

const params = { [constants.ZSTD_c_compressionLevel]: 1 };
const compressAside = promisify(zstdCompress);

/**
 * The chunks with their bodies compressed where that pays. Large ones in the thread pool: handing one
 * over costs this thread about as much as compressing 48 KiB of log lines itself (measured, 60 µs), so
 * smaller ones are compressed here.
 */
export async function packed(chunks: readonly Chunk[]): Promise<Chunk[]> {
  return Promise.all(
    chunks.map(async (chunk) =>
      chunk.bodyBytes < packAsideBytesMin || !isWorthPacking(chunk)
        ? packedHere(chunk)
        : smaller(chunk, await compressAside(bodyOf(chunk), { params })),
    ),
  );
}

/** The same for one chunk, at once. */
export function packedHere(chunk: Chunk): Chunk {
  return isWorthPacking(chunk)
    ? smaller(chunk, zstdCompressSync(bodyOf(chunk), { params }))
    : chunk;
}

/**
 * Small bodies gain nothing: what they would save is less than the rest of their database page. One
 * huge event stays as it is, so that what is unpacked is never larger than a chunk of many.
 */
function isWorthPacking({ count, bodyBytes, isPacked }: Chunk): boolean {
  if (isPacked || bodyBytes < packBytesMin) return false;
  return count > 1 || bodyBytes <= chunkCharactersMax;
}

function smaller(chunk: Chunk, body: Uint8Array): Chunk {
  return body.length < chunk.bodyBytes ? withPackedBody(chunk, body) : chunk;
}

function bodyOf({ value }: Chunk): Uint8Array {
  return value.subarray(headBytes);
}

/** Throws when the stored bytes are not what was packed. */
export function openChunk(chunk: Chunk): OpenChunk {
  if (!chunk.isPacked) return new OpenChunk(chunk, bodyOf(chunk));
  const body = zstdDecompressSync(bodyOf(chunk), { maxOutputLength: chunk.bodyBytes });
  return new OpenChunk(chunk, body);
}
