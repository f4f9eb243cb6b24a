import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  CreateTopicCommand,
  PublishCommand,
  SNSClient,
  SubscribeCommand,
} from "@aws-sdk/client-sns";
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  ReceiveMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { createSeededRandom, systemRandom } from "#base/random.ts";
import { startServerProcess } from "../support/server-process.ts";

const kills = 2;
const queueNames = ["one", "two"];

test("kill -9 loses no acknowledged message of a topic on its way to any of its queues", async (t) => {
  const seed = Math.floor(systemRandom.fraction() * 2 ** 31);
  t.diagnostic(`seed ${seed}`);
  const random = createSeededRandom(seed);
  const dataDir = await mkdtemp(join(tmpdir(), "skerry-sns-kill-"));
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  const acknowledged: string[] = [];
  for (let kill = 0; kill < kills; kill++) {
    const server = await startServerProcess(dataDir);
    await using _ended = server.process;
    const { sns, sqs } = clientsFor(server.url);
    const TopicArn = await makeTopic(sns, sqs);
    const target = acknowledged.length + 50 + Math.floor(random.fraction() * 150);
    const publish = async (name: string): Promise<void> => {
      for (let index = 0; ; index++) {
        const Message = `${kill}.${name}.${index}`;
        const isDone = await sns.send(new PublishCommand({ TopicArn, Message })).then(
          () => true,
          () => false, // the server is gone; whether this one is stored is open
        );
        if (!isDone) return;
        acknowledged.push(Message);
        if (acknowledged.length >= target) process.kill(server.pid, "SIGKILL");
      }
    };
    await Promise.all(["a", "b", "c", "d", "e", "f"].map(publish));
    sns.destroy();
    sqs.destroy();
  }
  const last = await startServerProcess(dataDir);
  await using _stopped = last.process;
  const { sns, sqs } = clientsFor(last.url);
  for (const queueName of queueNames) await drain(sqs, queueName, new Set(acknowledged));
  t.diagnostic(
    `${kills} kills, ${acknowledged.length} messages acknowledged, each in ${queueNames.length} queues`,
  );
  sns.destroy();
  sqs.destroy();
});

function clientsFor(endpoint: string): { readonly sns: SNSClient; readonly sqs: SQSClient } {
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const settings = { endpoint, region: "us-east-1", credentials, maxAttempts: 1 };
  return { sns: new SNSClient(settings), sqs: new SQSClient(settings) };
}

/** Making what is there changes nothing. */
async function makeTopic(sns: SNSClient, sqs: SQSClient): Promise<string> {
  const { TopicArn = "" } = await sns.send(new CreateTopicCommand({ Name: "t" }));
  for (const QueueName of queueNames) {
    await sqs.send(new CreateQueueCommand({ QueueName }));
    const Endpoint = `arn:aws:sqs:us-east-1:000000000000:${QueueName}`;
    const Attributes = { RawMessageDelivery: "true" };
    await sns.send(new SubscribeCommand({ TopicArn, Protocol: "sqs", Endpoint, Attributes }));
  }
  return TopicArn;
}

/** Receives until everything that must be there was, and fails when the queue stays empty before that. */
async function drain(sqs: SQSClient, QueueUrl: string, missing: Set<string>): Promise<void> {
  for (let emptyInARow = 0; missing.size > 0;) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 5 }),
    );
    emptyInARow = Messages.length === 0 ? emptyInARow + 1 : 0;
    assert.ok(
      emptyInARow < 6,
      `${missing.size} messages are lost: ${[...missing].slice(0, 5).join(", ")}`,
    );
    if (Messages.length === 0) continue;
    for (const { Body = "" } of Messages) missing.delete(Body);
    const Entries = Messages.map(({ ReceiptHandle }, index) => ({ Id: `${index}`, ReceiptHandle }));
    await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
  }
}
