import { createHash } from "node:crypto";
import type { RequestContext } from "#base/context.ts";
import type { AuthenticationMode } from "#protocol/auth/auth.ts";
import type { Reader, Transaction } from "#storage/storage.ts";
import { accessDenied, noSuchBucket } from "./errors.ts";
import { bucketCodec, keys, readRecord, type BucketRecord } from "./records.ts";

/** What every request that names a bucket says of it. */
export interface BucketInput {
  readonly Bucket: string | undefined;
  readonly ExpectedBucketOwner?: string | undefined;
}

interface Asker {
  readonly context: Pick<RequestContext, "principal">;
  readonly mode: AuthenticationMode;
}

/**
 * The bucket a request names. Errors: `NoSuchBucket`; `AccessDenied` when its owner is not whom the
 * request expects, or, where identities are verified, not who asks: no bucket policy is evaluated.
 */
export function loadBucket(reader: Reader, input: BucketInput, asker: Asker): BucketRecord {
  const name = input.Bucket ?? "";
  const bucket = findBucket(reader, name);
  if (!bucket) throw noSuchBucket(name);
  const { ExpectedBucketOwner: expected } = input;
  if (expected !== undefined && expected !== bucket.accountId) throw accessDenied();
  if (asker.mode === "strict" && asker.context.principal.accountId !== bucket.accountId) {
    throw accessDenied();
  }
  return bucket;
}

export function findBucket(reader: Reader, name: string): BucketRecord | undefined {
  return name.length > 255 ? undefined : readRecord(reader, keys.bucket(name), bucketCodec);
}

export function saveBucket(tx: Transaction, bucket: BucketRecord): void {
  tx.put(keys.bucket(bucket.name), bucketCodec.encode(bucket));
}

/** A canonical user id: what S3 calls an account. https://docs.aws.amazon.com/AmazonS3/latest/userguide/finding-canonical-user-id.html */
export function canonicalId(accountId: string): string {
  let id = canonicalIds.get(accountId);
  if (id === undefined) {
    id = createHash("sha256").update(`canonical user ${accountId}`).digest("hex");
    if (canonicalIds.size >= canonicalIdsMax) canonicalIds.clear();
    canonicalIds.set(accountId, id);
  }
  return id;
}

const canonicalIds = new Map<string, string>();
const canonicalIdsMax = 1_000;

export function ownerOf(accountId: string): { ID: string } {
  return { ID: canonicalId(accountId) };
}
