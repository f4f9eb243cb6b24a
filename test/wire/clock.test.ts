import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  GetLogEventsCommand,
  PutLogEventsCommand,
  PutRetentionPolicyCommand,
} from "@aws-sdk/client-cloudwatch-logs";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { deploy } from "../support/functions.ts";
import { startPlatform } from "./platform.ts";

interface Shown {
  readonly now: string;
  readonly frozen: boolean;
  readonly offsetSeconds: number;
  readonly message?: string;
}

async function clockOf(endpoint: string, move?: object): Promise<Shown & { status: number }> {
  const how = move && { method: "POST", body: JSON.stringify(move) };
  const response = await fetch(`${endpoint}/_skerry/clock`, how);
  return { ...((await response.json()) as Shown), status: response.status }; // the platform's own route
}

test("the clock is read and moved, frozen and let go; nonsense is told what to send", async () => {
  await using platform = await startPlatform({ sandbox: "process" });
  const at = (move?: object) => clockOf(platform.endpoint, move);
  assert.deepEqual((await at()).offsetSeconds, 0);
  const frozen = await at({ freeze: true });
  assert.equal(frozen.frozen, true);
  assert.equal((await at()).now, frozen.now);
  const later = await at({ advance: "40d" });
  assert.equal(Date.parse(later.now) - Date.parse(frozen.now), 40 * 86_400_000);
  const set = await at({ set: "2031-05-06T07:08:09Z" });
  assert.equal(set.now, "2031-05-06T07:08:09.000Z");
  assert.equal((await at({ freeze: false })).frozen, false);
  const refused = await at({ advance: "soon" });
  assert.equal(refused.status, 400);
  assert.match(refused.message ?? "", /durations/);
  await at({ freeze: true }); // and it stops although time stands still
});

test("a server that is no development server has no such page", async () => {
  await using platform = await startPlatform({ sandbox: "process", mode: "serve" });
  const response = await fetch(`${platform.endpoint}/_skerry/clock`);
  assert.notEqual(response.status, 200);
});

test("retention follows the clock", async () => {
  await using platform = await startPlatform({ sandbox: "process" });
  using logs = disposable(new CloudWatchLogsClient(platform.client));
  const stream = { logGroupName: "kept", logStreamName: "s" };
  await logs.client.send(new CreateLogGroupCommand(stream));
  await logs.client.send(new PutRetentionPolicyCommand({ ...stream, retentionInDays: 7 }));
  await logs.client.send(new CreateLogStreamCommand(stream));
  const logEvents = [{ timestamp: Date.now(), message: "here" }];
  await logs.client.send(new PutLogEventsCommand({ ...stream, logEvents }));
  const count = async (): Promise<number | undefined> =>
    (await logs.client.send(new GetLogEventsCommand(stream))).events?.length;
  await clockOf(platform.endpoint, { advance: "6d" });
  assert.equal(await count(), 1);
  await clockOf(platform.endpoint, { advance: "2d" });
  assert.equal(await count(), 0);
});

test("a failed event is tried again when the clock is moved, with the engine's own time untouched", async () => {
  await using platform = await startPlatform();
  using lambda = disposable(new LambdaClient(platform.client));
  using logs = disposable(new CloudWatchLogsClient(platform.client));
  await deploy(lambda.client, "fails", {
    "index.mjs": `export const handler = async (event, context) => {
      console.log("left", context.getRemainingTimeInMillis() > 1000);
      throw new Error("always");
    };`,
  });
  await lambda.client.send(new InvokeCommand({ FunctionName: "fails", InvocationType: "Event" }));
  const { FilterLogEventsCommand } = await import("@aws-sdk/client-cloudwatch-logs");
  const runs = async (): Promise<number> => {
    const found = await logs.client
      .send(
        new FilterLogEventsCommand({
          logGroupName: "/aws/lambda/fails",
          filterPattern: '"left true"',
        }),
      )
      .catch(() => undefined); // no group before the first run
    return found?.events?.length ?? 0;
  };
  for (let wanted = 1; wanted <= 3; wanted++) {
    while ((await runs()) < wanted) await new Promise((resolve) => setImmediate(resolve));
    await clockOf(platform.endpoint, { advance: "6m" });
  }
  assert.equal(await runs(), 3, "the first try and two more");
});

function disposable<Client extends { destroy(): void }>(
  client: Client,
): { client: Client } & Disposable {
  return { client, [Symbol.dispose]: () => client.destroy() };
}
