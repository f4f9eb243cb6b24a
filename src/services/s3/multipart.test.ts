import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from "@aws-sdk/client-s3";
import { setUp } from "./testing/set-up.ts";

const Bucket = "bucket";
const Key = "whole";
const size = 5 * 1024 ** 2;

async function upload(
  client: S3Client,
  parts: readonly Uint8Array[],
  choice: {
    readonly ChecksumAlgorithm?: "SHA256" | "CRC32C";
    readonly ChecksumType?: "FULL_OBJECT";
  } = {},
) {
  const { UploadId } = await client.send(
    new CreateMultipartUploadCommand({ Bucket, Key, ...choice }),
  );
  const Parts = [];
  for (const [index, Body] of parts.entries()) {
    const PartNumber = index + 1;
    const { $metadata: _, ...part } = await client.send(
      new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body, ...choice }),
    );
    Parts.push({ PartNumber, ...part });
  }
  return { UploadId, Parts };
}

test("parts become one object with the tag and the checksum of the parts", async () => {
  await using s3 = await setUp();
  const { client } = s3;
  await client.send(new CreateBucketCommand({ Bucket }));
  const parts = [randomBytes(size), randomBytes(size + 1), randomBytes(10)];
  const { UploadId, Parts } = await upload(client, parts, { ChecksumAlgorithm: "SHA256" });
  const listed = await client.send(new ListPartsCommand({ Bucket, Key, UploadId, MaxParts: 2 }));
  assert.equal(listed.IsTruncated, true);
  assert.equal(listed.NextPartNumberMarker, "2");
  const done = await client.send(
    new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }),
  );
  const md5 = createHash("md5");
  const sha = createHash("sha256");
  for (const part of parts) {
    md5.update(createHash("md5").update(part).digest());
    sha.update(createHash("sha256").update(part).digest());
  }
  assert.equal(done.ETag, `"${md5.digest("hex")}-3"`);
  assert.equal(done.ChecksumSHA256, `${sha.digest("base64")}-3`);
  assert.equal(done.ChecksumType, "COMPOSITE");
  const got = await client.send(new GetObjectCommand({ Bucket, Key }));
  const bytes = Buffer.from((await got.Body?.transformToByteArray()) ?? []);
  assert.ok(Buffer.concat(parts).equals(bytes));
  const second = await client.send(new HeadObjectCommand({ Bucket, Key, PartNumber: 2 }));
  assert.equal(second.ContentLength, size + 1);
  assert.equal(second.PartsCount, 3);
  const described = await client.send(
    new GetObjectAttributesCommand({
      Bucket,
      Key,
      ObjectAttributes: ["ObjectParts", "ETag", "Checksum", "ObjectSize"],
    }),
  );
  assert.equal(described.ObjectParts?.Parts?.length, 3);
  assert.equal(described.ObjectSize, bytes.byteLength);
});

test("the checksum of a whole object is combined from those of its parts", async () => {
  await using s3 = await setUp();
  const { client } = s3;
  await client.send(new CreateBucketCommand({ Bucket }));
  const parts = [randomBytes(size), randomBytes(size), randomBytes(12_345)];
  const { UploadId, Parts } = await upload(client, parts, {
    ChecksumAlgorithm: "CRC32C",
    ChecksumType: "FULL_OBJECT",
  });
  const done = await client.send(
    new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }),
  );
  const whole = await client.send(
    new PutObjectCommand({
      Bucket,
      Key: "one",
      Body: Buffer.concat(parts),
      ChecksumAlgorithm: "CRC32C",
    }),
  );
  assert.equal(done.ChecksumCRC32C, whole.ChecksumCRC32C);
  const plain = await upload(client, parts);
  const { ChecksumCRC64NVME: combined } = await client.send(
    new CompleteMultipartUploadCommand({
      Bucket,
      Key,
      UploadId: plain.UploadId,
      MultipartUpload: { Parts: plain.Parts.map(({ ETag, PartNumber }) => ({ ETag, PartNumber })) },
    }),
  );
  const copied = await client.send(
    new CopyObjectCommand({
      Bucket,
      Key: "copy",
      CopySource: `${Bucket}/${Key}`,
      ChecksumAlgorithm: "CRC64NVME",
    }),
  );
  assert.equal(copied.CopyObjectResult?.ChecksumCRC64NVME, combined);
  assert.equal(
    copied.CopyObjectResult?.ETag,
    `"${createHash("md5").update(Buffer.concat(parts)).digest("hex")}"`,
  );
});

test("an upload is completed only with its own parts, in order, none too small", async () => {
  await using s3 = await setUp();
  const { client } = s3;
  await client.send(new CreateBucketCommand({ Bucket }));
  const { UploadId, Parts } = await upload(client, [randomBytes(10), randomBytes(10)]);
  const complete = (parts: typeof Parts) =>
    client.send(
      new CompleteMultipartUploadCommand({
        Bucket,
        Key,
        UploadId,
        MultipartUpload: { Parts: parts.map(({ ETag, PartNumber }) => ({ ETag, PartNumber })) },
      }),
    );
  const [first, second] = Parts;
  assert.ok(first && second);
  await assert.rejects(complete(Parts), { name: "EntityTooSmall" });
  await assert.rejects(complete([second, first]), { name: "InvalidPartOrder" });
  await assert.rejects(complete([{ ...first, ETag: second.ETag }]), { name: "InvalidPart" });
  await assert.rejects(complete([]), { name: "MalformedXML" });
  await complete([first]);
  await assert.rejects(complete([first]), { name: "NoSuchUpload" });
});

test("what is aborted leaves no file, and uploads are listed until then", async () => {
  await using s3 = await setUp();
  const { client } = s3;
  await client.send(new CreateBucketCommand({ Bucket }));
  const { UploadId } = await upload(client, [randomBytes(size)]);
  await upload(client, [randomBytes(100_000)]);
  const page = await client.send(new ListMultipartUploadsCommand({ Bucket, MaxUploads: 1 }));
  assert.equal(page.Uploads?.[0]?.Key, Key);
  assert.equal(page.IsTruncated, true);
  const rest = await client.send(
    new ListMultipartUploadsCommand({
      Bucket,
      KeyMarker: page.NextKeyMarker,
      UploadIdMarker: page.NextUploadIdMarker,
    }),
  );
  assert.equal(rest.Uploads?.length, 1);
  assert.notEqual(rest.Uploads?.[0]?.UploadId, page.Uploads?.[0]?.UploadId);
  await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
  await s3.s3.collect();
  assert.equal((await s3.files()).length, 1);
});

test("parts are copied from other objects without their bytes being written again", async () => {
  await using s3 = await setUp();
  const { client } = s3;
  await client.send(new CreateBucketCommand({ Bucket }));
  const bytes = randomBytes(size + 100);
  await client.send(new PutObjectCommand({ Bucket, Key: "source", Body: bytes }));
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
  const Parts = [];
  for (const [index, CopySourceRange] of [`bytes=100-${size + 99}`, "bytes=0-99"].entries()) {
    const PartNumber = index + 1;
    const { CopyPartResult } = await client.send(
      new UploadPartCopyCommand({
        Bucket,
        Key,
        UploadId,
        PartNumber,
        CopySource: `${Bucket}/source`,
        CopySourceRange,
      }),
    );
    Parts.push({ PartNumber, ETag: CopyPartResult?.ETag });
  }
  await client.send(
    new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }),
  );
  const got = await client.send(new GetObjectCommand({ Bucket, Key }));
  const found = Buffer.from((await got.Body?.transformToByteArray()) ?? []);
  assert.ok(Buffer.concat([bytes.subarray(100), bytes.subarray(0, 100)]).equals(found));
  assert.equal((await s3.files()).length, 1);
});
