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
} from "@aws-sdk/client-cloudwatch-logs";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { follow, root, type RunningCommand } from "../support/commands.ts";
import { deploy, source } from "../support/functions.ts";

const eventCount = 1_000;

/** `skerry up` as a process of its own, so that it can be killed like one. */
async function startProcess(
  dataDir: string,
): Promise<{ process: RunningCommand; url: string; pid: number }> {
  const process_ = follow(`${root}node_modules/node/bin/node`, [
    "--conditions=source",
    `${root}src/skerry.ts`,
    "up",
    "--json",
    "--port=0",
    `--data=${dataDir}`,
    "--log-level=error",
  ]);
  const { url } = JSON.parse(await process_.line(/^\{/)) as { url: string }; // our own banner
  return { process: process_, url, pid: process_.child.pid ?? 0 };
}

test("kill -9 with 1,000 accepted asynchronous invocations loses none of them", async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), "skerry-kill-"));
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  const settings = (endpoint: string) => ({
    endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });

  const first = await startProcess(dataDir);
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

  const second = await startProcess(dataDir);
  const logs = new CloudWatchLogsClient(settings(second.url));
  const seen = new Set<string>();
  let token: string | undefined;
  let runs = 0;
  const beganMs = performance.now();
  while (seen.size < eventCount) {
    const page = await logs.send(
      new GetLogEventsCommand({
        logGroupName: "evidence",
        logStreamName: "all",
        startFromHead: true,
        ...(token !== undefined && { nextToken: token }),
      }),
    );
    for (const event of page.events ?? []) {
      seen.add(event.message ?? "");
      runs++;
    }
    token = page.nextForwardToken;
    assert.ok(performance.now() - beganMs < 240_000, `only ${seen.size} of ${eventCount} ran`);
  }
  t.diagnostic(`${eventCount} accepted, ${seen.size} ran, ${runs - seen.size} ran more than once`);
  assert.deepEqual(accepted.difference(seen), new Set());
  await second.process[Symbol.asyncDispose]();
});
