import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import type { BlobReference } from "../storage.ts";

/** Streams into a new read-only file and syncs it. Leaves the file behind on failure. */
export async function writeDurably(
  file: string,
  source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  assertRoom: (byteCount: number) => Promise<void>,
): Promise<BlobReference> {
  const hash = createHash("sha256");
  let byteCount = 0;
  await using handle = await open(
    file,
    constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY,
    0o444,
  );
  for await (const chunk of source) {
    await assertRoom(chunk.byteLength);
    hash.update(chunk);
    for (let written = 0; written < chunk.byteLength;)
      written += (await handle.write(chunk, written)).bytesWritten;
    byteCount += chunk.byteLength;
  }
  await handle.sync();
  return { sha256: hash.digest("hex"), byteCount };
}

export function describeBytes(bytes: Uint8Array): BlobReference {
  return {
    sha256: createHash("sha256").update(bytes).digest("hex"),
    byteCount: bytes.byteLength,
  };
}
