import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import * as eventbridge from "@aws-sdk/client-eventbridge";
import * as sqs from "@aws-sdk/client-sqs";
import { createSeededRandom, systemRandom } from "#base/random.ts";
import { find, run } from "../support/commands.ts";
import { startServerProcess } from "../support/server-process.ts";
import { startPlatform } from "./platform.ts";

const python = find("python3");
const kills = Number(process.env["SKERRY_EVENTBRIDGE_KILLS"] ?? 3);

test(
  "boto3: an object, a schedule and a called operation reach a queue",
  { skip: python ? false : "no python3" },
  async () => {
    await using platform = await startPlatform({ sandbox: "process" });
    const script = fileURLToPath(new URL("eventbridge.py", import.meta.url));
    const output = await run(python ?? "", [script, platform.endpoint]);
    const steps = output
      .trim()
      .split("\n")
      .map((line): unknown => JSON.parse(line));
    assert.deepEqual(steps, [
      { step: "targets", failed: 0 },
      { step: "object", bodies: ['{"what": "pictures/a.png"}'] },
      { step: "refused", code: "InvalidEventPatternException" },
      { step: "scheduled", bodies: ["tick"] },
      { step: "called", bodies: ["called"] },
    ]);
  },
);

test("kill -9 loses no event that PutEvents accepted", async (t) => {
  const seed = Math.floor(systemRandom.fraction() * 2 ** 31);
  t.diagnostic(`seed ${seed}`);
  const random = createSeededRandom(seed);
  const dataDir = await mkdtemp(join(tmpdir(), "skerry-bus-kill-"));
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  const accepted = new Set<string>();
  const seen = new Set<string>();
  for (let kill = 0; kill < kills; kill++) {
    const server = await startServerProcess(dataDir);
    await using _ended = server.process;
    const bus = new eventbridge.EventBridgeClient(settings(server.url));
    if (kill === 0) await setUp(server.url, bus);
    const target = accepted.size + 50 + Math.floor(random.fraction() * 200);
    const putting = Array.from({ length: 8 }, () =>
      putUntilGone(bus, (ids) => {
        for (const id of ids) accepted.add(id);
        if (accepted.size >= target) process.kill(server.pid, "SIGKILL");
      }),
    );
    await Promise.all(putting);
    bus.destroy();
  }
  const last = await startServerProcess(dataDir);
  await using _stopped = last.process;
  await receiveAll(last.url, seen, accepted);
  const lost = [...accepted].filter((id) => !seen.has(id));
  assert.deepEqual(lost, []);
  t.diagnostic(`${kills} kills, ${accepted.size} events accepted, ${seen.size} delivered`);
});

function settings(endpoint: string) {
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  return { endpoint, region: "us-east-1", credentials, maxAttempts: 1 };
}

async function setUp(url: string, bus: eventbridge.EventBridgeClient): Promise<void> {
  const client = new sqs.SQSClient(settings(url));
  const { QueueUrl } = await client.send(new sqs.CreateQueueCommand({ QueueName: "seen" }));
  const { Attributes } = await client.send(
    new sqs.GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] }),
  );
  client.destroy();
  const EventPattern = '{"source":["kill"]}';
  await bus.send(new eventbridge.PutRuleCommand({ Name: "all", EventPattern }));
  const Targets = [{ Id: "1", Arn: Attributes?.["QueueArn"], InputPath: "$.id" }];
  await bus.send(new eventbridge.PutTargetsCommand({ Rule: "all", Targets }));
}

/** Puts events, several at a time, until nobody answers. */
async function putUntilGone(
  bus: eventbridge.EventBridgeClient,
  onAccepted: (ids: readonly string[]) => void,
): Promise<void> {
  const Entries = Array.from({ length: 3 }, () => ({
    Source: "kill",
    DetailType: "d",
    Detail: "{}",
  }));
  for (;;) {
    let answer: eventbridge.PutEventsCommandOutput;
    try {
      answer = await bus.send(new eventbridge.PutEventsCommand({ Entries }));
    } catch {
      return;
    }
    onAccepted((answer.Entries ?? []).flatMap(({ EventId }) => EventId ?? []));
  }
}

/** Until all that was accepted has come, or nothing comes any more. */
async function receiveAll(
  url: string,
  seen: Set<string>,
  accepted: ReadonlySet<string>,
): Promise<void> {
  const client = new sqs.SQSClient(settings(url));
  const { QueueUrl } = await client.send(new sqs.GetQueueUrlCommand({ QueueName: "seen" }));
  const receive = { QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 20 };
  while ([...accepted].some((id) => !seen.has(id))) {
    const { Messages = [] } = await client.send(new sqs.ReceiveMessageCommand(receive));
    if (Messages.length === 0) break;
    for (const { Body = "" } of Messages) seen.add(JSON.parse(Body) as string); // the id, by InputPath
    const Entries = Messages.map(({ ReceiptHandle }, n) => ({ Id: String(n), ReceiptHandle }));
    await client.send(new sqs.DeleteMessageBatchCommand({ QueueUrl, Entries }));
  }
  client.destroy();
}
