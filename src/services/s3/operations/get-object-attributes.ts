import type { RequestContext } from "#base/context.ts";
import { loadBucket } from "../buckets.ts";
import { checksumMembers } from "../checksums.ts";
import { readContent } from "../contents.ts";
import type { Input, Output, S3Deps } from "../deps.ts";
import { invalidArgument } from "../errors.ts";
import { attributePartsMax } from "../limits.ts";
import { findReadable } from "../lookups.ts";
import { versionIdMember, wholeSeconds } from "../outputs.ts";
import type { ContentRecord, ObjectRecord } from "../records.ts";

const attributes = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"];

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html (seen 2026-11) */
export async function getObjectAttributes(
  deps: S3Deps,
  input: Input<"GetObjectAttributes">,
  context: RequestContext,
): Promise<Output<"GetObjectAttributes">> {
  const wanted = new Set<string>(input.ObjectAttributes);
  const unknown = [...wanted].find((name) => !attributes.includes(name));
  if (wanted.size === 0 || unknown !== undefined) {
    throw invalidArgument(
      "Invalid attribute name specified.",
      "x-amz-object-attributes",
      unknown ?? "",
    );
  }
  return deps.store.read((reader) => {
    const bucket = loadBucket(reader, input, { context, mode: deps.mode });
    const record = findReadable(reader, { bucket, key: input.Key }, input.VersionId);
    const { checksum } = record;
    return {
      LastModified: new Date(wholeSeconds(record.atMs)),
      VersionId: versionIdMember(record, bucket),
      ...(wanted.has("ETag") && { ETag: record.etag }),
      ...(wanted.has("ObjectSize") && { ObjectSize: record.byteCount }),
      ...(wanted.has("StorageClass") && {
        StorageClass: (record.storageClass ?? "STANDARD") as "STANDARD", // checked when it was stored
      }),
      ...(wanted.has("Checksum") &&
        checksum && { Checksum: { ...checksumMembers(checksum), ChecksumType: checksum.type } }),
      ...(wanted.has("ObjectParts") &&
        record.partCount !== undefined && {
          ObjectParts: partsPage(record, readContent(reader, record.contentId), input),
        }),
    };
  });
}

/** Parts are told one by one where each has a checksum of its own. */
function partsPage(
  record: ObjectRecord,
  { parts = [] }: ContentRecord,
  input: Input<"GetObjectAttributes">,
) {
  const limit = Math.min(input.MaxParts ?? attributePartsMax, attributePartsMax);
  const marker = Number(input.PartNumberMarker ?? 0);
  const { checksum } = record;
  const rest = parts.filter(({ partNumber }) => partNumber > marker);
  const page = rest.slice(0, limit);
  if (checksum?.type !== "COMPOSITE") return { TotalPartsCount: parts.length };
  return {
    TotalPartsCount: parts.length,
    PartNumberMarker: String(marker),
    NextPartNumberMarker: String(page.at(-1)?.partNumber ?? 0),
    MaxParts: limit,
    IsTruncated: rest.length > limit,
    Parts: page.map((part) => ({
      PartNumber: part.partNumber,
      Size: part.byteCount,
      ...(part.checksum !== undefined && checksumMembers({ ...checksum, value: part.checksum })),
    })),
  };
}
