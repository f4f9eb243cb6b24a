import type { RequestContext } from "#base/context.ts";
import type { Reader } from "#storage/storage.ts";
import { loadBucket, ownerOf } from "../buckets.ts";
import type { Input, Output, S3Deps } from "../deps.ts";
import { invalidArgument } from "../errors.ts";
import { pageEntriesMax } from "../limits.ts";
import { quoted, wholeSeconds } from "../outputs.ts";
import { objectCodec, type ObjectRecord } from "../records.ts";
import { formatToken, parseToken } from "../tokens.ts";
import { encoderOf } from "../url-encoding.ts";
import { endOf, type Position, positionAfter, startOf, walk, type Walked } from "../walk.ts";

/** Version 1: positions are keys in the clear. */
export async function listObjects(
  deps: S3Deps,
  input: Input<"ListObjects">,
  context: RequestContext,
): Promise<Output<"ListObjects">> {
  const { Prefix: prefix = "", Delimiter: delimiter = "", Marker: marker } = input;
  const encode = encoderOf(input.EncodingType);
  const limit = pageLimit(input.MaxKeys);
  const from = positionAfter(marker, prefix, delimiter);
  const page = await deps.store.read((reader) => {
    const bucket = loadBucket(reader, input, { context, mode: deps.mode });
    return listPage(reader, bucket.name, { prefix, delimiter, from, limit });
  });
  const next = positionOf(page);
  return {
    Name: input.Bucket,
    Prefix: encode(prefix),
    Marker: encode(marker ?? ""),
    ...(delimiter !== "" && { Delimiter: encode(delimiter) }),
    MaxKeys: limit,
    EncodingType: input.EncodingType,
    IsTruncated: page.isTruncated,
    // https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjects.html: only with a delimiter.
    ...(next !== undefined && delimiter !== "" && { NextMarker: encode(next) }),
    Contents: page.items.map((record) => contentOf(record, encode, true)),
    CommonPrefixes: page.commonPrefixes.map((each) => ({ Prefix: encode(each) })),
  };
}

export async function listObjectsV2(
  deps: S3Deps,
  input: Input<"ListObjectsV2">,
  context: RequestContext,
): Promise<Output<"ListObjectsV2">> {
  const { Prefix: prefix = "", Delimiter: delimiter = "", ContinuationToken: token } = input;
  const encode = encoderOf(input.EncodingType);
  const limit = pageLimit(input.MaxKeys);
  const scope = `objects ${input.Bucket}`;
  if (token === "") {
    throw invalidArgument("The continuation token provided is incorrect", "continuation-token", "");
  }
  const marker = token === undefined ? input.StartAfter : parseToken(scope, token);
  const from = positionAfter(marker, prefix, delimiter);
  const page = await deps.store.read((reader) => {
    const bucket = loadBucket(reader, input, { context, mode: deps.mode });
    return listPage(reader, bucket.name, { prefix, delimiter, from, limit });
  });
  const next = positionOf(page);
  return {
    Name: input.Bucket,
    Prefix: encode(prefix),
    ...(delimiter !== "" && { Delimiter: encode(delimiter) }),
    ...(input.StartAfter !== undefined && { StartAfter: encode(input.StartAfter) }),
    MaxKeys: limit,
    KeyCount: page.items.length + page.commonPrefixes.length,
    EncodingType: input.EncodingType,
    ContinuationToken: token,
    IsTruncated: page.isTruncated,
    ...(next !== undefined && { NextContinuationToken: formatToken(scope, next) }),
    Contents: page.items.map((record) => contentOf(record, encode, input.FetchOwner === true)),
    CommonPrefixes: page.commonPrefixes.map((each) => ({ Prefix: encode(each) })),
  };
}

/** Errors: `InvalidArgument`. More than a page is a page. */
export function pageLimit(asked: number | undefined, name = "max-keys"): number {
  if (asked === undefined) return pageEntriesMax;
  if (Number.isInteger(asked) && asked >= 0 && asked < 2 ** 31) {
    return Math.min(asked, pageEntriesMax);
  }
  throw invalidArgument(
    `Argument ${name} must be an integer between 0 and 2147483647`,
    name,
    String(asked),
  );
}

function listPage(
  reader: Reader,
  bucket: string,
  request: Parameters<typeof walk>[1],
): Walked<ObjectRecord> {
  const { limit } = request;
  if (limit === 0) return { items: [], commonPrefixes: [], isTruncated: false, last: undefined };
  const end = endOf("o", bucket, request.prefix);
  function* open(from: Position): Generator<ObjectRecord> {
    const range = { start: startOf("o", bucket, from), end };
    for (const { value } of reader.list(range)) yield objectCodec.decode(value);
  }
  return walk(open, request);
}

function positionOf({ isTruncated, last }: Walked<ObjectRecord>): string | undefined {
  if (!isTruncated || !last) return undefined;
  return "item" in last ? last.item.key : last.commonPrefix;
}

function contentOf(record: ObjectRecord, encode: (text: string) => string, hasOwner: boolean) {
  return {
    Key: encode(record.key),
    LastModified: new Date(wholeSeconds(record.atMs)),
    ETag: quoted(record.etag),
    ...(record.checksum && {
      ChecksumAlgorithm: [record.checksum.algorithm],
      ChecksumType: record.checksum.type,
    }),
    Size: record.byteCount,
    StorageClass: (record.storageClass ?? "STANDARD") as "STANDARD", // checked when it was stored
    ...(hasOwner && { Owner: ownerOf(record.accountId) }),
  };
}
