import assert from "node:assert/strict";
import { test } from "node:test";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { CreateScheduleCommand, SchedulerClient } from "@aws-sdk/client-scheduler";
import { deploy } from "../support/functions.ts";
import { type Platform, startPlatform } from "./platform.ts";

interface Started {
  readonly functionArn: string;
  readonly purpose: string;
}

/** Waits until an environment of the function was begun; gives what for. */
async function started(platform: Platform, name: string): Promise<string> {
  for (;;) {
    const response = await fetch(`${platform.endpoint}/_skerry/functions`);
    const { starts } = (await response.json()) as { starts: readonly Started[] }; // the platform's own route
    const start = starts.find((one) => one.functionArn.endsWith(`:${name}`));
    if (start) return start.purpose;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("what a schedule will call soon has an environment before it is called", async () => {
  await using platform = await startPlatform();
  const lambda = new LambdaClient(platform.client);
  const code = { "index.mjs": "export const handler = async () => 1;" };
  await deploy(lambda, "once", code);
  const scheduler = new SchedulerClient(platform.client);
  const soon = new Date(Date.now() + 20_000).toISOString().slice(0, 19);
  await scheduler.send(
    new CreateScheduleCommand({
      Name: "once",
      ScheduleExpression: `at(${soon})`,
      FlexibleTimeWindow: { Mode: "OFF" },
      Target: {
        Arn: "arn:aws:lambda:us-east-1:000000000000:function:once",
        RoleArn: "arn:aws:iam::000000000000:role/schedules",
      },
    }),
  );
  assert.equal(await started(platform, "once"), "prewarm");
  for (const client of [lambda, scheduler]) client.destroy();
});
