import { key as encodeKey, keyPrefix } from "#storage/keys.ts";
import { plainRecordCodec, type RecordCodec, recordCodec } from "#storage/records.ts";
import type { KeyRange, Reader } from "#storage/storage.ts";

/** A bucket and what has been configured for it; the parts keep the form of the API. */
export interface BucketRecord {
  readonly name: string;
  readonly accountId: string;
  readonly region: string;
  readonly createdMs: number;
  /** Absent until it is configured for the first time. */
  readonly versioning?: "Enabled" | "Suspended";
  readonly hasObjectLock?: true;
  /** By name of the subresource (`cors`, `policy`, `lifecycle`, …): the input of its Put operation. */
  readonly settings: Readonly<Record<string, unknown>>;
}

export type ChecksumAlgorithm = "CRC32" | "CRC32C" | "CRC64NVME" | "SHA1" | "SHA256";

export interface StoredChecksum {
  readonly algorithm: ChecksumAlgorithm;
  /** Base64; of a composite one with `-<parts>`. */
  readonly value: string;
  readonly type: "COMPOSITE" | "FULL_OBJECT";
}

/** What the caller said of an object and gets back with it; times in epoch milliseconds. */
export interface ObjectHeaders {
  readonly cacheControl?: string;
  readonly contentDisposition?: string;
  readonly contentEncoding?: string;
  readonly contentLanguage?: string;
  readonly contentType?: string;
  /** As it was sent: S3 does not look at it. */
  readonly expires?: string;
  readonly redirect?: string;
}

export interface Encryption {
  readonly algorithm?: string;
  readonly kmsKeyId?: string;
  readonly isBucketKey?: boolean;
  readonly customerAlgorithm?: string;
  readonly customerKeyMd5?: string;
}

export interface Retention {
  readonly mode: "GOVERNANCE" | "COMPLIANCE";
  readonly untilMs: number;
}

/** One version of an object; the current one is the object. */
export interface ObjectRecord {
  readonly key: string;
  /** Absent on the null version. */
  readonly versionId?: string;
  /** Orders the versions of a key: later is larger. */
  readonly sequence: number;
  readonly atMs: number;
  readonly accountId: string;
  readonly isDeleteMarker?: true;
  /** Without quotes. */
  readonly etag: string;
  readonly byteCount: number;
  /** Where its bytes are; empty for a delete marker. */
  readonly contentId: string;
  readonly headers: ObjectHeaders;
  readonly metadata: Readonly<Record<string, string>>;
  readonly storageClass?: string;
  readonly checksum?: StoredChecksum;
  readonly tags?: readonly (readonly [key: string, value: string])[];
  readonly encryption?: Encryption;
  readonly retention?: Retention;
  readonly hasLegalHold?: true;
  /** Canned or granted; the owner's full control when absent. */
  readonly acl?: unknown;
  /** Of a multipart upload. */
  readonly partCount?: number;
}

/** A stretch of a file, or bytes at hand. */
export type Segment =
  | { readonly bodyId: string; readonly start: number; readonly byteCount: number }
  | { readonly bytes: Uint8Array };

export interface PartOfContent {
  readonly partNumber: number;
  readonly byteCount: number;
  readonly checksum?: string;
}

/** The bytes of one or more versions. */
export interface ContentRecord {
  readonly segments: readonly Segment[];
  readonly parts?: readonly PartOfContent[];
}

export interface UploadRecord {
  readonly key: string;
  readonly uploadId: string;
  readonly createdMs: number;
  readonly accountId: string;
  readonly headers: ObjectHeaders;
  readonly metadata: Readonly<Record<string, string>>;
  readonly storageClass?: string;
  readonly tags?: readonly (readonly [key: string, value: string])[];
  readonly encryption?: Encryption;
  readonly retention?: Retention;
  readonly hasLegalHold?: true;
  readonly acl?: unknown;
  readonly checksumAlgorithm?: ChecksumAlgorithm;
  readonly checksumType?: "COMPOSITE" | "FULL_OBJECT";
}

export interface PartRecord {
  readonly partNumber: number;
  readonly atMs: number;
  readonly etag: string;
  readonly byteCount: number;
  readonly contentId: string;
  readonly checksum?: StoredChecksum;
}

export const bucketCodec = recordCodec<BucketRecord>(1);
export const objectCodec = plainRecordCodec<ObjectRecord>(1);
const manySegments = recordCodec<ContentRecord>(1);

/** Small objects, which most are, are one segment at hand: its bytes as they are behind a zero. */
export const contentCodec: RecordCodec<ContentRecord> = {
  encode(content) {
    const [only] = content.segments;
    if (!only || content.segments.length > 1 || content.parts || !("bytes" in only)) {
      return manySegments.encode(content);
    }
    const encoded = new Uint8Array(only.bytes.byteLength + 1);
    encoded.set(only.bytes, 1);
    return encoded;
  },
  decode: (bytes) =>
    bytes[0] === 0 ? { segments: [{ bytes: bytes.subarray(1) }] } : manySegments.decode(bytes),
};

export const uploadCodec = plainRecordCodec<UploadRecord>(1);
export const partCodec = plainRecordCodec<PartRecord>(1);

/** Newest first: what is larger comes earlier. */
const sequenceEnd = Number.MAX_SAFE_INTEGER;

/**
 * Where everything is. Bucket names are global, as on AWS, so no account stands in front of them. The
 * parts of a bucket: `o` its current objects (what a listing shows), `v` noncurrent versions and delete
 * markers newest first, `n` which of those is the null version, `u` uploads under way.
 */
export const keys = {
  bucket: (bucket: string) => encodeKey("s3", "b", bucket),
  everyBucket: () => keyPrefix("s3", "b"),
  owned: (accountId: string, bucket: string) => encodeKey("s3", "a", accountId, bucket),
  everyOwned: (accountId: string) => keyPrefix("s3", "a", accountId),
  object: (bucket: string, key: string) => encodeKey("s3", "o", bucket, key),
  objects: (bucket: string) => keyPrefix("s3", "o", bucket),
  version: (bucket: string, key: string, sequence: number) =>
    encodeKey("s3", "v", bucket, key, sequenceEnd - sequence),
  versionsOf: (bucket: string, key: string) => keyPrefix("s3", "v", bucket, key),
  versions: (bucket: string) => keyPrefix("s3", "v", bucket),
  nullVersion: (bucket: string, key: string) => encodeKey("s3", "n", bucket, key),
  upload: (bucket: string, key: string, uploadId: string) =>
    encodeKey("s3", "u", bucket, key, uploadId),
  uploads: (bucket: string) => keyPrefix("s3", "u", bucket),
  uploadsOf: (bucket: string, key: string) => keyPrefix("s3", "u", bucket, key),
  part: (uploadId: string, partNumber: number) => encodeKey("s3", "p", uploadId, partNumber),
  parts: (uploadId: string) => keyPrefix("s3", "p", uploadId),
  content: (contentId: string) => encodeKey("s3", "c", contentId),
  /** How many contents name the file. */
  body: (bodyId: string) => encodeKey("s3", "r", bodyId),
  everyBody: () => keyPrefix("s3", "r"),
  /** Files that nothing names any more. */
  garbage: (bodyId: string) => encodeKey("s3", "g", bodyId),
  everyGarbage: () => keyPrefix("s3", "g"),
  /** Buckets with a lifecycle configuration. */
  lifecycle: (bucket: string) => encodeKey("s3", "l", bucket),
  everyLifecycle: () => keyPrefix("s3", "l"),
} as const;

export interface RecordReader<T> {
  decode(bytes: Uint8Array): T;
}

export function readRecord<T>(
  reader: Reader,
  at: Uint8Array,
  codec: RecordReader<T>,
): T | undefined {
  const bytes = reader.get(at);
  return bytes && codec.decode(bytes);
}

export function isEmpty(reader: Reader, range: KeyRange): boolean {
  for (const _ of reader.list(range, { limit: 1 })) return false;
  return true;
}
