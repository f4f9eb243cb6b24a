import { invalidArgument, invalidRequest, notImplemented, s3Error } from "./errors.ts";
import { keyBytesMax, metadataBytesMax } from "./limits.ts";
import type {
  BucketRecord,
  Encryption,
  ObjectHeaders,
  ObjectRecord,
  Retention,
} from "./records.ts";
import { parseTagging } from "./tags.ts";

/** What a request that makes an object may say of it. */
export interface DescriptionInput {
  readonly CacheControl?: string | undefined;
  readonly ContentDisposition?: string | undefined;
  readonly ContentEncoding?: string | undefined;
  readonly ContentLanguage?: string | undefined;
  readonly ContentType?: string | undefined;
  readonly Expires?: Date | undefined;
  readonly WebsiteRedirectLocation?: string | undefined;
  readonly Metadata?: Readonly<Record<string, string>> | undefined;
  readonly StorageClass?: string | undefined;
  readonly Tagging?: string | undefined;
  readonly ServerSideEncryption?: string | undefined;
  readonly SSEKMSKeyId?: string | undefined;
  readonly BucketKeyEnabled?: boolean | undefined;
  readonly SSECustomerAlgorithm?: string | undefined;
  readonly SSECustomerKey?: string | undefined;
  readonly SSECustomerKeyMD5?: string | undefined;
  readonly ObjectLockMode?: string | undefined;
  readonly ObjectLockRetainUntilDate?: Date | undefined;
  readonly ObjectLockLegalHoldStatus?: string | undefined;
  readonly ACL?: string | undefined;
  readonly GrantFullControl?: string | undefined;
  readonly GrantRead?: string | undefined;
  readonly GrantReadACP?: string | undefined;
  readonly GrantWriteACP?: string | undefined;
}

/** The same as it is stored. */
export type Description = Pick<
  ObjectRecord,
  | "headers"
  | "metadata"
  | "storageClass"
  | "tags"
  | "encryption"
  | "retention"
  | "hasLegalHold"
  | "acl"
>;

/** Errors: `KeyTooLongError`; a key is any text of up to 1,024 bytes and never a path. */
export function checkKey(key: string): string {
  const byteCount = Buffer.byteLength(key);
  // NUL takes two bytes where it is stored, in at most 1,800.
  const storedBytes = byteCount + key.split("\0").length - 1;
  if (byteCount <= keyBytesMax && storedBytes <= storedKeyBytesMax) return key;
  throw s3Error("KeyTooLongError", "Your key is too long", {
    fields: { Size: String(byteCount), MaxSizeAllowed: String(keyBytesMax) },
  });
}

const storedKeyBytesMax = 1_600;

export function describe(
  input: DescriptionInput,
  { bucket, nowMs }: { readonly bucket: BucketRecord; readonly nowMs: number },
): Description {
  const tags = input.Tagging === undefined ? undefined : parseTagging(input.Tagging);
  const storageClass = readStorageClass(input.StorageClass);
  const acl = readAcl(input);
  return {
    headers: readHeaders(input),
    metadata: readMetadata(input.Metadata),
    ...(storageClass !== undefined && { storageClass }),
    ...(tags && tags.length > 0 && { tags }),
    ...readEncryption(input, bucket),
    ...readLock(input, bucket, nowMs),
    ...(acl !== undefined && { acl }),
  };
}

function readHeaders(input: DescriptionInput): ObjectHeaders {
  const { Expires: expires } = input;
  return {
    ...(input.CacheControl !== undefined && { cacheControl: input.CacheControl }),
    ...(input.ContentDisposition !== undefined && { contentDisposition: input.ContentDisposition }),
    ...(input.ContentEncoding !== undefined && { contentEncoding: input.ContentEncoding }),
    ...(input.ContentLanguage !== undefined && { contentLanguage: input.ContentLanguage }),
    ...(input.ContentType !== undefined && { contentType: input.ContentType }),
    ...(expires && { expires: expires.toUTCString() }),
    ...(input.WebsiteRedirectLocation !== undefined && {
      redirect: readRedirect(input.WebsiteRedirectLocation),
    }),
  };
}

function readRedirect(location: string): string {
  if (/^(\/|https?:\/\/)/.test(location)) return location;
  throw s3Error(
    "InvalidRedirectLocation",
    "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.",
  );
}

function readMetadata(
  metadata: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  let byteCount = 0;
  for (const name in metadata) {
    byteCount += Buffer.byteLength(name) + Buffer.byteLength(metadata[name] ?? "");
  }
  if (byteCount <= metadataBytesMax) return { ...metadata };
  throw s3Error(
    "MetadataTooLarge",
    "Your metadata headers exceed the maximum allowed metadata size",
    {
      fields: { Size: String(byteCount), MaxSizeAllowed: String(metadataBytesMax) },
    },
  );
}

const storageClasses = [
  "STANDARD",
  "REDUCED_REDUNDANCY",
  "STANDARD_IA",
  "ONEZONE_IA",
  "INTELLIGENT_TIERING",
  "GLACIER_IR",
];
/** Objects in these would have to be restored before they are read. */
const archiveClasses = ["GLACIER", "DEEP_ARCHIVE"];

/** Undefined for the standard class, which is not told. Storage is one kind here; the class is remembered. */
function readStorageClass(name: string | undefined): string | undefined {
  if (name === undefined || name === "STANDARD") return undefined;
  if (storageClasses.includes(name)) return name;
  if (archiveClasses.includes(name)) throw notImplemented(`The storage class ${name}`);
  throw s3Error("InvalidStorageClass", "The storage class you specified is not valid", {
    fields: { StorageClassRequested: name },
  });
}

/** What a bucket's encryption configuration says, as far as it is applied to objects. */
interface EncryptionSetting {
  readonly Rules?: readonly {
    readonly ApplyServerSideEncryptionByDefault?: {
      readonly SSEAlgorithm?: string;
      readonly KMSMasterKeyID?: string;
    };
    readonly BucketKeyEnabled?: boolean;
  }[];
}

/** Remembered and echoed; what is stored here is not encrypted by us. */
function readEncryption(
  input: DescriptionInput,
  bucket: BucketRecord,
): { readonly encryption?: Encryption } {
  const { SSECustomerAlgorithm: customerAlgorithm, SSECustomerKeyMD5: customerKeyMd5 } = input;
  if (customerAlgorithm !== undefined || input.SSECustomerKey !== undefined) {
    return { encryption: customerEncryption(customerAlgorithm, customerKeyMd5) };
  }
  if (input.ServerSideEncryption !== undefined) {
    return { encryption: serverEncryption(input.ServerSideEncryption, input) };
  }
  const setting = bucket.settings["encryption"] as EncryptionSetting | undefined; // stored by PutBucketEncryption
  const rule = setting?.Rules?.[0];
  const byDefault = rule?.ApplyServerSideEncryptionByDefault;
  if (byDefault?.SSEAlgorithm === undefined || byDefault.SSEAlgorithm === "AES256") return {};
  return {
    encryption: {
      algorithm: byDefault.SSEAlgorithm,
      ...(byDefault.KMSMasterKeyID !== undefined && { kmsKeyId: byDefault.KMSMasterKeyID }),
      ...(rule?.BucketKeyEnabled && { isBucketKey: true }),
    },
  };
}

function customerEncryption(
  customerAlgorithm: string | undefined,
  customerKeyMd5: string | undefined,
): Encryption {
  if (customerAlgorithm !== "AES256") {
    throw s3Error(
      "InvalidEncryptionAlgorithmError",
      "The Encryption request you specified is not valid. Supported value: AES256.",
    );
  }
  if (customerKeyMd5 === undefined) {
    throw invalidArgument(
      "Requests specifying Server Side Encryption with Customer provided keys must provide the client calculated MD5 of the secret key.",
      "x-amz-server-side-encryption-customer-key-MD5",
      "null",
    );
  }
  return { customerAlgorithm, customerKeyMd5 };
}

function serverEncryption(algorithm: string, input: DescriptionInput): Encryption {
  if (!["AES256", "aws:kms", "aws:kms:dsse"].includes(algorithm)) {
    throw invalidArgument(
      "The encryption method specified is not supported",
      "x-amz-server-side-encryption",
      algorithm,
    );
  }
  return {
    algorithm,
    ...(input.SSEKMSKeyId !== undefined && { kmsKeyId: input.SSEKMSKeyId }),
    ...(input.BucketKeyEnabled && { isBucketKey: true }),
  };
}

/** A bucket's rule for objects that say nothing. */
interface LockSetting {
  readonly Rule?: {
    readonly DefaultRetention?: {
      readonly Mode?: "GOVERNANCE" | "COMPLIANCE";
      readonly Days?: number;
      readonly Years?: number;
    };
  };
}

const dayMs = 86_400_000;

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html (seen 2026-11) */
function readLock(
  input: DescriptionInput,
  bucket: BucketRecord,
  nowMs: number,
): Pick<Description, "retention" | "hasLegalHold"> {
  const { ObjectLockMode: mode, ObjectLockRetainUntilDate: until } = input;
  const hold = input.ObjectLockLegalHoldStatus;
  const isAsked = mode !== undefined || until !== undefined || hold !== undefined;
  if (!bucket.hasObjectLock) {
    if (isAsked) throw invalidRequest("Bucket is missing Object Lock Configuration");
    return {};
  }
  const legalHold = readLegalHold(hold);
  if (mode === undefined && until === undefined) {
    const retention = defaultRetention(bucket, nowMs);
    return { ...(retention && { retention }), ...(legalHold && { hasLegalHold: true }) };
  }
  const retention = readRetention(mode, until, nowMs);
  return { retention, ...(legalHold && { hasLegalHold: true }) };
}

function readLegalHold(status: string | undefined): boolean {
  if (status === undefined || status === "OFF") return false;
  if (status === "ON") return true;
  throw invalidArgument(
    "Legal Hold must be either of 'ON' or 'OFF'",
    "x-amz-object-lock-legal-hold",
    status,
  );
}

export function readRetention(
  mode: string | undefined,
  until: Date | undefined,
  nowMs: number,
): Retention {
  if (mode === undefined || until === undefined) {
    throw invalidArgument(
      "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied",
      mode === undefined ? "x-amz-object-lock-mode" : "x-amz-object-lock-retain-until-date",
      "",
    );
  }
  if (mode !== "GOVERNANCE" && mode !== "COMPLIANCE") {
    throw invalidArgument("Unknown wormMode directive.", "x-amz-object-lock-mode", mode);
  }
  if (until.getTime() <= nowMs) {
    throw invalidArgument(
      "The retain until date must be in the future!",
      "x-amz-object-lock-retain-until-date",
      until.toISOString(),
    );
  }
  return { mode, untilMs: until.getTime() };
}

function defaultRetention(bucket: BucketRecord, nowMs: number): Retention | undefined {
  const setting = bucket.settings["object-lock"] as LockSetting | undefined; // stored by PutObjectLockConfiguration
  const rule = setting?.Rule?.DefaultRetention;
  if (!rule?.Mode) return undefined;
  const days = rule.Days ?? (rule.Years ?? 0) * 365;
  return { mode: rule.Mode, untilMs: nowMs + days * dayMs };
}

const cannedAcls = [
  "private",
  "public-read",
  "public-read-write",
  "authenticated-read",
  "aws-exec-read",
  "bucket-owner-read",
  "bucket-owner-full-control",
];

/** Stored and told; nothing is granted by it. */
function readAcl(input: DescriptionInput): unknown {
  const grants = [input.GrantFullControl, input.GrantRead, input.GrantReadACP, input.GrantWriteACP];
  const hasGrants = grants.some((grant) => grant !== undefined);
  if (input.ACL === undefined && !hasGrants) return undefined;
  if (input.ACL !== undefined && hasGrants) {
    throw invalidRequest("Specifying both Canned ACLs and Header Grants is not allowed");
  }
  if (hasGrants) throw notImplemented("Granting by x-amz-grant headers of an object");
  if (!cannedAcls.includes(input.ACL ?? "")) {
    throw invalidArgument("", "x-amz-acl", input.ACL ?? "");
  }
  return input.ACL === "private" ? undefined : input.ACL;
}
