import {
  AbortMultipartUpload$,
  CompleteMultipartUpload$,
  CreateMultipartUpload$,
  ListMultipartUploads$,
  ListParts$,
  UploadPart$,
  UploadPartCopy$,
} from "@aws-sdk/client-s3";
import type { RequestContext } from "#base/context.ts";
import { randomHex } from "#base/ids.ts";
import { loadBucket } from "../buckets.ts";
import {
  algorithmNamed,
  checksumMembers,
  claimedChecksum,
  defaultAlgorithm,
} from "../checksums.ts";
import { dropContent, saveContent } from "../contents.ts";
import type { Input, Output, S3Deps, S3Rows } from "../deps.ts";
import { checkKey, describe } from "../descriptions.ts";
import { invalidRequest } from "../errors.ts";
import { partBytesMax } from "../limits.ts";
import { encryptionMembers, quoted } from "../outputs.ts";
import { receive } from "../receive.ts";
import { keys, partCodec, readRecord, uploadCodec, type UploadRecord } from "../records.ts";
import { checkPartNumber, dropParts, loadUpload } from "../uploads.ts";
import { completeMultipartUpload } from "./complete-multipart-upload.ts";
import { listMultipartUploads, listParts } from "./list-uploads.ts";
import { uploadPartCopy } from "./upload-part-copy.ts";

/** Objects that arrive in parts. https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html */
export function multipartOperations(deps: S3Deps): S3Rows {
  return {
    CreateMultipartUpload: [CreateMultipartUpload$, (i, c) => createUpload(deps, i, c)],
    UploadPart: [UploadPart$, (i, c) => uploadPart(deps, i, c)],
    UploadPartCopy: [UploadPartCopy$, (i, c) => uploadPartCopy(deps, i, c)],
    CompleteMultipartUpload: [
      CompleteMultipartUpload$,
      (i, c) => completeMultipartUpload(deps, i, c),
    ],
    AbortMultipartUpload: [AbortMultipartUpload$, (i, c) => abortUpload(deps, i, c)],
    ListParts: [ListParts$, (i, c) => listParts(deps, i, c)],
    ListMultipartUploads: [ListMultipartUploads$, (i, c) => listMultipartUploads(deps, i, c)],
  };
}

async function createUpload(
  deps: S3Deps,
  input: Input<"CreateMultipartUpload">,
  context: RequestContext,
): Promise<Output<"CreateMultipartUpload">> {
  const key = checkKey(input.Key);
  const nowMs = deps.clock.nowMs();
  // Begins with the time, so that a key's uploads are listed in the order in which they were begun.
  const uploadId = nowMs.toString(16).padStart(12, "0") + randomHex(deps.random, 20);
  const checksum = readChecksumChoice(input);
  const upload = await deps.store.write((tx) => {
    const bucket = loadBucket(tx, input, { context, mode: deps.mode });
    const made: UploadRecord = {
      ...describe(input, { bucket, nowMs }),
      key,
      uploadId,
      createdMs: nowMs,
      accountId: context.principal.accountId,
      ...checksum,
    };
    tx.put(keys.upload(bucket.name, key, uploadId), uploadCodec.encode(made));
    return made;
  });
  return {
    Bucket: input.Bucket,
    Key: key,
    UploadId: uploadId,
    ...(upload.checksumAlgorithm && {
      ChecksumAlgorithm: upload.checksumAlgorithm,
      ChecksumType: upload.checksumType,
    }),
    ...encryptionMembers(upload.encryption),
  };
}

function readChecksumChoice(
  input: Input<"CreateMultipartUpload">,
): Pick<UploadRecord, "checksumAlgorithm" | "checksumType"> {
  const { ChecksumAlgorithm: name, ChecksumType: type } = input;
  if (name === undefined) {
    if (type !== undefined) {
      throw invalidRequest(
        "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
      );
    }
    return {};
  }
  const algorithm = algorithmNamed(name);
  const [byDefault] = algorithm.multipartTypes;
  const wanted = type ?? byDefault;
  const found = algorithm.multipartTypes.find((each) => each === wanted);
  if (!found) {
    throw invalidRequest(
      `The ${wanted} checksum type cannot be used with the ${algorithm.name.toLowerCase()} checksum algorithm.`,
    );
  }
  return { checksumAlgorithm: algorithm.name, checksumType: found };
}

async function uploadPart(
  deps: S3Deps,
  input: Input<"UploadPart">,
  context: RequestContext,
): Promise<Output<"UploadPart">> {
  const key = checkKey(input.Key);
  const partNumber = checkPartNumber(input.PartNumber);
  const asker = { context, mode: deps.mode };
  const upload = await deps.store.read((reader) => {
    const bucket = loadBucket(reader, input, asker);
    return loadUpload(reader, { bucket, key, uploadId: input.UploadId });
  });
  const { checksumAlgorithm: algorithm } = upload;
  const claimed = claimedChecksum(input);
  if (algorithm && claimed && claimed.algorithm.name !== algorithm) {
    throw invalidRequest(
      `Checksum Type mismatch occurred, expected checksum Type: ${algorithm.toLowerCase()}, actual checksum Type: ${claimed.algorithm.name.toLowerCase()}`,
    );
  }
  await using received = await receive(deps, input, {
    bytesMax: partBytesMax,
    algorithm: algorithm ?? defaultAlgorithm,
  });
  const { etag, byteCount, contentId, segments } = received;
  const checksum = { ...received.checksum, type: "FULL_OBJECT" as const };
  await deps.store.write((tx) => {
    const bucket = loadBucket(tx, input, asker);
    loadUpload(tx, { bucket, key, uploadId: input.UploadId });
    const at = keys.part(input.UploadId, partNumber);
    const replaced = readRecord(tx, at, partCodec);
    saveContent(tx, contentId, { segments });
    if (replaced) dropContent(tx, replaced.contentId);
    const part = { partNumber, atMs: deps.clock.nowMs(), etag, byteCount, contentId, checksum };
    tx.put(at, partCodec.encode(part));
  });
  await received.adopt();
  return {
    ETag: quoted(etag),
    ...(algorithm && checksumMembers(checksum)),
    ...encryptionMembers(upload.encryption),
  };
}

async function abortUpload(
  deps: S3Deps,
  input: Input<"AbortMultipartUpload">,
  context: RequestContext,
): Promise<Output<"AbortMultipartUpload">> {
  await deps.store.write((tx) => {
    const bucket = loadBucket(tx, input, { context, mode: deps.mode });
    const at = { bucket, key: input.Key, uploadId: input.UploadId };
    loadUpload(tx, at);
    dropParts(tx, input.UploadId);
    tx.delete(keys.upload(bucket.name, input.Key, input.UploadId));
  });
  return {};
}
