import type { RequestContext } from "#base/context.ts";
import type { Reader } from "#storage/storage.ts";
import { loadBucket } from "../buckets.ts";
import { checkRead } from "../conditions.ts";
import { bytesOf, readContent, sliceSegments } from "../contents.ts";
import type { Input, Output, S3Deps } from "../deps.ts";
import { invalidRequest, s3Error } from "../errors.ts";
import { findReadable } from "../lookups.ts";
import { objectMembers } from "../outputs.ts";
import { type ByteRange, contentRange, readRange } from "../ranges.ts";
import type { BucketRecord, ContentRecord, ObjectRecord } from "../records.ts";

type ReadInput = Input<"HeadObject"> & Pick<Input<"GetObject">, "Range">;

interface Readable {
  readonly bucket: BucketRecord;
  readonly record: ObjectRecord;
  readonly content: ContentRecord | undefined;
}

export async function getObject(
  deps: S3Deps,
  input: Input<"GetObject">,
  context: RequestContext,
): Promise<Output<"GetObject">> {
  const found = await deps.store.read((reader) =>
    find(deps, reader, { input, context, isHead: false }),
  );
  const { members, range } = answer(found, input);
  const { segments } = found.content ?? { segments: [] };
  const wanted = range ? sliceSegments(segments, range) : segments;
  return { ...members, Body: bytesOf(deps.bodies, wanted) };
}

export async function headObject(
  deps: S3Deps,
  input: Input<"HeadObject">,
  context: RequestContext,
): Promise<Output<"HeadObject">> {
  const found = await deps.store.read((reader) =>
    find(deps, reader, { input, context, isHead: true }),
  );
  return answer(found, input).members;
}

/** 206 where a part is answered. */
export function statusOfRead(output: object): number {
  return "ContentRange" in output && output.ContentRange !== undefined ? 206 : 200;
}

function find(
  deps: S3Deps,
  reader: Reader,
  asked: { readonly input: ReadInput; readonly context: RequestContext; readonly isHead: boolean },
): Readable {
  const { input, context, isHead } = asked;
  const bucket = loadBucket(reader, input, { context, mode: deps.mode });
  const record = findReadable(reader, { bucket, key: input.Key }, input.VersionId);
  checkCustomerKey(record, input);
  checkRead(record, input);
  const needsContent = !isHead || input.PartNumber !== undefined;
  const content = needsContent ? readContent(reader, record.contentId) : undefined;
  return { bucket, record, content };
}

/** Who stored an object under a key of their own must show that key. */
function checkCustomerKey(record: ObjectRecord, input: ReadInput): void {
  const stored = record.encryption?.customerKeyMd5;
  if (stored === undefined) {
    if (input.SSECustomerKeyMD5 === undefined) return;
    throw invalidRequest("The encryption parameters are not applicable to this object.");
  }
  if (input.SSECustomerKeyMD5 === undefined) {
    throw invalidRequest(
      "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.",
    );
  }
  if (input.SSECustomerKeyMD5 !== stored) {
    throw s3Error("AccessDenied", "Access Denied", { status: 403 });
  }
}

function answer({ bucket, record, content }: Readable, input: ReadInput) {
  const part = partRange(record, content, input);
  const range = part ?? readRange(input.Range, record.byteCount);
  const hasChecksum = input.ChecksumMode === "ENABLED" && (!range || part !== undefined);
  const members = {
    ...objectMembers(record, { bucket, hasChecksum }),
    ...(range && {
      ContentLength: range.end - range.start,
      ContentRange: contentRange(range, record.byteCount),
    }),
    ...(part && record.partCount !== undefined && { PartsCount: record.partCount }),
    ...overrides(input),
  };
  return { members, range };
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html: `partNumber` of an object in one piece is all of it. */
function partRange(
  record: ObjectRecord,
  content: ContentRecord | undefined,
  { PartNumber: partNumber, Range: range }: ReadInput,
): ByteRange | undefined {
  if (partNumber === undefined) return undefined;
  if (range !== undefined) {
    throw invalidRequest("Cannot specify both Range header and partNumber query parameter");
  }
  const parts = content?.parts ?? [{ partNumber: 1, byteCount: record.byteCount }];
  let start = 0;
  for (const part of parts) {
    if (part.partNumber === partNumber) {
      return part.byteCount === 0 ? undefined : { start, end: start + part.byteCount };
    }
    start += part.byteCount;
  }
  throw s3Error("InvalidPartNumber", "The requested partnumber is not satisfiable", {
    status: 416,
    fields: { PartNumberRequested: String(partNumber), ActualPartCount: String(parts.length) },
  });
}

/** `response-content-type` and its like in the query of a signed request. */
function overrides(input: ReadInput) {
  return {
    ...(input.ResponseCacheControl !== undefined && { CacheControl: input.ResponseCacheControl }),
    ...(input.ResponseContentDisposition !== undefined && {
      ContentDisposition: input.ResponseContentDisposition,
    }),
    ...(input.ResponseContentEncoding !== undefined && {
      ContentEncoding: input.ResponseContentEncoding,
    }),
    ...(input.ResponseContentLanguage !== undefined && {
      ContentLanguage: input.ResponseContentLanguage,
    }),
    ...(input.ResponseContentType !== undefined && { ContentType: input.ResponseContentType }),
    ...(input.ResponseExpires !== undefined && { Expires: input.ResponseExpires }),
  };
}
