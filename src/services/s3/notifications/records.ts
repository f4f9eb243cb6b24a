import type { RequestContext } from "#base/context.ts";
import { canonicalId } from "../buckets.ts";
import type { BucketRecord, ObjectRecord } from "../records.ts";

/** What happened to an object. */
export interface ObjectEvent {
  /** `ObjectCreated:Put` */
  readonly name: string;
  readonly bucket: BucketRecord;
  readonly record: Pick<ObjectRecord, "key" | "versionId" | "sequence" | "etag" | "byteCount">;
  readonly atMs: number;
}

/** Who did it; a lifecycle rule has no request. */
export type Cause = Pick<RequestContext, "requestId" | "principal" | "trace">;

/**
 * The document a queue, topic or function gets.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html (seen 2026-11)
 */
export function eventDocument(event: ObjectEvent, cause: Cause, configurationId: string): object {
  const { bucket, name, atMs } = event;
  return {
    Records: [
      {
        eventVersion: /^Object(Created|Removed):/.test(name) ? "2.1" : "2.3",
        eventSource: "aws:s3",
        awsRegion: bucket.region,
        eventTime: new Date(atMs).toISOString(),
        eventName: name,
        userIdentity: { principalId: principalId(cause) },
        requestParameters: { sourceIPAddress: "127.0.0.1" },
        responseElements: {
          "x-amz-request-id": cause.requestId,
          "x-amz-id-2": Buffer.from(cause.requestId.replaceAll("-", ""), "hex").toString("base64"),
        },
        s3: {
          s3SchemaVersion: "1.0",
          configurationId,
          bucket: {
            name: bucket.name,
            ownerIdentity: { principalId: canonicalId(bucket.accountId) },
            arn: `arn:aws:s3:::${bucket.name}`,
          },
          object: objectPart(event),
        },
      },
    ],
  };
}

function objectPart({ name, record }: ObjectEvent): object {
  const isRemoval = name.endsWith(":Delete") && !name.startsWith("ObjectTagging");
  return {
    key: formEncoded(record.key),
    ...(!isRemoval && { size: record.byteCount, eTag: record.etag || emptyTag }),
    ...(record.versionId !== undefined && { versionId: record.versionId }),
    sequencer: sequencer(record.sequence),
  };
}

/** MD5 of nothing: the tag of a delete marker. */
const emptyTag = "d41d8cd98f00b204e9800998ecf8427e";

/** Later events of one key have a larger one, compared as text of one length. */
function sequencer(sequence: number): string {
  return sequence.toString(16).toUpperCase().padStart(16, "0");
}

/** As forms are: a space is a plus sign. Slashes stay. */
function formEncoded(key: string): string {
  return encodeURIComponent(key)
    .replaceAll("%2F", "/")
    .replaceAll("%20", "+")
    .replaceAll(/[!'()]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function principalId({ principal }: Cause): string {
  const { arn, accountId } = principal;
  if (arn === "s3.amazonaws.com" || !arn.startsWith("arn:")) return arn;
  return `AWS:${arn.endsWith(":root") ? accountId : (arn.split(/[:/]/).at(-1) ?? accountId)}`;
}

/** What queues and topics get when they are configured. */
export function testDocument(bucket: string, requestId: string, nowMs: number): object {
  return {
    Service: "Amazon S3",
    Event: "s3:TestEvent",
    Time: new Date(nowMs).toISOString(),
    Bucket: bucket,
    RequestId: requestId,
    HostId: Buffer.from(requestId.replaceAll("-", ""), "hex").toString("base64"),
  };
}

/** The same for the bus. */
export interface BusEvent {
  readonly source: "aws.s3";
  readonly detailType: string;
  readonly detail: object;
  readonly resources: readonly string[];
}

const busTypes: readonly (readonly [prefix: string, detailType: string])[] = [
  ["ObjectCreated:", "Object Created"],
  ["ObjectRemoved:", "Object Deleted"],
  ["LifecycleExpiration:", "Object Deleted"],
  ["ObjectTagging:Put", "Object Tags Added"],
  ["ObjectTagging:Delete", "Object Tags Deleted"],
  ["ObjectAcl:", "Object ACL Updated"],
];

const reasons: Readonly<Record<string, string>> = {
  "ObjectCreated:Put": "PutObject",
  "ObjectCreated:Post": "POST Object",
  "ObjectCreated:Copy": "CopyObject",
  "ObjectCreated:CompleteMultipartUpload": "CompleteMultipartUpload",
  "ObjectRemoved:Delete": "DeleteObject",
  "ObjectRemoved:DeleteMarkerCreated": "DeleteObject",
  "LifecycleExpiration:Delete": "Lifecycle Expiration",
  "LifecycleExpiration:DeleteMarkerCreated": "Lifecycle Expiration",
};

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html (seen 2026-11) */
export function busEvent(event: ObjectEvent, cause: Cause): BusEvent {
  const { bucket, record, name } = event;
  const detailType = busTypes.find(([prefix]) => name.startsWith(prefix))?.[1] ?? name;
  const isCreated = detailType === "Object Created";
  const reason = reasons[name];
  return {
    source: "aws.s3",
    detailType,
    resources: [`arn:aws:s3:::${bucket.name}`],
    detail: {
      version: "0",
      bucket: { name: bucket.name },
      object: {
        key: record.key,
        ...(isCreated && { size: record.byteCount }),
        ...(detailType !== "Object Deleted" && { etag: record.etag }),
        ...(record.versionId !== undefined && { "version-id": record.versionId }),
        ...(isCreated || detailType === "Object Deleted"
          ? { sequencer: sequencer(record.sequence) }
          : {}),
      },
      "request-id": cause.requestId,
      requester: cause.principal.accountId,
      "source-ip-address": "127.0.0.1",
      ...(reason !== undefined && { reason }),
      ...(detailType === "Object Deleted" && {
        "deletion-type": name.endsWith("DeleteMarkerCreated")
          ? "Delete Marker Created"
          : "Permanently Deleted",
      }),
    },
  };
}
