import type { RequestContext } from "#base/context.ts";
import { keyAfter } from "#storage/keys.ts";
import { loadBucket, ownerOf } from "../buckets.ts";
import { checksumMembers } from "../checksums.ts";
import type { Input, Output, S3Deps } from "../deps.ts";
import { invalidArgument } from "../errors.ts";
import { quoted, wholeSeconds } from "../outputs.ts";
import { keys, partCodec, uploadCodec, type PartRecord, type UploadRecord } from "../records.ts";
import { loadUpload } from "../uploads.ts";
import { encoderOf } from "../url-encoding.ts";
import { endOf, type Position, positionAfter, startOf, walk } from "../walk.ts";
import { pageLimit } from "./list-objects.ts";

export async function listParts(
  deps: S3Deps,
  input: Input<"ListParts">,
  context: RequestContext,
): Promise<Output<"ListParts">> {
  const limit = pageLimit(input.MaxParts, "max-parts");
  const marker = partMarker(input.PartNumberMarker);
  const { UploadId: uploadId } = input;
  const { upload, parts } = await deps.store.read((reader) => {
    const bucket = loadBucket(reader, input, { context, mode: deps.mode });
    const upload = loadUpload(reader, { bucket, key: input.Key, uploadId });
    const range = keys.parts(uploadId);
    const start = marker === 0 ? range.start : keyAfter(keys.part(uploadId, marker));
    const entries = reader.list({ start, end: range.end }, { limit: limit + 1 });
    return { upload, parts: Array.from(entries, ({ value }) => partCodec.decode(value)) };
  });
  const page = parts.slice(0, limit);
  const { checksumAlgorithm, checksumType } = upload;
  return {
    Bucket: input.Bucket,
    Key: input.Key,
    UploadId: uploadId,
    PartNumberMarker: String(marker),
    NextPartNumberMarker: String(page.at(-1)?.partNumber ?? 0),
    MaxParts: limit,
    IsTruncated: parts.length > limit,
    Parts: page.map((part) => partMembers(part, checksumAlgorithm !== undefined)),
    Initiator: ownerOf(upload.accountId),
    Owner: ownerOf(upload.accountId),
    StorageClass: (upload.storageClass ?? "STANDARD") as "STANDARD", // checked when it was stored
    ...(checksumAlgorithm && { ChecksumAlgorithm: checksumAlgorithm, ChecksumType: checksumType }),
  };
}

function partMarker(text: string | undefined): number {
  const marker = text === undefined ? 0 : Number(text);
  if (Number.isInteger(marker) && marker >= 0 && marker < 2 ** 31) return marker;
  throw invalidArgument(
    "Argument partNumberMarker must be an integer between 0 and 2147483647",
    "part-number-marker",
    String(text),
  );
}

function partMembers(part: PartRecord, hasChecksum: boolean) {
  return {
    PartNumber: part.partNumber,
    LastModified: new Date(wholeSeconds(part.atMs)),
    ETag: quoted(part.etag),
    Size: part.byteCount,
    ...(hasChecksum && checksumMembers(part.checksum)),
  };
}

export async function listMultipartUploads(
  deps: S3Deps,
  input: Input<"ListMultipartUploads">,
  context: RequestContext,
): Promise<Output<"ListMultipartUploads">> {
  const { Prefix: prefix = "", Delimiter: delimiter = "", KeyMarker: keyMarker } = input;
  const { UploadIdMarker: idMarker } = input;
  const encode = encoderOf(input.EncodingType);
  const limit = pageLimit(input.MaxUploads, "max-uploads");
  const hasBoth = keyMarker !== undefined && keyMarker !== "" && Boolean(idMarker);
  const from = positionAfter(keyMarker, prefix, delimiter);
  const page = await deps.store.read((reader) => {
    const { name } = loadBucket(reader, input, { context, mode: deps.mode });
    const end = endOf("u", name, prefix);
    function* open(at: Position): Generator<UploadRecord> {
      // Behind an upload of the marker's key there may be more of that key.
      const start =
        hasBoth && at === from
          ? keyAfter(keys.upload(name, keyMarker, idMarker ?? ""))
          : startOf("u", name, at);
      for (const { value } of reader.list({ start, end })) yield uploadCodec.decode(value);
    }
    return walk(limit === 0 ? () => [] : open, { prefix, delimiter, from, limit });
  });
  const { last } = page;
  return {
    Bucket: input.Bucket,
    KeyMarker: encode(keyMarker ?? ""),
    UploadIdMarker: idMarker ?? "",
    ...(last &&
      ("item" in last
        ? { NextKeyMarker: encode(last.item.key), NextUploadIdMarker: last.item.uploadId }
        : { NextKeyMarker: encode(last.commonPrefix) })),
    Prefix: encode(prefix),
    ...(delimiter !== "" && { Delimiter: encode(delimiter) }),
    EncodingType: input.EncodingType,
    MaxUploads: limit,
    IsTruncated: page.isTruncated,
    Uploads: page.items.map((upload) => ({
      Key: encode(upload.key),
      UploadId: upload.uploadId,
      Initiated: new Date(wholeSeconds(upload.createdMs)),
      Initiator: ownerOf(upload.accountId),
      Owner: ownerOf(upload.accountId),
      StorageClass: (upload.storageClass ?? "STANDARD") as "STANDARD", // checked when it was stored
      ...(upload.checksumAlgorithm && {
        ChecksumAlgorithm: upload.checksumAlgorithm,
        ChecksumType: upload.checksumType,
      }),
    })),
    CommonPrefixes: page.commonPrefixes.map((each) => ({ Prefix: encode(each) })),
  };
}
