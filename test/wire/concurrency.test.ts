import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CloudWatchLogsClient, paginateFilterLogEvents } from "@aws-sdk/client-cloudwatch-logs";
import {
  type CreateFunctionCommandInput,
  GetFunctionConfigurationCommand,
  InvokeCommand,
  InvokeWithResponseStreamCommand,
  LambdaClient,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionUpdatedV2,
} from "@aws-sdk/client-lambda";
import { deploy, text } from "../support/functions.ts";
import { type Platform, startPlatform } from "./platform.ts";

let platform: Platform;
let lambda: LambdaClient;
let logs: CloudWatchLogsClient;
before(async () => {
  platform = await startPlatform();
  lambda = new LambdaClient(platform.client);
  logs = new CloudWatchLogsClient(platform.client);
});
after(async () => {
  lambda.destroy();
  logs.destroy();
  await platform.stop();
});

const capacity = (concurrency: number): Partial<CreateFunctionCommandInput> => ({
  Timeout: 60,
  CapacityProviderConfig: {
    LambdaManagedInstancesCapacityProviderConfig: {
      CapacityProviderArn: "arn:aws:lambda:us-east-1:000000000000:capacity-provider:here",
      PerExecutionEnvironmentMaxConcurrency: concurrency,
    },
  },
});

interface Called {
  readonly error: string | undefined;
  readonly id: string | undefined;
  readonly payload: Record<string, unknown>;
}

async function call(FunctionName: string, event: unknown): Promise<Called> {
  const answer = await lambda.send(
    new InvokeCommand({ FunctionName, Payload: JSON.stringify(event) }),
  );
  return {
    error: answer.FunctionError,
    id: answer.$metadata.requestId,
    payload: JSON.parse(text(answer.Payload)) as Record<string, unknown>, // functions below answer with objects
  };
}

const many = (name: string, count: number, event: unknown): Promise<Called[]> =>
  Promise.all(Array.from({ length: count }, () => call(name, event)));

/** `meet(n)`: goes on when n are here, so that fewer places than that would hang until the timeout. */
const barrier = `let here = 0; let open; const all = new Promise((resolve) => { open = resolve; });
const meet = async (count) => { if (++here >= count) open(); await all; };
const stream = process.env.AWS_LAMBDA_LOG_STREAM_NAME;
`;

/** One of the platform's has its members in `record`. */
interface Line {
  readonly type?: string;
  readonly requestId?: string;
  readonly record?: { readonly requestId?: string };
}

/** The platform's records of a function's log by their type, until there are so many reports. */
async function records(name: string, reportCount: number): Promise<Map<string, string[]>> {
  for (;;) {
    const found = new Map<string, string[]>();
    const pages = paginateFilterLogEvents(
      { client: logs },
      { logGroupName: `/aws/lambda/${name}` },
    );
    for await (const page of pages)
      for (const { message = "" } of page.events ?? []) {
        const line = JSON.parse(message) as Line; // such functions log JSON only
        const { type = "function", record = line } = line;
        const id = record.requestId ?? "";
        found.set(type, [...(found.get(type) ?? []), id]);
      }
    if ((found.get("platform.report")?.length ?? 0) >= reportCount) return found;
  }
}

test("fifty calls at once overlap in one environment, each with a log of its own", async () => {
  const code = `${barrier}export const handler = async (event, context) => {
    console.log("before"); await meet(50); console.log("after");
    return { stream, id: context.awsRequestId, most: process.env.AWS_LAMBDA_MAX_CONCURRENCY };
  };`;
  await deploy(lambda, "fifty", { "index.mjs": code }, capacity(50));
  const answers = await many("fifty", 50, {});
  assert.deepEqual(
    answers.map(({ error }) => error),
    answers.map(() => undefined),
  );
  assert.equal(new Set(answers.map(({ payload }) => payload["stream"])).size, 1);
  const ids = answers.map(({ id }) => String(id)).toSorted();
  const seen = answers.map(({ payload }) => payload["id"]);
  assert.deepEqual(
    seen,
    answers.map(({ id }) => id),
  );
  assert.equal(answers[0]?.payload["most"], "50");
  const found = await records("fifty", 50);
  for (const type of ["platform.start", "platform.report"])
    assert.deepEqual(found.get(type)?.toSorted(), ids, type);
  assert.deepEqual(found.get("function")?.toSorted(), [...ids, ...ids].toSorted());
});

test("a burst starts as many environments as it needs places", async () => {
  const code = `${barrier}export const handler = async () => {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    return { stream };
  };`;
  await deploy(lambda, "burst", { "index.mjs": code }, capacity(50));
  const answers = await many("burst", 100, {});
  assert.ok(answers.every(({ error }) => error === undefined));
  const count = new Set(answers.map(({ payload }) => payload["stream"])).size;
  assert.ok(count <= 2, `${count} environments`);
});

test("one that exceeds its time fails alone; what runs beside it goes on, what comes next starts anew", async () => {
  const code = `${barrier}const until = async (isDue) => {
    while (!isDue()) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  let slow;
  export const handler = async ({ what }, context) => {
    const left = () => slow.getRemainingTimeInMillis();
    if (what === "slow") { slow = context; await new Promise(() => setInterval(() => {}, 1_000)); }
    if (what === "wait") await until(() => slow && left() < 2_500);
    if (what === "outlast") await until(() => left() < -300);
    return { stream };
  };`;
  await deploy(lambda, "late", { "index.mjs": code }, { ...capacity(10), Timeout: 7 });
  const first = (await call("late", {})).payload["stream"];
  const slow = call("late", { what: "slow" });
  const waited = await call("late", { what: "wait" });
  const outlasting = await call("late", { what: "outlast" });
  assert.equal(waited.payload["stream"], first);
  assert.equal(outlasting.error, undefined, JSON.stringify(outlasting.payload));
  assert.equal(outlasting.payload["stream"], first);
  const { error, id, payload } = await slow;
  assert.equal(error, "Unhandled");
  assert.equal(
    payload["errorMessage"],
    `RequestId: ${id} Error: Task timed out after 7.00 seconds`,
  );
  assert.notEqual((await call("late", {})).payload["stream"], first);
});

test("a handler that never yields takes the time of all beside it, and then its environment is gone", async () => {
  const code = `${barrier}export const handler = async ({ block }) => {
    if (block === undefined) return { stream };
    await meet(3);
    while (block);
    await new Promise((resolve) => setTimeout(resolve, 10));
    return { stream };
  };`;
  await deploy(lambda, "blocked", { "index.mjs": code }, { ...capacity(10), Timeout: 3 });
  const { stream } = (await call("blocked", {})).payload;
  const events = [{ block: false }, { block: true }, { block: false }];
  for (const { error, id, payload } of await Promise.all(events.map((e) => call("blocked", e)))) {
    assert.equal(error, "Unhandled");
    const message = `RequestId: ${id} Error: Task timed out after 3.00 seconds`;
    assert.equal(payload["errorMessage"], message);
  }
  assert.notEqual((await call("blocked", {})).payload["stream"], stream);
});

test("a process that ends is told to each one that ran in it, by its own id", async () => {
  const code = `${barrier}export const handler = async ({ end }) => {
    if (!end) return { stream };
    await meet(3);
    process.exit(7);
  };`;
  await deploy(lambda, "ends", { "index.mjs": code }, capacity(10));
  const { stream } = (await call("ends", {})).payload;
  for (const { error, id, payload } of await many("ends", 3, { end: true })) {
    assert.equal(error, "Unhandled");
    const message = `RequestId: ${id} Error: Runtime exited with error: exit status 7`;
    assert.equal(payload["errorMessage"], message);
  }
  assert.notEqual((await call("ends", {})).payload["stream"], stream);
});

test("a stream and a log tail have an environment for themselves", async () => {
  const code = `${barrier}export const handler = async ({ hold }) => {
    if (hold) { console.log("held"); await meet(2); }
    return { stream };
  };`;
  await deploy(lambda, "alone", { "index.mjs": code }, capacity(10));
  const held = call("alone", { hold: true });
  const FunctionName = "alone";
  const tailed = await lambda.send(
    new InvokeCommand({ FunctionName, Payload: "{}", LogType: "Tail" }),
  );
  const streamed = await lambda.send(
    new InvokeWithResponseStreamCommand({ FunctionName, Payload: "{}" }),
  );
  let streamedText = "";
  for await (const event of streamed.EventStream ?? [])
    streamedText += text(event.PayloadChunk?.Payload);
  const released = await call("alone", { hold: true });
  const { payload } = await held;
  assert.equal(released.payload["stream"], payload["stream"]);
  const others = [text(tailed.Payload), streamedText].map(
    (one) => (JSON.parse(one) as Record<string, unknown>)["stream"], // the function's own answer
  );
  for (const other of others) assert.notEqual(other, payload["stream"]);
  const tail = Buffer.from(tailed.LogResult ?? "", "base64").toString();
  assert.doesNotMatch(tail, /held/);
  assert.match(tail, /platform\.report/);
});

test("another number is another revision: it holds from the next call on", async () => {
  const code = `${barrier}export const handler = async ({ count }) => {
    await meet(count);
    return { stream, most: process.env.AWS_LAMBDA_MAX_CONCURRENCY };
  };`;
  await deploy(lambda, "changed", { "index.mjs": code }, capacity(1));
  const one = await call("changed", { count: 1 });
  assert.equal(one.payload["most"], "1");
  const { CapacityProviderConfig } = capacity(4);
  await lambda.send(
    new UpdateFunctionConfigurationCommand({ FunctionName: "changed", CapacityProviderConfig }),
  );
  await waitUntilFunctionUpdatedV2(
    { client: lambda, maxWaitTime: 30, minDelay: 0.1 },
    { FunctionName: "changed" },
  );
  const answers = await many("changed", 4, { count: 4 });
  assert.equal(new Set(answers.map(({ payload }) => payload["stream"])).size, 1);
  assert.equal(answers[0]?.payload["most"], "4");
  assert.notEqual(answers[0]?.payload["stream"], one.payload["stream"]);
  const shown = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: "changed" }));
  assert.deepEqual(shown.CapacityProviderConfig, CapacityProviderConfig);
});

test("calls back to the platform continue the trace of the invocation that makes them", async () => {
  const code = `import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
  ${barrier}const client = new LambdaClient({});
  const rootOf = (header) => /Root=([^;]+)/.exec(header)?.[1];
  export const handler = async ({ inner }) => {
    const mine = rootOf(awslambda.InvokeStore.getXRayTraceId());
    if (inner) return { root: mine };
    await meet(3);
    const answer = await client.send(new InvokeCommand({ FunctionName: "traced", Payload: '{"inner":true}' }));
    return { mine, theirs: JSON.parse(Buffer.from(answer.Payload).toString()).root };
  };`;
  await deploy(lambda, "traced", { "index.mjs": code }, capacity(10));
  const answers = await many("traced", 3, {});
  for (const { payload } of answers) assert.equal(payload["theirs"], payload["mine"]);
  assert.equal(new Set(answers.map(({ payload }) => payload["mine"])).size, 3);
});

test("Python: calls overlap in one environment, in processes of their own", async (t) => {
  const code = `
import os, time
calls = 0
def handler(event, context):
    global calls
    calls += 1
    open(f"/tmp/{context.aws_request_id}", "w").close()
    while len(os.listdir("/tmp")) < 4:
        time.sleep(0.005)
    return {"stream": context.log_stream_name, "calls": calls, "id": context.aws_request_id}
`;
  const settings = { ...capacity(4), Runtime: "python3.13" as const };
  try {
    await deploy(lambda, "python", { "index.py": code }, settings);
  } catch (error) {
    if (!(error instanceof Error && error.message.includes("is not available"))) throw error;
    return t.skip(error.message);
  }
  const answers = await many("python", 4, {});
  for (const { error, id, payload } of answers) {
    assert.equal(error, undefined, JSON.stringify(payload));
    assert.deepEqual([payload["id"], payload["calls"]], [id, 1]);
  }
  assert.equal(new Set(answers.map(({ payload }) => payload["stream"])).size, 1);
});
