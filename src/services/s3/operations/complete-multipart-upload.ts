import { createHash } from "node:crypto";
import type { RequestContext } from "#base/context.ts";
import { randomHex } from "#base/ids.ts";
import type { Transaction } from "#storage/storage.ts";
import { loadBucket } from "../buckets.ts";
import {
  algorithmNamed,
  type ChecksumMembers,
  checksumMembers,
  compositeOf,
  defaultAlgorithm,
} from "../checksums.ts";
import { checkWrite } from "../conditions.ts";
import { readContent, saveContent } from "../contents.ts";
import { combineCrcs } from "../crc-combine.ts";
import type { Input, Output, S3Deps } from "../deps.ts";
import { checkKey } from "../descriptions.ts";
import { badDigest, invalidRequest, malformedXml, s3Error } from "../errors.ts";
import { objectBytesMax, partBytesMin, partNumberMax } from "../limits.ts";
import { notify } from "../notifications/notifications.ts";
import { encryptionMembers, quoted, versionIdMember } from "../outputs.ts";
import type { PartRecord, StoredChecksum, UploadRecord } from "../records.ts";
import { keys } from "../records.ts";
import { randomVersion } from "../saving.ts";
import { dropParts, loadUpload, partsOf } from "../uploads.ts";
import { type At, findCurrent, saveVersion } from "../versions.ts";

type NamedPart = ChecksumMembers & {
  readonly ETag?: string | undefined;
  readonly PartNumber?: number | undefined;
};

/** Atomic: the object is there with all of its parts, or the upload is as it was. */
export async function completeMultipartUpload(
  deps: S3Deps,
  input: Input<"CompleteMultipartUpload">,
  context: RequestContext,
): Promise<Output<"CompleteMultipartUpload">> {
  const key = checkKey(input.Key);
  const asker = { context, mode: deps.mode };
  const named = input.MultipartUpload?.Parts ?? [];
  if (named.length === 0 || named.length > partNumberMax) throw malformedXml();
  const { UploadId: uploadId } = input;
  const before = await deps.store.read((reader) => {
    const bucket = loadBucket(reader, input, asker);
    const upload = loadUpload(reader, { bucket, key, uploadId });
    return { upload, parts: choose(partsOf(reader, uploadId), named, uploadId) };
  });
  const { upload, parts } = before;
  const checksum = await checksumOf(upload, parts);
  checkWhole(input, checksum, parts);
  const saving = randomVersion(deps);
  const contentId = randomHex(deps.random, 12);
  const { bucket, record } = await deps.store.write((tx) => {
    const bucket = loadBucket(tx, input, asker);
    const at = { bucket, key };
    loadUpload(tx, { bucket, key, uploadId });
    const now = choose(partsOf(tx, uploadId), named, uploadId);
    if (now.some(({ contentId: id }, index) => id !== parts[index]?.contentId)) {
      throw invalidPart(uploadId, now.at(-1)?.partNumber);
    }
    checkWrite(findCurrent(tx, at), key, input);
    join(tx, contentId, parts);
    const record = saveVersion(tx, at, {
      draft: draftOf(upload, { parts, contentId, checksum, nowMs: saving.nowMs }),
      saving,
    });
    finish(tx, at, uploadId);
    const name = "ObjectCreated:CompleteMultipartUpload";
    notify(deps, tx, { event: { name, bucket, record, atMs: saving.nowMs }, cause: context });
    return { bucket, record };
  });
  return {
    Location: `${context.endpoint}/${bucket.name}/${encodeURIComponent(key)}`,
    Bucket: bucket.name,
    Key: key,
    ETag: quoted(record.etag),
    VersionId: versionIdMember(record, bucket),
    ...checksumMembers(checksum),
    ChecksumType: checksum.type,
    ...encryptionMembers(record.encryption),
  };
}

/** Errors: `InvalidPartOrder`, `InvalidPart`, `EntityTooSmall`. */
function choose(
  there: readonly PartRecord[],
  named: readonly NamedPart[],
  uploadId: string,
): PartRecord[] {
  const byNumber = new Map(there.map((part) => [part.partNumber, part]));
  const chosen: PartRecord[] = [];
  for (const wanted of named) {
    const { PartNumber: partNumber = 1, ETag: etag = "" } = wanted;
    if (partNumber <= (chosen.at(-1)?.partNumber ?? 0)) {
      throw s3Error(
        "InvalidPartOrder",
        "The list of parts was not in ascending order. Parts must be ordered by part number.",
        { fields: { UploadId: uploadId } },
      );
    }
    const part = byNumber.get(partNumber);
    if (!part || part.etag !== etag.replaceAll('"', "")) throw invalidPart(uploadId, partNumber);
    const { checksum } = part;
    const claimed = checksum && wanted[algorithmNamed(checksum.algorithm).member];
    if (claimed !== undefined && claimed !== checksum?.value)
      throw invalidPart(uploadId, partNumber);
    chosen.push(part);
  }
  const small = chosen.slice(0, -1).find(({ byteCount }) => byteCount < partBytesMin);
  if (small) {
    throw s3Error(
      "EntityTooSmall",
      "Your proposed upload is smaller than the minimum allowed size",
      {
        fields: {
          ProposedSize: String(small.byteCount),
          MinSizeAllowed: String(partBytesMin),
          PartNumber: String(small.partNumber),
          ETag: small.etag,
        },
      },
    );
  }
  return chosen;
}

function invalidPart(uploadId: string, partNumber: number | undefined): Error {
  return s3Error(
    "InvalidPart",
    "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
    { fields: { UploadId: uploadId, PartNumber: String(partNumber) } },
  );
}

async function checksumOf(
  upload: UploadRecord,
  parts: readonly PartRecord[],
): Promise<StoredChecksum> {
  const algorithm = algorithmNamed(upload.checksumAlgorithm ?? defaultAlgorithm);
  const type = upload.checksumType ?? "FULL_OBJECT";
  const values = parts.map(({ checksum, byteCount }) => ({
    value: checksum?.value ?? "",
    byteCount,
  }));
  const whole = type === "FULL_OBJECT" ? combineCrcs(algorithm.name, values) : undefined;
  const value =
    whole ??
    (await compositeOf(
      algorithm,
      values.map((part) => part.value),
    ));
  return { algorithm: algorithm.name, value, type };
}

function checkWhole(
  input: Input<"CompleteMultipartUpload">,
  checksum: StoredChecksum,
  parts: readonly PartRecord[],
): void {
  const claimed = (input as ChecksumMembers)[algorithmNamed(checksum.algorithm).member];
  // A composite one may be said with or without the number of parts.
  const said = claimed?.replace(/-\d+$/, "");
  if (said !== undefined && said !== checksum.value.replace(/-\d+$/, "")) {
    throw badDigest(
      `The ${checksum.algorithm} you specified did not match the calculated checksum.`,
    );
  }
  if (input.ChecksumType !== undefined && input.ChecksumType !== checksum.type) {
    throw invalidRequest(
      `The upload was created using the ${checksum.type} checksum mode. The complete request must use the same checksum mode.`,
    );
  }
  const byteCount = sizeOf(parts);
  if (input.MpuObjectSize !== undefined && input.MpuObjectSize !== byteCount) {
    throw invalidRequest(
      "The provided 'x-amz-mp-object-size' header does not match what was computed.",
    );
  }
  if (byteCount > objectBytesMax) {
    throw s3Error(
      "EntityTooLarge",
      "Your proposed upload exceeds the maximum allowed object size.",
    );
  }
}

function sizeOf(parts: readonly PartRecord[]): number {
  return parts.reduce((sum, { byteCount }) => sum + byteCount, 0);
}

/** The parts' bytes, laid end to end; not copied. */
function join(tx: Transaction, contentId: string, parts: readonly PartRecord[]): void {
  saveContent(tx, contentId, {
    segments: parts.flatMap((part) => readContent(tx, part.contentId).segments),
    parts: parts.map(({ byteCount, checksum, partNumber }) => ({
      partNumber,
      byteCount,
      ...(checksum && { checksum: checksum.value }),
    })),
  });
}

/** Parts that were not named go with the upload. */
function finish(tx: Transaction, { bucket, key }: At, uploadId: string): void {
  dropParts(tx, uploadId);
  tx.delete(keys.upload(bucket.name, key, uploadId));
}

function draftOf(
  upload: UploadRecord,
  made: {
    readonly parts: readonly PartRecord[];
    readonly contentId: string;
    readonly checksum: StoredChecksum;
    readonly nowMs: number;
  },
) {
  const {
    uploadId: _id,
    createdMs: _at,
    checksumAlgorithm: _name,
    checksumType: _type,
    ...said
  } = upload;
  const { parts, contentId, checksum, nowMs } = made;
  const hash = createHash("md5");
  for (const { etag } of parts) hash.update(Buffer.from(etag, "hex"));
  return {
    ...said,
    atMs: nowMs,
    etag: `${hash.digest("hex")}-${parts.length}`,
    byteCount: sizeOf(parts),
    contentId,
    checksum,
    partCount: parts.length,
  };
}
