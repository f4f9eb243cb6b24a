import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  GetLogEventsCommand,
  type OutputLogEvent,
  PutLogEventsCommand,
} from "@aws-sdk/client-cloudwatch-logs";
import { createSeededRandom, systemRandom } from "#base/random.ts";
import { startServerProcess } from "../support/server-process.ts";

const logGroupName = "evidence";
const streamNames = ["a", "b"];
const kills = 3;

/** One PutLogEvents call; `isAnswered` once the client was told that it is stored. */
interface Batch {
  readonly streamName: string;
  readonly messages: readonly string[];
  isAnswered: boolean;
}

test("kill -9 loses no event of an answered PutLogEvents, and cuts no batch in two", async (t) => {
  const seed = Math.floor(systemRandom.fraction() * 2 ** 31);
  t.diagnostic(`seed ${seed}`);
  const random = createSeededRandom(seed);
  const below = (bound: number): number => Math.floor(random.fraction() * bound);
  const dataDir = await mkdtemp(join(tmpdir(), "skerry-logs-kill-"));
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  const batches: Batch[] = [];
  for (let kill = 0; kill < kills; kill++) {
    const server = await startServerProcess(dataDir);
    await using _ended = server.process;
    const client = clientFor(server.url);
    if (kill === 0) await createStreams(client);
    await check(client, batches);
    const target = batches.filter(({ isAnswered }) => isAnswered).length + 30 + below(120);
    const onAnswer = (): void => {
      if (batches.filter(({ isAnswered }) => isAnswered).length >= target) {
        process.kill(server.pid, "SIGKILL");
      }
    };
    const writers = Array.from({ length: 8 }, (_, writer) =>
      write(client, batches, { name: `${kill}.${writer}`, below, onAnswer }),
    );
    await Promise.all(writers);
  }
  const last = await startServerProcess(dataDir);
  await using _stopped = last.process;
  const found = await check(clientFor(last.url), batches);
  const answered = batches.filter(({ isAnswered }) => isAnswered).length;
  t.diagnostic(
    `${kills} kills, ${answered} of ${batches.length} batches answered, ${found} events found`,
  );
  assert.ok(answered < batches.length, "calls were under way when the server was killed");
});

function clientFor(endpoint: string): CloudWatchLogsClient {
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  return new CloudWatchLogsClient({ endpoint, region: "us-east-1", credentials, maxAttempts: 1 });
}

async function createStreams(client: CloudWatchLogsClient): Promise<void> {
  await client.send(new CreateLogGroupCommand({ logGroupName }));
  for (const logStreamName of streamNames) {
    await client.send(new CreateLogStreamCommand({ logGroupName, logStreamName }));
  }
}

/** Puts batches of all sizes, overlapping in time, until the server is gone. */
async function write(
  client: CloudWatchLogsClient,
  batches: Batch[],
  writer: {
    readonly name: string;
    readonly below: (bound: number) => number;
    readonly onAnswer: () => void;
  },
): Promise<void> {
  const { name, below, onAnswer } = writer;
  for (let index = 0; ; index++) {
    const count = [1, 3, 50, 400][below(4)] ?? 1;
    const messages = Array.from(
      { length: count },
      (_, at) => `${name}.${index} ${at} ${"x".repeat(below(300))}`,
    );
    const streamName = streamNames[below(streamNames.length)] ?? "";
    const batch: Batch = { streamName, messages, isAnswered: false };
    batches.push(batch);
    const firstMs = Date.now() - below(10_000);
    const logEvents = messages.map((message, at) => ({ message, timestamp: firstMs + at * 10 }));
    try {
      await client.send(
        new PutLogEventsCommand({ logGroupName, logStreamName: streamName, logEvents }),
      );
    } catch {
      return; // the server is gone; whether this batch is stored is open
    }
    batch.isAnswered = true;
    onAnswer();
  }
}

/** Number of events found; each stream in the order of time, each batch whole or not there. */
async function check(client: CloudWatchLogsClient, batches: readonly Batch[]): Promise<number> {
  let foundCount = 0;
  for (const streamName of streamNames) {
    const found = await readAll(client, streamName);
    foundCount += found.length;
    const times = found.map(({ timestamp = 0 }) => timestamp);
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
    const byBatch = Map.groupBy(found, ({ message = "" }) => message.split(" ")[0]);
    for (const batch of batches.filter((one) => one.streamName === streamName)) {
      const id = batch.messages[0]?.split(" ")[0];
      const messages = (byBatch.get(id) ?? []).map(({ message }) => message);
      byBatch.delete(id);
      if (batch.isAnswered || messages.length > 0) assert.deepEqual(messages, batch.messages);
    }
    assert.deepEqual([...byBatch.keys()], [], "nothing is there that was not sent");
  }
  return foundCount;
}

async function readAll(client: CloudWatchLogsClient, logStreamName: string) {
  const all: OutputLogEvent[] = [];
  for (let nextToken: string | undefined; ;) {
    const page = await client.send(
      new GetLogEventsCommand({ logGroupName, logStreamName, startFromHead: true, nextToken }),
    );
    all.push(...(page.events ?? []));
    if (page.nextForwardToken === nextToken) return all;
    nextToken = page.nextForwardToken;
  }
}
