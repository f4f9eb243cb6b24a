import type { RequestContext } from "#base/context.ts";
import type { Reader } from "#storage/storage.ts";
import { loadBucket, ownerOf } from "../buckets.ts";
import type { Input, Output, S3Deps } from "../deps.ts";
import { invalidArgument } from "../errors.ts";
import { quoted, wholeSeconds } from "../outputs.ts";
import { keys, objectCodec, type BucketRecord, type ObjectRecord } from "../records.ts";
import { encoderOf } from "../url-encoding.ts";
import { findVersion, versionIdOf } from "../versions.ts";
import { endOf, type Position, positionAfter, startOf, walk } from "../walk.ts";
import { pageLimit } from "./list-objects.ts";

interface Listed {
  readonly key: string;
  readonly record: ObjectRecord;
  readonly isLatest: boolean;
}

/** All versions and delete markers: keys in order, of each key the newest first. */
export async function listObjectVersions(
  deps: S3Deps,
  input: Input<"ListObjectVersions">,
  context: RequestContext,
): Promise<Output<"ListObjectVersions">> {
  const { Prefix: prefix = "", Delimiter: delimiter = "", KeyMarker: keyMarker } = input;
  const { VersionIdMarker: versionMarker } = input;
  const encode = encoderOf(input.EncodingType);
  const limit = pageLimit(input.MaxKeys);
  if (versionMarker !== undefined && keyMarker === undefined) {
    throw invalidArgument(
      "A version-id marker cannot be specified without a key marker.",
      "version-id-marker",
      versionMarker,
    );
  }
  const page = await deps.store.read((reader) => {
    const bucket = loadBucket(reader, input, { context, mode: deps.mode });
    const from = positionAfter(keyMarker, prefix, delimiter);
    const rest = restOfKey(reader, bucket, { key: keyMarker, versionId: versionMarker });
    if (limit === 0) return walk<Listed>(() => [], { prefix, delimiter, from, limit });
    const open = (at: Position): Iterable<Listed> =>
      at === from
        ? chain(rest, versionsFrom(reader, { bucket, prefix, from }))
        : versionsFrom(reader, { bucket, prefix, from: at });
    return walk(open, { prefix, delimiter, from, limit });
  });
  const { last } = page;
  const markers = page.items.filter(({ record }) => record.isDeleteMarker);
  const versions = page.items.filter(({ record }) => !record.isDeleteMarker);
  return {
    Name: input.Bucket,
    Prefix: encode(prefix),
    ...(delimiter !== "" && { Delimiter: encode(delimiter) }),
    KeyMarker: encode(keyMarker ?? ""),
    VersionIdMarker: versionMarker ?? "",
    MaxKeys: limit,
    EncodingType: input.EncodingType,
    IsTruncated: page.isTruncated,
    ...(last &&
      ("item" in last
        ? {
            NextKeyMarker: encode(last.item.key),
            NextVersionIdMarker: versionIdOf(last.item.record),
          }
        : { NextKeyMarker: encode(last.commonPrefix) })),
    Versions: versions.map((listed) => ({
      ...shared(listed, encode),
      ETag: quoted(listed.record.etag),
      ...(listed.record.checksum && {
        ChecksumAlgorithm: [listed.record.checksum.algorithm],
        ChecksumType: listed.record.checksum.type,
      }),
      Size: listed.record.byteCount,
      StorageClass: (listed.record.storageClass ?? "STANDARD") as "STANDARD", // checked when it was stored
    })),
    DeleteMarkers: markers.map((listed) => shared(listed, encode)),
    CommonPrefixes: page.commonPrefixes.map((each) => ({ Prefix: encode(each) })),
  };
}

function shared({ key, record, isLatest }: Listed, encode: (text: string) => string) {
  return {
    Key: encode(key),
    VersionId: versionIdOf(record),
    IsLatest: isLatest,
    LastModified: new Date(wholeSeconds(record.atMs)),
    Owner: ownerOf(record.accountId),
  };
}

function* chain<T>(first: Iterable<T>, second: Iterable<T>): Generator<T> {
  yield* first;
  yield* second;
}

/** What a key has behind the version that the last page ended with. */
function* restOfKey(
  reader: Reader,
  bucket: BucketRecord,
  marker: { readonly key: string | undefined; readonly versionId: string | undefined },
): Generator<Listed> {
  const { key, versionId } = marker;
  if (key === undefined || versionId === undefined || versionId === "") return;
  const found = findVersion(reader, { bucket, key }, versionId);
  if (!found) throw invalidArgument("Invalid version id specified", "version-id-marker", versionId);
  for (const { value } of reader.list(keys.versionsOf(bucket.name, key))) {
    const record = objectCodec.decode(value);
    if (record.sequence < found.record.sequence) yield { key, record, isLatest: false };
  }
}

/** Current objects and hidden versions are two orders by key; this is both as one. */
function* versionsFrom(
  reader: Reader,
  at: { readonly bucket: BucketRecord; readonly prefix: string; readonly from: Position },
): Generator<Listed> {
  const { bucket, prefix, from } = at;
  const list = (space: "o" | "v"): Iterator<ObjectRecord> =>
    records(reader, {
      start: startOf(space, bucket.name, from),
      end: endOf(space, bucket.name, prefix),
    });
  const currents = list("o");
  const hidden = list("v");
  let current = next(currents);
  let version = next(hidden);
  let lastKey: string | undefined;
  while (current || version) {
    const isCurrent =
      current !== undefined && (!version || compareKeys(current.key, version.key) <= 0);
    const record = isCurrent ? current : version;
    if (!record) return;
    yield { key: record.key, record, isLatest: record.key !== lastKey };
    lastKey = record.key;
    if (isCurrent) current = next(currents);
    else version = next(hidden);
  }
}

function* records(
  reader: Reader,
  range: { readonly start: Uint8Array; readonly end: Uint8Array },
): Generator<ObjectRecord> {
  for (const { value } of reader.list(range)) yield objectCodec.decode(value);
}

function next(iterator: Iterator<ObjectRecord>): ObjectRecord | undefined {
  const result = iterator.next();
  return result.done ? undefined : result.value;
}

function compareKeys(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a, "utf8"), Buffer.from(b, "utf8"));
}
