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
  StartLiveTailCommand,
} from "@aws-sdk/client-cloudwatch-logs";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { deploy, source } from "../support/functions.ts";
import { startServerProcess } from "../support/server-process.ts";

const eventCount = 1_000;

/** About seconds; the events need six on two idle cores. */
const looksMax = 240;

test("kill -9 with 1,000 accepted asynchronous invocations loses none of them", async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), "skerry-kill-"));
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  const settings = (endpoint: string) => ({
    endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });

  const first = await startServerProcess(dataDir);
  await using _killed = first.process;
  const lambda = new LambdaClient(settings(first.url));
  const firstLogs = new CloudWatchLogsClient(settings(first.url));
  await firstLogs.send(new CreateLogGroupCommand({ logGroupName: "evidence" }));
  await firstLogs.send(
    new CreateLogStreamCommand({ logGroupName: "evidence", logStreamName: "all" }),
  );
  await deploy(lambda, "evidence", { "index.mjs": await source("evidence.mjs") }, { Timeout: 30 });
  const accepted = new Set<string>();
  const enqueue = async (id: number): Promise<void> => {
    const answer = await lambda.send(
      new InvokeCommand({
        FunctionName: "evidence",
        InvocationType: "Event",
        Payload: JSON.stringify({ id: `event-${id}` }),
      }),
    );
    assert.equal(answer.StatusCode, 202);
    accepted.add(`event-${id}`);
  };
  for (let id = 0; id < eventCount; id += 50) {
    await Promise.all(Array.from({ length: 50 }, (_unused, offset) => enqueue(id + offset)));
  }
  assert.equal(accepted.size, eventCount);
  process.kill(first.pid, "SIGKILL");
  await first.process[Symbol.asyncDispose]();

  const second = await startServerProcess(dataDir);
  await using _stopped = second.process;
  const logs = new CloudWatchLogsClient(settings(second.url));
  const seen = new Set<string>();
  let runs = 0;
  // Live Tail speaks once a second: that is when to look again. Always from the head, because events
  // are ordered by their own time and a late one lands among earlier ones.
  const ticks = await tailTicks(settings(second.url));
  for (let looks = 0; seen.size < eventCount && looks < looksMax; looks++) {
    await ticks.next();
    const page = await logs.send(
      new GetLogEventsCommand({
        logGroupName: "evidence",
        logStreamName: "all",
        startFromHead: true,
      }),
    );
    runs = page.events?.length ?? 0;
    for (const event of page.events ?? []) seen.add(event.message ?? "");
  }
  t.diagnostic(`${eventCount} accepted, ${seen.size} ran, ${runs - seen.size} ran more than once`);
  assert.deepEqual(accepted.difference(seen), new Set());
});

async function tailTicks(settings: {
  readonly endpoint: string;
  readonly region: string;
}): Promise<AsyncIterator<unknown>> {
  const client = new CloudWatchLogsClient({ ...settings, disableHostPrefix: true });
  const tail = await client.send(
    new StartLiveTailCommand({
      logGroupIdentifiers: ["arn:aws:logs:us-east-1:000000000000:log-group:evidence"],
    }),
  );
  assert.ok(tail.responseStream);
  return tail.responseStream[Symbol.asyncIterator]();
}
