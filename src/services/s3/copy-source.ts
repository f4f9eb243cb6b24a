import { createHash } from "node:crypto";
import type { Reader } from "#storage/storage.ts";
import { type BucketInput, loadBucket } from "./buckets.ts";
import { algorithmNamed } from "./checksums.ts";
import { checkSource } from "./conditions.ts";
import { bytesOf, readContent } from "./contents.ts";
import type { S3Deps } from "./deps.ts";
import { invalidArgument, notImplemented } from "./errors.ts";
import { findReadable } from "./lookups.ts";
import type { BucketRecord, ChecksumAlgorithm, ObjectRecord, Segment } from "./records.ts";

/** How a request names what it copies, and under which conditions. */
export interface CopyInput {
  readonly CopySource?: string | undefined;
  readonly CopySourceIfMatch?: string | undefined;
  readonly CopySourceIfNoneMatch?: string | undefined;
  readonly CopySourceIfModifiedSince?: Date | undefined;
  readonly CopySourceIfUnmodifiedSince?: Date | undefined;
  readonly CopySourceSSECustomerAlgorithm?: string | undefined;
  readonly ExpectedSourceBucketOwner?: string | undefined;
}

interface Source {
  readonly bucket: string;
  readonly key: string;
  readonly versionId: string | undefined;
}

/**
 * `[/]bucket/key[?versionId=id]`, URL-encoded.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html (x-amz-copy-source, seen 2026-11)
 */
function parseSource(text: string | undefined): Source {
  const found = /^\/?([^/?]+)\/([^]*?)(?:\?versionId=([^&]*))?$/.exec(text ?? "");
  const [, bucket, key, versionId] = found ?? [];
  if (bucket?.startsWith("arn:")) throw notImplemented("Copying from an access point");
  if (bucket === undefined || key === undefined || key === "") {
    throw invalidArgument("Invalid copy source object key", "x-amz-copy-source", text ?? "");
  }
  try {
    return { bucket: decodeURIComponent(bucket), key: decodeKey(key), versionId };
  } catch {
    throw invalidArgument("Invalid copy source encoding.", "x-amz-copy-source", text ?? "");
  }
}

/** A plus sign is a space here. */
function decodeKey(text: string): string {
  return decodeURIComponent(text.replaceAll("+", " "));
}

export interface FoundSource {
  readonly bucket: BucketRecord;
  readonly record: ObjectRecord;
  readonly segments: readonly Segment[];
}

/** Errors: as a read of it, and `PreconditionFailed`. */
export function loadSource(
  reader: Reader,
  input: CopyInput,
  asker: Parameters<typeof loadBucket>[2],
): FoundSource {
  if (input.CopySourceSSECustomerAlgorithm !== undefined) {
    throw notImplemented("Copying from an object under a key of the customer's own");
  }
  const { bucket: name, key, versionId } = parseSource(input.CopySource);
  const { ExpectedSourceBucketOwner } = input;
  const named: BucketInput = { Bucket: name, ExpectedBucketOwner: ExpectedSourceBucketOwner };
  const bucket = loadBucket(reader, named, asker);
  const record = findReadable(reader, { bucket, key }, versionId);
  checkSource(record, {
    IfMatch: input.CopySourceIfMatch,
    IfNoneMatch: input.CopySourceIfNoneMatch,
    IfModifiedSince: input.CopySourceIfModifiedSince,
    IfUnmodifiedSince: input.CopySourceIfUnmodifiedSince,
  });
  return { bucket, record, segments: readContent(reader, record.contentId).segments };
}

/** MD5 and checksum of bytes that are here already. */
export async function hashSegments(
  deps: Pick<S3Deps, "bodies">,
  segments: readonly Segment[],
  algorithm: ChecksumAlgorithm,
): Promise<{ readonly etag: string; readonly checksum: string }> {
  const md5 = createHash("md5");
  const running = algorithmNamed(algorithm).start();
  const bytes = bytesOf(deps.bodies, segments);
  for await (const piece of bytes instanceof Uint8Array ? [bytes] : bytes) {
    md5.update(piece);
    running.update(piece);
  }
  return { etag: md5.digest("hex"), checksum: await running.digest() };
}
