import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb";
import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { Jimp } from "jimp";
import type { TraceSpan } from "#cli/trace-tree.ts";
import { type Deployed, deployThumbnails } from "../../examples/thumbnails/deploy.ts";
import { bundleThumbnails } from "../support/thumbnails.ts";
import { type Platform, startPlatform } from "./platform.ts";

let platform: Platform;
let deployed: Deployed;
let s3: S3Client;
let sqs: SQSClient;
before(async () => {
  platform = await startPlatform();
  deployed = await deployThumbnails(platform.client, {
    name: "album",
    code: await bundleThumbnails(),
  });
  s3 = new S3Client({ ...platform.client, forcePathStyle: true });
  sqs = new SQSClient(platform.client);
});
after(async () => {
  s3.destroy();
  sqs.destroy();
  await platform.stop();
});

async function upload(name: string, width: number, height: number): Promise<void> {
  const image = new Jimp({ width, height, color: 0x3366ccff });
  await s3.send(
    new PutObjectCommand({
      Bucket: deployed.bucket,
      Key: `originals/${name}`,
      Body: await image.getBuffer("image/png"),
    }),
  );
}

/** The next announcement and the trace it belongs to; waits for it. */
async function announced(): Promise<{ readonly thumbnail: string; readonly traceId: string }> {
  for (;;) {
    const { Messages: [message] = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: deployed.queueUrl,
        WaitTimeSeconds: 20,
        MessageSystemAttributeNames: ["AWSTraceHeader"],
      }),
    );
    if (!message) continue;
    const { ReceiptHandle, Body = "" } = message;
    await sqs.send(new DeleteMessageCommand({ QueueUrl: deployed.queueUrl, ReceiptHandle }));
    const envelope = JSON.parse(Body) as { readonly Message: string }; // as the topic wraps it
    const { thumbnail } = JSON.parse(envelope.Message) as { readonly thumbnail: string }; // by the announcing function
    const traceId = /Root=([^;]+)/.exec(message.Attributes?.["AWSTraceHeader"] ?? "")?.[1] ?? "";
    return { thumbnail, traceId };
  }
}

test("an upload becomes a thumbnail, a row and an announcement", async () => {
  await upload("a lake.png", 640, 480);
  const { thumbnail } = await announced();
  assert.equal(thumbnail, "thumbnails/a lake.jpg");
  const stored = await s3.send(new GetObjectCommand({ Bucket: deployed.bucket, Key: thumbnail }));
  assert.equal(stored.ContentType, "image/jpeg");
  assert.deepEqual(stored.Metadata, { original: "originals/a lake.png" });
  const image = await Jimp.read(Buffer.from((await stored.Body?.transformToByteArray()) ?? []));
  assert.deepEqual([image.bitmap.width, image.bitmap.height], [128, 96]);
  const dynamodb = new DynamoDBClient(platform.client);
  const row = await dynamodb.send(
    new GetItemCommand({ TableName: deployed.table, Key: { key: { S: "originals/a lake.png" } } }),
  );
  dynamodb.destroy();
  assert.equal(row.Item?.["width"]?.N, "640");
  assert.equal(row.Item?.["thumbnailHeight"]?.N, "96");
});

test("what is no image harms nobody, and what the filter leaves out is not announced", async () => {
  await s3.send(
    new PutObjectCommand({ Bucket: deployed.bucket, Key: "originals/not.png", Body: "no image" }),
  );
  await upload("narrow.png", 80, 400);
  await upload("wide.png", 400, 80);
  assert.equal((await announced()).thumbnail, "thumbnails/wide.jpg");
});

test("one trace leads from the upload to the queue", async () => {
  await upload("traced.png", 300, 300);
  const { traceId } = await announced();
  const response = await fetch(`${platform.endpoint}/_skerry/traces/${traceId}`);
  const { spans } = (await response.json()) as { spans: TraceSpan[] }; // the platform's own route
  const names = new Set(spans.map((span) => span.name));
  for (const wanted of [
    "aws.s3.PutObject",
    "aws.s3.GetObject",
    "aws.dynamodb.PutItem",
    "aws.sns.Publish",
  ])
    assert(names.has(wanted), `${wanted} is in the trace: ${[...names].join(", ")}`);
  const functions = new Set(spans.map((span) => span.attributes["function"]).filter(Boolean));
  assert.deepEqual(functions, new Set(["album-thumbnail", "album-announce"]));
  const ids = new Set(spans.map((span) => span.spanId));
  const roots = spans.filter((span) => span.parentId === undefined || !ids.has(span.parentId));
  assert.equal(roots.length, 1, `one root: ${roots.map((span) => span.name).join(", ")}`);
});

test("what was delivered is shown, with its trace", async () => {
  await upload("shown.png", 200, 200);
  const { traceId } = await announced();
  const response = await fetch(`${platform.endpoint}/_skerry/events`);
  const { handovers } = (await response.json()) as {
    handovers: { sourceArn: string; targetArn: string; outcome: string; traceId: string }[];
  }; // the platform's own route
  const mine = handovers.filter((one) => one.traceId === traceId);
  const from = (service: string) => mine.find((one) => one.sourceArn.split(":")[2] === service);
  assert.equal(from("s3")?.targetArn.split(":")[2], "lambda");
  assert.equal(from("sns")?.targetArn.split(":")[2], "sqs");
  assert(mine.every((one) => one.outcome === "delivered"));
});
