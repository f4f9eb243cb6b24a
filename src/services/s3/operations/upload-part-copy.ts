import type { RequestContext } from "#base/context.ts";
import { randomHex } from "#base/ids.ts";
import { loadBucket } from "../buckets.ts";
import { checksumMembers, defaultAlgorithm } from "../checksums.ts";
import { dropContent, saveContent, sliceSegments } from "../contents.ts";
import { hashSegments, loadSource } from "../copy-source.ts";
import type { Input, Output, S3Deps } from "../deps.ts";
import { checkKey } from "../descriptions.ts";
import { invalidArgument, invalidRequest, noSuchKey } from "../errors.ts";
import { partBytesMax } from "../limits.ts";
import { encryptionMembers, quoted, versionIdMember, wholeSeconds } from "../outputs.ts";
import { type ByteRange, readRange } from "../ranges.ts";
import { keys, partCodec, readRecord } from "../records.ts";
import { checkPartNumber, loadUpload } from "../uploads.ts";

/** The part names the same files as its source: its bytes are read once, to hash them, and not written. */
export async function uploadPartCopy(
  deps: S3Deps,
  input: Input<"UploadPartCopy">,
  context: RequestContext,
): Promise<Output<"UploadPartCopy">> {
  const key = checkKey(input.Key);
  const partNumber = checkPartNumber(input.PartNumber);
  const asker = { context, mode: deps.mode };
  const { UploadId: uploadId } = input;
  const { upload, source } = await deps.store.read((reader) => {
    const bucket = loadBucket(reader, input, asker);
    const upload = loadUpload(reader, { bucket, key, uploadId });
    return { upload, source: loadSource(reader, input, asker) };
  });
  const range = sourceRange(input.CopySourceRange, source.record.byteCount);
  const segments = sliceSegments(source.segments, range);
  const algorithm = upload.checksumAlgorithm ?? defaultAlgorithm;
  const hashed = await hashSegments(deps, segments, algorithm);
  const checksum = { algorithm, value: hashed.checksum, type: "FULL_OBJECT" as const };
  const contentId = randomHex(deps.random, 12);
  const atMs = deps.clock.nowMs();
  await deps.store.write((tx) => {
    const bucket = loadBucket(tx, input, asker);
    loadUpload(tx, { bucket, key, uploadId });
    if (!tx.get(keys.content(source.record.contentId)) && segments.length > 0) {
      throw noSuchKey(source.record.key); // deleted meanwhile
    }
    const at = keys.part(uploadId, partNumber);
    const replaced = readRecord(tx, at, partCodec);
    saveContent(tx, contentId, { segments });
    if (replaced) dropContent(tx, replaced.contentId);
    const { etag } = hashed;
    const byteCount = range.end - range.start;
    tx.put(at, partCodec.encode({ partNumber, atMs, etag, byteCount, contentId, checksum }));
  });
  return {
    CopySourceVersionId: versionIdMember(source.record, source.bucket),
    CopyPartResult: {
      ETag: quoted(hashed.etag),
      LastModified: new Date(wholeSeconds(atMs)),
      ...(upload.checksumAlgorithm && checksumMembers(checksum)),
    },
    ...encryptionMembers(upload.encryption),
  };
}

/** Unlike `Range` it must be exact. */
function sourceRange(header: string | undefined, byteCount: number): ByteRange {
  if (header === undefined) {
    if (byteCount > partBytesMax) {
      throw invalidRequest(
        `The specified copy source is larger than the maximum allowable size for a copy source: ${partBytesMax}`,
      );
    }
    return { start: 0, end: byteCount };
  }
  const found = /^bytes=\d+-(\d+)$/.exec(header);
  if (!found) {
    throw invalidArgument(
      "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy",
      "x-amz-copy-source-range",
      header,
    );
  }
  if (Number(found[1]) >= byteCount) {
    throw invalidArgument(
      `Range specified is not valid for source object of size: ${byteCount}`,
      "x-amz-copy-source-range",
      header,
    );
  }
  const range = readRange(header, byteCount);
  if (range) return range;
  throw invalidArgument(
    "The x-amz-copy-source-range value is not valid",
    "x-amz-copy-source-range",
    header,
  );
}
