import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { CreateQueueCommand, SQSClient } from "@aws-sdk/client-sqs";
import { createSeededRandom, systemRandom } from "#base/random.ts";
import { startServerProcess } from "../support/server-process.ts";
import { QueueEvidence } from "./sqs-evidence.ts";

const kills = Number(process.env["QUEUE_KILLS"] ?? 4);

test("kill -9 loses no acknowledged message, brings none back that was deleted, and keeps the order of groups", async (t) => {
  const seed = Math.floor(systemRandom.fraction() * 2 ** 31);
  t.diagnostic(`seed ${seed}`);
  const random = createSeededRandom(seed);
  const below = (bound: number): number => Math.floor(random.fraction() * bound);
  const dataDir = await mkdtemp(join(tmpdir(), "skerry-sqs-kill-"));
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  const evidence = new QueueEvidence();
  for (let kill = 0; kill < kills; kill++) {
    const server = await startServerProcess(dataDir);
    await using _ended = server.process;
    const client = clientFor(server.url);
    if (kill === 0) await createQueues(client);
    const target = evidence.answered + 100 + below(300);
    evidence.onAnswer = () => {
      if (evidence.answered >= target) process.kill(server.pid, "SIGKILL");
    };
    const workers = Array.from({ length: 12 }, (_, worker) =>
      evidence.work(client, { name: `${kill}.${worker}`, below }),
    );
    await Promise.all(workers);
    client.destroy();
  }
  evidence.onAnswer = () => undefined;
  const last = await startServerProcess(dataDir);
  await using _stopped = last.process;
  const client = clientFor(last.url);
  await evidence.drain(client);
  client.destroy();
  evidence.check();
  t.diagnostic(`${kills} kills, ${evidence.summary()}`);
});

function clientFor(endpoint: string): SQSClient {
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  return new SQSClient({ endpoint, region: "us-east-1", credentials, maxAttempts: 1 });
}

async function createQueues(client: SQSClient): Promise<void> {
  await client.send(new CreateQueueCommand({ QueueName: "q" }));
  const fifo = { FifoQueue: "true", ContentBasedDeduplication: "true" };
  const { QueueUrl } = await client.send(
    new CreateQueueCommand({ QueueName: "q.fifo", Attributes: fifo }),
  );
  assert.ok(QueueUrl);
}
