import type { RequestContext } from "#base/context.ts";
import type { Service } from "#protocol/service/service.ts";
import { toWireError, type WireResponse, wireProtocols } from "#protocol/wire/wire.ts";
import { findBucket } from "./buckets.ts";
import type { Input, S3Deps } from "./deps.ts";
import { notImplemented, s3Error } from "./errors.ts";
import { storeObject } from "./operations/put-object.ts";

/** What pages and forms may do with buckets: the gateway's side of them. */
export interface BucketFront {
  /** The rules of a bucket's CORS configuration; empty when it has none or does not exist. */
  corsRules(bucket: string): Promise<readonly CorsRule[]>;
  /** Stores what a form uploaded. Throws S3's errors. */
  post(
    form: Posted,
    context: RequestContext,
  ): Promise<{
    readonly key: string;
    readonly etag: string;
    readonly versionId: string | undefined;
  }>;
  /** An error as S3 answers it. */
  errorAnswer(error: unknown, requestId: string): WireResponse;
}

type CorsRule = NonNullable<Input<"PutBucketCors">["CORSConfiguration"]["CORSRules"]>[number];

interface Posted {
  readonly bucket: string;
  /** Names in lower case. */
  readonly fields: ReadonlyMap<string, string>;
  readonly fileName: string;
  readonly contentType: string | undefined;
  readonly body: AsyncIterable<Uint8Array>;
  readonly lengthRange: { readonly min: number; readonly max: number } | undefined;
}

export function createBucketFront(deps: S3Deps, service: Service): BucketFront {
  return {
    async corsRules(name) {
      const bucket = await deps.store.read((reader) => findBucket(reader, name));
      const stored = bucket?.settings["cors"] as { CORSRules?: CorsRule[] } | undefined; // stored by PutBucketCors
      return stored?.CORSRules ?? [];
    },
    async post(form, context) {
      const input = inputOf(form);
      const { lengthRange } = form;
      const stored = await storeObject(deps, {
        input,
        context,
        eventName: "ObjectCreated:Post",
        lengthRange,
      });
      const etag = (stored.ETag ?? "").replaceAll('"', "");
      return { key: input.Key, etag, versionId: stored.VersionId };
    },
    errorAnswer(error, requestId) {
      const restXml = wireProtocols.get("restXml");
      if (!restXml) throw new TypeError("S3 speaks restXml");
      return restXml.encodeError(toWireError(error), undefined, service, { requestId });
    },
  };
}

/** Fields of a form by the member they stand for. */
const members = {
  acl: "ACL",
  "cache-control": "CacheControl",
  "content-disposition": "ContentDisposition",
  "content-encoding": "ContentEncoding",
  "content-type": "ContentType",
  "x-amz-storage-class": "StorageClass",
  "x-amz-website-redirect-location": "WebsiteRedirectLocation",
  "x-amz-server-side-encryption": "ServerSideEncryption",
  "x-amz-server-side-encryption-aws-kms-key-id": "SSEKMSKeyId",
  "x-amz-checksum-crc32": "ChecksumCRC32",
  "x-amz-checksum-crc32c": "ChecksumCRC32C",
  "x-amz-checksum-crc64nvme": "ChecksumCRC64NVME",
  "x-amz-checksum-sha1": "ChecksumSHA1",
  "x-amz-checksum-sha256": "ChecksumSHA256",
} as const;

/** https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html (form fields, seen 2026-11) */
function inputOf({ bucket, fields, fileName, contentType, body }: Posted): Input<"PutObject"> {
  const template = fields.get("key");
  if (template === undefined) {
    throw s3Error(
      "InvalidArgument",
      "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields.",
      { fields: { ArgumentName: "key", ArgumentValue: "" } },
    );
  }
  if (fields.has("tagging")) throw notImplemented("The form field tagging");
  const said: Record<string, string> = {};
  for (const [field, member] of Object.entries(members)) {
    const value = fields.get(field);
    if (value !== undefined) said[member] = value;
  }
  const metadata: Record<string, string> = {};
  for (const [name, value] of fields) {
    if (name.startsWith("x-amz-meta-")) metadata[name.slice("x-amz-meta-".length)] = value;
  }
  return {
    ...(contentType !== undefined && { ContentType: contentType }),
    ...said,
    Bucket: bucket,
    Key: template.replaceAll("${filename}", fileName),
    Body: body,
    Metadata: metadata,
  };
}
