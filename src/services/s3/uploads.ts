import type { Reader, Transaction } from "#storage/storage.ts";
import { dropContent } from "./contents.ts";
import { invalidArgument, noSuchUpload } from "./errors.ts";
import { partNumberMax } from "./limits.ts";
import {
  type BucketRecord,
  keys,
  partCodec,
  type PartRecord,
  readRecord,
  uploadCodec,
  type UploadRecord,
} from "./records.ts";

interface UploadAt {
  readonly bucket: BucketRecord;
  readonly key: string;
  readonly uploadId: string;
}

/** Errors: `NoSuchUpload`. */
export function loadUpload(reader: Reader, { bucket, key, uploadId }: UploadAt): UploadRecord {
  const isPossible = /^[0-9a-f]{52}$/.test(uploadId);
  const upload = isPossible
    ? readRecord(reader, keys.upload(bucket.name, key, uploadId), uploadCodec)
    : undefined;
  if (!upload) throw noSuchUpload(uploadId);
  return upload;
}

export function partsOf(reader: Reader, uploadId: string): PartRecord[] {
  return Array.from(reader.list(keys.parts(uploadId)), ({ value }) => partCodec.decode(value));
}

/** Everything of every upload under way in a bucket goes. */
export function abortUploads(tx: Transaction, bucket: string): void {
  const uploads = Array.from(tx.list(keys.uploads(bucket)));
  for (const { value } of uploads) {
    const upload = uploadCodec.decode(value);
    dropParts(tx, upload.uploadId);
    tx.delete(keys.upload(bucket, upload.key, upload.uploadId));
  }
}

/** The parts of an upload with their bytes. */
export function dropParts(tx: Transaction, uploadId: string): void {
  for (const { contentId, partNumber } of partsOf(tx, uploadId)) {
    dropContent(tx, contentId);
    tx.delete(keys.part(uploadId, partNumber));
  }
}

/** Errors: `InvalidArgument`. */
export function checkPartNumber(partNumber: number | undefined): number {
  const isValid = Number.isInteger(partNumber) && (partNumber ?? 0) >= 1;
  if (isValid && partNumber !== undefined && partNumber <= partNumberMax) return partNumber;
  throw invalidArgument(
    `Part number must be an integer between 1 and ${partNumberMax}, inclusive`,
    "partNumber",
    String(partNumber),
  );
}
