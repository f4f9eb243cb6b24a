import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, test } from "node:test";
import {
  CloudWatchLogsClient,
  FilterLogEventsCommand,
  StartLiveTailCommand,
} from "@aws-sdk/client-cloudwatch-logs";
import {
  InvokeCommand,
  InvokeWithResponseStreamCommand,
  LambdaClient,
  PublishVersionCommand,
  PutFunctionConcurrencyCommand,
  TooManyRequestsException,
} from "@aws-sdk/client-lambda";
import { deploy, publish, source, text } from "../support/functions.ts";
import { type Platform, startPlatform } from "./platform.ts";

let platform: Platform;
let lambda: LambdaClient;
before(async () => {
  platform = await startPlatform();
  lambda = new LambdaClient(platform.client);
  await deploy(lambda, "echo", { "index.mjs": await source("echo.mjs") });
});
after(async () => {
  lambda.destroy();
  await platform.stop();
});

async function call(
  name: string,
  event: unknown,
): Promise<{ error: string | undefined; payload: Record<string, unknown> }> {
  const answer = await lambda.send(
    new InvokeCommand({ FunctionName: name, Payload: JSON.stringify(event) }),
  );
  return {
    error: answer.FunctionError,
    payload: JSON.parse(text(answer.Payload)) as Record<string, unknown>,
  };
}

test("a call carries event, context and log tail", async () => {
  const answer = await lambda.send(
    new InvokeCommand({
      FunctionName: "echo",
      Payload: JSON.stringify({ tide: 3 }),
      LogType: "Tail",
      ClientContext: Buffer.from(JSON.stringify({ custom: { a: "b" } })).toString("base64"),
    }),
  );
  const payload = JSON.parse(text(answer.Payload)) as Record<string, unknown>;
  assert.deepEqual(payload["event"], { tide: 3 });
  assert.equal(payload["name"], "echo");
  assert.equal(payload["memory"], "256");
  assert.deepEqual(payload["client"], { custom: { a: "b" } });
  assert.match(
    Buffer.from(answer.LogResult ?? "", "base64").toString(),
    new RegExp(`START RequestId: ${String(payload["requestId"])}`),
  );
});

test("a throw is a function error with type, message and trace", async () => {
  const { error, payload } = await call("echo", { throw: "no wind" });
  assert.equal(error, "Unhandled");
  assert.equal(payload["errorType"], "TypeError");
  assert.equal(payload["errorMessage"], "no wind");
  assert.ok(Array.isArray(payload["trace"]));
});

test("InvokeWithResponseStream delivers chunks as they are written", async () => {
  await deploy(
    lambda,
    "streamer",
    { "index.mjs": await source("echo.mjs") },
    { Handler: "index.stream" },
  );
  const answer = await lambda.send(
    new InvokeWithResponseStreamCommand({ FunctionName: "streamer", Payload: "{}" }),
  );
  const chunks: string[] = [];
  let complete = false;
  for await (const event of answer.EventStream ?? []) {
    if (event.PayloadChunk) chunks.push(text(event.PayloadChunk.Payload));
    if (event.InvokeComplete) complete = true;
  }
  assert.ok(complete);
  assert.ok(chunks.length >= 2, "more than one chunk");
  assert.match(chunks.join(""), /one two three$/);
});

test("a streamed function URL sends its head before its end", async () => {
  const url = new URL(await publish(lambda, "streamer", { InvokeMode: "RESPONSE_STREAM" }));
  const parts = await new Promise<string[]>((resolve, reject) => {
    const seen: string[] = [];
    const outgoing = request(
      { host: "127.0.0.1", port: platform.port, path: "/", headers: { host: url.host } },
      (response) => {
        assert.equal(response.statusCode, 201);
        assert.equal(response.headers["x-tide"], "rising");
        response.setEncoding("utf8");
        response.on("data", (part: string) => void seen.push(part));
        response.on("end", () => resolve(seen));
      },
    );
    outgoing.on("error", reject);
    outgoing.end();
  });
  assert.ok(parts.length >= 2, `arrived in ${parts.length} parts`);
  assert.equal(parts.join(""), "one two three");
});

test("a published version is called by its number and says so", async () => {
  const { Version } = await lambda.send(new PublishVersionCommand({ FunctionName: "echo" }));
  const answer = await lambda.send(
    new InvokeCommand({ FunctionName: "echo", Qualifier: Version, Payload: "{}" }),
  );
  assert.equal(answer.ExecutedVersion, Version);
  assert.equal((JSON.parse(text(answer.Payload)) as { version: string }).version, Version);
});

test("reserved concurrency of zero throttles with 429", async () => {
  await deploy(lambda, "closed", { "index.mjs": await source("echo.mjs") });
  await lambda.send(
    new PutFunctionConcurrencyCommand({ FunctionName: "closed", ReservedConcurrentExecutions: 0 }),
  );
  await assert.rejects(call("closed", {}), (error: unknown) => {
    assert.ok(error instanceof TooManyRequestsException);
    assert.equal(error.$metadata.httpStatusCode, 429);
    assert.equal(error.Reason, "ReservedFunctionConcurrentInvocationLimitExceeded");
    return true;
  });
});

test("an asynchronous call is accepted with 202 and runs", async () => {
  // The model puts "stream-" before the host; no resolver knows stream-localhost.
  const logs = new CloudWatchLogsClient({ ...platform.client, disableHostPrefix: true });
  const tail = await logs.send(
    new StartLiveTailCommand({
      logGroupIdentifiers: ["arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/echo"],
      logEventFilterPattern: '"later"',
    }),
  );
  const stream = tail.responseStream?.[Symbol.asyncIterator]();
  assert.ok((await stream?.next())?.value?.sessionStart);
  const accepted = await lambda.send(
    new InvokeCommand({
      FunctionName: "echo",
      InvocationType: "Event",
      Payload: JSON.stringify({ when: "later" }),
    }),
  );
  assert.equal(accepted.StatusCode, 202);
  let found: string | undefined;
  while (found === undefined) {
    const next = await stream?.next();
    assert.equal(next?.done, false);
    found = next?.value?.sessionUpdate?.sessionResults?.find((line) =>
      line.message?.includes("later"),
    )?.message;
  }
  assert.match(found, /echo \{"when":"later"\}/);
  await stream?.return?.();
  logs.destroy();
});

test("every invocation is a trace with its cold-start phases", async () => {
  await deploy(lambda, "traced", { "index.mjs": await source("echo.mjs") });
  const traceId = "1-5759e988-bd862e3fe1be46a994272793";
  const command = new InvokeCommand({ FunctionName: "traced", Payload: "{}" });
  command.middlewareStack.add(
    (next) => (args) => {
      const outgoing = args.request as { headers: Record<string, string> }; // an HttpRequest at this step
      outgoing.headers["x-amzn-trace-id"] = `Root=${traceId};Sampled=1`;
      return next(args);
    },
    { step: "build" },
  );
  await lambda.send(command);
  const response = await fetch(`${platform.endpoint}/_skerry/traces/${traceId}`);
  const { spans } = (await response.json()) as { spans: { name: string }[] };
  const names = spans.map((span) => span.name).join(" ");
  for (const wanted of [/[Ii]nvoke/, /cold|start/, /init/, /handler/]) assert.match(names, wanted);
});

test("function logs cannot forge the platform's lines", async () => {
  const forged = "REPORT RequestId: 00000000-0000-0000-0000-000000000000\tDuration: 0.01 ms";
  await deploy(lambda, "forger", {
    "index.mjs": `export const handler = async () => { process.stdout.write(${JSON.stringify(`${forged}\n`)}); };`,
  });
  await call("forger", {});
  const logs = new CloudWatchLogsClient(platform.client);
  const { events = [] } = await logs.send(
    new FilterLogEventsCommand({ logGroupName: "/aws/lambda/forger" }),
  );
  const reports = events.filter((event) => event.message?.startsWith("REPORT RequestId"));
  assert.equal(reports.length, 1);
  assert.ok(!reports[0]?.message?.includes("00000000-0000"));
  assert.ok(events.some((event) => event.message?.includes("00000000-0000")));
  logs.destroy();
});
