import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  GetBucketNotificationConfigurationCommand,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import type { EventRecord, Target } from "#events/events.ts";
import { setUp } from "../testing/set-up.ts";

const Bucket = "bucket";
const QueueArn = "arn:aws:sqs:us-east-1:123456789012:queue";

/** A target that remembers, and lets a test wait for a number of records. */
function createInbox() {
  const texts: string[] = [];
  let wake = (): void => undefined;
  const target: Target = {
    async deliver(records: readonly EventRecord[]) {
      texts.push(...records.map(({ event }) => Buffer.from(event).toString("utf8")));
      wake();
      return new Set<string>();
    },
  };
  return {
    target,
    async take(count: number): Promise<string[]> {
      while (texts.length < count) await new Promise<void>((resolve) => (wake = resolve));
      return texts.splice(0, count);
    },
    get count() {
      return texts.length;
    },
  };
}

test("a queue is told of the objects whose keys it asked for, after a test event", async () => {
  await using s3 = await setUp();
  const { client } = s3;
  const inbox = createInbox();
  s3.targets.register("sqs", () => inbox.target);
  await client.send(new CreateBucketCommand({ Bucket }));
  await client.send(
    new PutBucketNotificationConfigurationCommand({
      Bucket,
      NotificationConfiguration: {
        QueueConfigurations: [
          {
            Id: "images",
            QueueArn,
            Events: ["s3:ObjectCreated:*", "s3:ObjectRemoved:Delete"],
            Filter: {
              Key: {
                FilterRules: [
                  { Name: "prefix", Value: "in/" },
                  { Name: "suffix", Value: ".jpg" },
                ],
              },
            },
          },
        ],
        EventBridgeConfiguration: {},
      },
    }),
  );
  const [greeting = ""] = await inbox.take(1);
  const { Service, Event, Bucket: about } = JSON.parse(greeting) as Record<string, string>;
  assert.deepEqual([Service, Event, about], ["Amazon S3", "s3:TestEvent", Bucket]);
  const configured = await client.send(new GetBucketNotificationConfigurationCommand({ Bucket }));
  assert.equal(configured.QueueConfigurations?.[0]?.Filter?.Key?.FilterRules?.length, 2);
  assert.ok(configured.EventBridgeConfiguration);

  await client.send(new PutObjectCommand({ Bucket, Key: "in/not.png", Body: "x" }));
  const Key = "in/red flower+(1).jpg";
  const { ETag } = await client.send(new PutObjectCommand({ Bucket, Key, Body: "abc" }));
  await client.send(
    new CopyObjectCommand({ Bucket, Key: "in/copy.jpg", CopySource: `${Bucket}/in/not.png` }),
  );
  await client.send(new DeleteObjectCommand({ Bucket, Key }));
  const records = (await inbox.take(3)).map((text) => {
    const { Records } = JSON.parse(text) as { Records: [EventOfS3] };
    return Records[0];
  });
  assert.deepEqual(records.map(({ eventName }) => eventName).toSorted(), [
    "ObjectCreated:Copy",
    "ObjectCreated:Put",
    "ObjectRemoved:Delete",
  ]);
  const put = records.find(({ eventName }) => eventName === "ObjectCreated:Put");
  assert.deepEqual(put?.s3.object, {
    key: "in/red+flower%2B%281%29.jpg",
    size: 3,
    eTag: ETag?.replaceAll('"', ""),
    sequencer: put?.s3.object.sequencer,
  });
  assert.equal(put?.eventVersion, "2.1");
  assert.equal(put?.eventTime, "2026-03-01T12:00:00.000Z");
  assert.equal(put?.s3.configurationId, "images");
  assert.equal(put?.s3.bucket.arn, "arn:aws:s3:::bucket");
  const removed = records.find(({ eventName }) => eventName === "ObjectRemoved:Delete");
  assert.ok((removed?.s3.object.sequencer ?? "") > (put?.s3.object.sequencer ?? ""));
  assert.deepEqual(
    s3.told.map(({ bus }) => (bus as { detailType: string }).detailType),
    ["Object Created", "Object Created", "Object Created", "Object Deleted"],
  );
});

interface EventOfS3 {
  readonly eventName: string;
  readonly eventVersion: string;
  readonly eventTime: string;
  readonly s3: {
    readonly configurationId: string;
    readonly bucket: { readonly arn: string };
    readonly object: { readonly key: string; readonly sequencer: string };
  };
}

test("destinations that are not there, unknown events and overlapping rules are refused", async () => {
  await using s3 = await setUp();
  const { client } = s3;
  s3.targets.register("sqs", () => ({
    deliver: () => Promise.reject(new Error("there is no such queue")),
  }));
  await client.send(new CreateBucketCommand({ Bucket }));
  const put = (rules: { Events: string[]; prefix?: string }[], SkipDestinationValidation = false) =>
    client.send(
      new PutBucketNotificationConfigurationCommand({
        Bucket,
        SkipDestinationValidation,
        NotificationConfiguration: {
          QueueConfigurations: rules.map(({ Events, prefix = "" }) => ({
            QueueArn,
            Events: Events as ["s3:ObjectCreated:*"],
            Filter: { Key: { FilterRules: [{ Name: "prefix", Value: prefix }] } },
          })),
        },
      }),
    );
  await assert.rejects(put([{ Events: ["s3:ObjectCreated:*"] }]), {
    name: "InvalidArgument",
    message: "Unable to validate the following destination configurations",
  });
  await assert.rejects(put([{ Events: ["s3:Nothing"] }], true), { name: "InvalidArgument" });
  const overlapping = [
    { Events: ["s3:ObjectCreated:*"], prefix: "a" },
    { Events: ["s3:ObjectCreated:Put"], prefix: "ab" },
  ];
  await assert.rejects(put(overlapping, true), { name: "InvalidArgument" });
  const apart = [
    { Events: ["s3:ObjectCreated:*"], prefix: "a" },
    { Events: ["s3:ObjectCreated:Put"], prefix: "b" },
  ];
  await put(apart, true);
});
