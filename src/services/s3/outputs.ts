import { checksumMembers } from "./checksums.ts";
import type { BucketRecord, Encryption, ObjectRecord } from "./records.ts";

/** Members that HeadObject and GetObject share. */
export function objectMembers(
  record: ObjectRecord,
  options: { readonly bucket: BucketRecord; readonly hasChecksum: boolean },
) {
  const { headers } = record;
  return {
    AcceptRanges: "bytes",
    LastModified: new Date(wholeSeconds(record.atMs)),
    ContentLength: record.byteCount,
    ETag: quoted(record.etag),
    ContentType: headers.contentType ?? "binary/octet-stream",
    CacheControl: headers.cacheControl,
    ContentDisposition: headers.contentDisposition,
    ContentEncoding: headers.contentEncoding,
    ContentLanguage: headers.contentLanguage,
    ...(headers.expires !== undefined && { Expires: new Date(headers.expires) }),
    WebsiteRedirectLocation: headers.redirect,
    Metadata: { ...record.metadata },
    // https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html: not for the standard class.
    StorageClass: record.storageClass as "GLACIER" | undefined, // checked when it was stored
    VersionId: versionIdMember(record, options.bucket),
    ...(record.tags && { TagCount: record.tags.length }),
    ...encryptionMembers(record.encryption),
    ...(record.retention && {
      ObjectLockMode: record.retention.mode,
      ObjectLockRetainUntilDate: new Date(record.retention.untilMs),
    }),
    ...(record.hasLegalHold && { ObjectLockLegalHoldStatus: "ON" as const }),
    ...(options.hasChecksum && {
      ...checksumMembers(record.checksum),
      ChecksumType: record.checksum?.type,
    }),
  };
}

/** Said of every version that has one; the null version of a versioned bucket is called so. */
export function versionIdMember(
  record: Pick<ObjectRecord, "versionId">,
  bucket?: BucketRecord,
): string | undefined {
  return record.versionId ?? (bucket?.versioning === undefined ? undefined : "null");
}

export function encryptionMembers(encryption: Encryption | undefined) {
  if (encryption?.customerAlgorithm !== undefined) {
    return {
      SSECustomerAlgorithm: encryption.customerAlgorithm,
      SSECustomerKeyMD5: encryption.customerKeyMd5,
    };
  }
  return {
    ServerSideEncryption: (encryption?.algorithm ?? "AES256") as "AES256", // checked when it was stored
    SSEKMSKeyId: encryption?.kmsKeyId,
    ...(encryption?.isBucketKey && { BucketKeyEnabled: true }),
  };
}

export function quoted(etag: string): string {
  return `"${etag}"`;
}

/** S3 keeps times in seconds. */
export function wholeSeconds(ms: number): number {
  return ms - (ms % 1_000);
}
