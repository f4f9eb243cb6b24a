import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { Jimp } from "jimp";
import { renderTree, type TraceSpan } from "#cli/trace-tree.ts";
import { type Deployed, deployThumbnails, type Settings } from "../examples/thumbnails/deploy.ts";
import { bundleThumbnails } from "../test/support/thumbnails.ts";

const uploads = 5;

/**
 * The second half of the tour: an upload wakes a function that writes a smaller picture and a row; the table's
 * stream wakes another that tells a topic; the topic fills a queue. Prints how long that took, and its one trace.
 */
export async function showThumbnails(
  settings: Settings,
  say: (line: string) => void,
): Promise<void> {
  const deployed = await deployThumbnails(settings, {
    name: "demo",
    code: await bundleThumbnails(),
  });
  const s3 = new S3Client({ ...settings, forcePathStyle: true });
  const sqs = new SQSClient(settings);
  const image = new Jimp({ width: 1_280, height: 960, color: 0x2266aaff });
  const Body = await image.getBuffer("image/png");
  let traceId = "";
  for (let n = 1; n <= uploads; n++) {
    const startMs = performance.now();
    const Key = `originals/lake-${n}.png`;
    await s3.send(new PutObjectCommand({ Bucket: deployed.bucket, Key, Body }));
    const uploadedMs = performance.now();
    const heard = await hear(sqs, deployed);
    traceId = heard.traceId;
    const times = [uploadedMs - startMs, performance.now() - uploadedMs].map((ms) => ms.toFixed(0));
    say(`${Key} uploaded in ${times[0]} ms; ${heard.thumbnail} announced ${times[1]} ms later`);
  }
  const response = await fetch(`${settings.endpoint}/_skerry/traces/${traceId}`);
  const { spans } = (await response.json()) as { spans: TraceSpan[] }; // the platform's own route
  say("The last one's trace, over six services and two functions:");
  for (const line of renderTree(spans)) say(`  ${line}`);
  s3.destroy();
  sqs.destroy();
}

async function hear(
  sqs: SQSClient,
  { queueUrl: QueueUrl }: Deployed,
): Promise<{ readonly thumbnail: string; readonly traceId: string }> {
  for (;;) {
    const { Messages: [message] = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl,
        WaitTimeSeconds: 20,
        MessageSystemAttributeNames: ["AWSTraceHeader"],
      }),
    );
    if (!message) continue;
    const { Body = "", ReceiptHandle, Attributes } = message;
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    const { Message } = JSON.parse(Body) as { readonly Message: string }; // the topic's envelope
    const { thumbnail } = JSON.parse(Message) as { readonly thumbnail: string }; // by examples/thumbnails/announce.ts
    const traceId = /Root=([^;]+)/.exec(Attributes?.["AWSTraceHeader"] ?? "")?.[1] ?? "";
    return { thumbnail, traceId };
  }
}
