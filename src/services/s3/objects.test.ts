import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { test } from "node:test";
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketLocationCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  NoSuchKey,
  paginateListObjectsV2,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { setUp } from "./testing/set-up.ts";

const Bucket = "bucket";

test("an object comes back as it was put, with what was said of it", async () => {
  await using s3 = await setUp();
  const { client } = s3;
  await client.send(new CreateBucketCommand({ Bucket }));
  const put = await client.send(
    new PutObjectCommand({
      Bucket,
      Key: "a/b c?.txt",
      Body: "hello",
      ContentType: "text/plain",
      CacheControl: "no-cache",
      Metadata: { colour: "blue" },
    }),
  );
  assert.equal(put.ETag, `"${createHash("md5").update("hello").digest("hex")}"`);
  assert.equal(put.ChecksumCRC32, "NhCmhg==");
  const got = await client.send(new GetObjectCommand({ Bucket, Key: "a/b c?.txt" }));
  assert.equal(await got.Body?.transformToString(), "hello");
  assert.equal(got.ContentType, "text/plain");
  assert.equal(got.CacheControl, "no-cache");
  assert.deepEqual(got.Metadata, { colour: "blue" });
  assert.equal(got.LastModified?.toISOString(), "2026-03-01T12:00:00.000Z");
  assert.equal(got.$metadata.extendedRequestId?.length, 24);
  const head = await client.send(new HeadObjectCommand({ Bucket, Key: "a/b c?.txt" }));
  assert.equal(head.ContentLength, 5);
  assert.equal(head.ServerSideEncryption, "AES256");
  await assert.rejects(client.send(new GetObjectCommand({ Bucket, Key: "none" })), (error) => {
    assert.ok(error instanceof NoSuchKey);
    assert.equal(error.message, "The specified key does not exist.");
    return true;
  });
});

test("large bodies are streamed both ways and parts of them can be read", async () => {
  await using s3 = await setUp();
  const { client } = s3;
  await client.send(new CreateBucketCommand({ Bucket }));
  const bytes = randomBytes(3_000_001);
  const Body = Readable.from([bytes.subarray(0, 1_000_000), bytes.subarray(1_000_000)]);
  await client.send(
    new PutObjectCommand({ Bucket, Key: "large", Body, ContentLength: bytes.byteLength }),
  );
  const got = await client.send(new GetObjectCommand({ Bucket, Key: "large" }));
  assert.ok(bytes.equals(Buffer.from((await got.Body?.transformToByteArray()) ?? [])));
  const part = await client.send(
    new GetObjectCommand({ Bucket, Key: "large", Range: "bytes=999990-1000009" }),
  );
  assert.equal(part.$metadata.httpStatusCode, 206);
  assert.equal(part.ContentRange, "bytes 999990-1000009/3000001");
  const found = Buffer.from((await part.Body?.transformToByteArray()) ?? []);
  assert.ok(bytes.subarray(999_990, 1_000_010).equals(found));
  await assert.rejects(
    client.send(new GetObjectCommand({ Bucket, Key: "large", Range: "bytes=3000001-" })),
    { name: "InvalidRange" },
  );
});

test("listings page by key, roll up common prefixes, and refuse tokens that are not theirs", async () => {
  await using s3 = await setUp();
  const { client } = s3;
  await client.send(new CreateBucketCommand({ Bucket }));
  const keys = ["a", "b/1", "b/2", "b/3/x", "c", "ü/😀", "z\u0001"];
  for (const Key of keys) await client.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
  const seen: (string | undefined)[] = [];
  for await (const page of paginateListObjectsV2({ client, pageSize: 2 }, { Bucket })) {
    seen.push(...(page.Contents ?? []).map(({ Key }) => Key));
  }
  assert.deepEqual(seen.slice(0, 5), ["a", "b/1", "b/2", "b/3/x", "c"]);
  const rolled = await client.send(new ListObjectsV2Command({ Bucket, Delimiter: "/" }));
  assert.deepEqual(
    rolled.CommonPrefixes?.map(({ Prefix }) => Prefix),
    ["b/", "ü/"],
  );
  assert.equal(rolled.KeyCount, 5);
  const rest: (string | undefined)[] = [];
  const pages = paginateListObjectsV2({ client, pageSize: 1 }, { Bucket, Delimiter: "/" });
  for await (const page of pages) {
    rest.push(...(page.Contents ?? []).map(({ Key }) => Key));
    rest.push(...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix));
  }
  assert.equal(rest.length, 5);
  await assert.rejects(
    client.send(new ListObjectsV2Command({ Bucket, ContinuationToken: "bm9uZQ" })),
    { name: "InvalidArgument", message: "The continuation token provided is incorrect" },
  );
});

test("buckets are made, found, listed, and removed when they are empty", async () => {
  await using s3 = await setUp();
  const { client } = s3;
  await client.send(new CreateBucketCommand({ Bucket }));
  await client.send(
    new CreateBucketCommand({
      Bucket: "elsewhere",
      CreateBucketConfiguration: { LocationConstraint: "eu-west-1" },
    }),
  );
  const where = await client.send(new GetBucketLocationCommand({ Bucket: "elsewhere" }));
  assert.equal(where.LocationConstraint, "eu-west-1");
  const here = await client.send(new GetBucketLocationCommand({ Bucket }));
  assert.ok(!here.LocationConstraint);
  const head = await client.send(new HeadBucketCommand({ Bucket: "elsewhere" }));
  assert.equal(head.BucketRegion, "eu-west-1");
  const first = await client.send(new ListBucketsCommand({ MaxBuckets: 1 }));
  assert.deepEqual(
    first.Buckets?.map(({ Name }) => Name),
    [Bucket],
  );
  const second = await client.send(
    new ListBucketsCommand({ ContinuationToken: first.ContinuationToken }),
  );
  assert.deepEqual(
    second.Buckets?.map(({ Name }) => Name),
    ["elsewhere"],
  );
  await client.send(new PutObjectCommand({ Bucket, Key: "k", Body: "x" }));
  await assert.rejects(client.send(new DeleteBucketCommand({ Bucket })), {
    name: "BucketNotEmpty",
  });
  await client.send(new DeleteObjectCommand({ Bucket, Key: "k" }));
  await client.send(new DeleteBucketCommand({ Bucket }));
  await assert.rejects(client.send(new ListObjectsV2Command({ Bucket })), {
    name: "NoSuchBucket",
  });
  for (const name of ["UPPER", "ab", "a..b", "1.2.3.4", "xn--a", "a_b"]) {
    await assert.rejects(client.send(new CreateBucketCommand({ Bucket: name })), {
      name: "InvalidBucketName",
    });
  }
});

test("many objects are deleted in one request", async () => {
  await using s3 = await setUp();
  const { client } = s3;
  await client.send(new CreateBucketCommand({ Bucket }));
  for (const Key of ["a", "b", "c"]) {
    await client.send(new PutObjectCommand({ Bucket, Key, Body: "x" }));
  }
  const deleted = await client.send(
    new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: "a" }, { Key: "b" }] } }),
  );
  assert.equal(deleted.Deleted?.length, 2);
  const left = await client.send(new ListObjectsV2Command({ Bucket }));
  assert.deepEqual(
    left.Contents?.map(({ Key }) => Key),
    ["c"],
  );
});
