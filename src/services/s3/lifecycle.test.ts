import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetBucketLifecycleConfigurationCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { setUp } from "./testing/set-up.ts";

const Bucket = "bucket";
const dayMs = 86_400_000;

test("objects expire at the midnight after their days, and uploads with them", async () => {
  await using s3 = await setUp();
  const { client, clock } = s3;
  await client.send(new CreateBucketCommand({ Bucket }));
  await client.send(
    new PutBucketLifecycleConfigurationCommand({
      Bucket,
      LifecycleConfiguration: {
        Rules: [
          {
            ID: "old",
            Status: "Enabled",
            Filter: { Prefix: "tmp/" },
            Expiration: { Days: 1 },
            AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
          },
          {
            Status: "Enabled",
            Filter: { Prefix: "dated/" },
            Expiration: { Date: new Date("2026-03-02T00:00:00Z") },
          },
        ],
      },
    }),
  );
  const told = await client.send(new GetBucketLifecycleConfigurationCommand({ Bucket }));
  assert.deepEqual(told.Rules?.[0]?.Expiration, { Days: 1 });
  assert.equal(told.Rules?.[1]?.Expiration?.Date?.toISOString(), "2026-03-02T00:00:00.000Z");
  for (const Key of ["tmp/a", "kept", "dated/x"]) {
    await client.send(new PutObjectCommand({ Bucket, Key, Body: "x" }));
  }
  await client.send(new CreateMultipartUploadCommand({ Bucket, Key: "tmp/upload" }));
  const names = async (): Promise<(string | undefined)[]> =>
    ((await client.send(new ListObjectsV2Command({ Bucket }))).Contents ?? []).map(
      ({ Key }) => Key,
    );
  await clock.advance(dayMs / 2); // midnight: the date has come, a whole day has not passed
  await s3.s3.sweep();
  assert.deepEqual(await names(), ["kept", "tmp/a"]);
  await clock.advance(dayMs); // the next midnight
  await s3.s3.sweep();
  assert.deepEqual(await names(), ["kept"]);
  const uploads = await client.send(new ListMultipartUploadsCommand({ Bucket }));
  assert.equal(uploads.Uploads?.length ?? 0, 0);
});

test("noncurrent versions go after their days, and a marker that hides nothing after them", async () => {
  await using s3 = await setUp();
  const { client, clock } = s3;
  await client.send(new CreateBucketCommand({ Bucket }));
  await client.send(
    new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Enabled" } }),
  );
  await client.send(
    new PutBucketLifecycleConfigurationCommand({
      Bucket,
      LifecycleConfiguration: {
        Rules: [
          {
            Status: "Enabled",
            Filter: {},
            NoncurrentVersionExpiration: { NoncurrentDays: 1 },
            Expiration: { ExpiredObjectDeleteMarker: true },
          },
        ],
      },
    }),
  );
  await client.send(new PutObjectCommand({ Bucket, Key: "a", Body: "1" }));
  await client.send(new PutObjectCommand({ Bucket, Key: "a", Body: "2" }));
  await client.send(new DeleteObjectCommand({ Bucket, Key: "a" }));
  const count = async (): Promise<number> => {
    const { Versions = [], DeleteMarkers = [] } = await client.send(
      new ListObjectVersionsCommand({ Bucket }),
    );
    return Versions.length + DeleteMarkers.length;
  };
  await s3.s3.sweep();
  assert.equal(await count(), 3);
  await clock.advance(2 * dayMs);
  await s3.s3.sweep();
  await s3.s3.sweep();
  assert.equal(await count(), 0);
});
