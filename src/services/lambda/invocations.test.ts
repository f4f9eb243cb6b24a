import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CreateFunctionCommand,
  InvokeAsyncCommand,
  InvokeCommand,
  InvokeWithResponseStreamCommand,
  type LambdaClient,
  PutFunctionRecursionConfigCommand,
} from "@aws-sdk/client-lambda";
import { PlatformError } from "#base/errors.ts";
import {
  type InvocationResult,
  RecursionError,
  ThrottledError,
} from "#functions/invoker/invoker.ts";
import { role, startLambdaServer, zipOf } from "./testing/server.ts";

const zip = await zipOf({ "index.mjs": "export const handler = async () => 1;" });

async function create(client: LambdaClient): Promise<void> {
  await client.send(
    new CreateFunctionCommand({
      FunctionName: "f",
      Runtime: "nodejs24.x",
      Handler: "index.handler",
      Role: role,
      Code: { ZipFile: zip },
    }),
  );
}

function result(fields: Partial<InvocationResult>): InvocationResult {
  return {
    payload: Buffer.from("null"),
    contentType: undefined,
    outcome: Promise.resolve({ kind: "ok", durationMs: 1 }),
    logTail: undefined,
    executedVersion: "$LATEST",
    ...fields,
  };
}

test("a call right after creation waits for the function instead of failing", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  await create(client);
  const answer = await client.send(
    new InvokeCommand({ FunctionName: "f", Payload: JSON.stringify({ a: 1 }), LogType: "Tail" }),
  );
  assert.equal(answer.StatusCode, 200);
  assert.equal(answer.ExecutedVersion, "$LATEST");
  assert.equal(answer.FunctionError, undefined);
  assert.deepEqual(JSON.parse(Buffer.from(answer.Payload ?? []).toString()), { a: 1 });
  assert.equal(Buffer.from(answer.LogResult ?? "", "base64").toString(), "END\n");
  assert.equal(server.invocations[0]?.tailLog, true);
  assert.equal(server.invocations[0]?.target.revision.state.state, "Active");
});

test("events are queued, dry runs are not run", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  await create(client);
  const dry = await client.send(new InvokeCommand({ FunctionName: "f", InvocationType: "DryRun" }));
  assert.equal(dry.StatusCode, 204);
  assert.equal(server.invocations.length, 0);
  const event = await client.send(
    new InvokeCommand({ FunctionName: "f", InvocationType: "Event" }),
  );
  assert.equal(event.StatusCode, 202);
  const old = await client.send(
    new InvokeAsyncCommand({ FunctionName: "f", InvokeArgs: Buffer.from("{}") }),
  );
  assert.equal(old.Status, 202);
  assert.equal(server.invocations.length, 2);
  const events = server.invocations.map(({ payload }) => Buffer.from(payload).toString());
  assert.deepEqual(events, ["{}", "{}"]); // no payload is an empty object to the function
});

test("payloads that are not JSON or too large are refused before the function is looked up", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  const send = (payload: Buffer, type: "Event" | "RequestResponse" = "RequestResponse") =>
    client.send(
      new InvokeCommand({ FunctionName: "none", Payload: payload, InvocationType: type }),
    );
  await assert.rejects(send(Buffer.from("{oops")), {
    name: "InvalidRequestContentException",
    message: /^Could not parse request body into json: /,
  });
  const big = Buffer.alloc(6_291_457, 0x31);
  await assert.rejects(send(big), { message: /must be smaller than 6291456 bytes/ });
  await assert.rejects(send(big.subarray(0, 1_048_577), "Event"), {
    name: "RequestTooLargeException",
    message: /must be smaller than 1048576 bytes/,
  });
  await assert.rejects(send(Buffer.from("{}")), {
    name: "ResourceNotFoundException",
    message: "Function not found: arn:aws:lambda:us-east-1:000000000000:function:none",
  });
});

test("a failing function is an answer with FunctionError", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  await create(client);
  server.answer = async () =>
    result({
      payload: Buffer.from('{"errorType":"Error","errorMessage":"no"}'),
      outcome: Promise.resolve({ kind: "function-error", errorType: "Error", durationMs: 1 }),
    });
  const answer = await client.send(new InvokeCommand({ FunctionName: "f" }));
  assert.equal(answer.StatusCode, 200);
  assert.equal(answer.FunctionError, "Unhandled");
  assert.match(Buffer.from(answer.Payload ?? []).toString(), /"errorMessage":"no"/);
});

test("throttles and stopped chains are the service's exceptions", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  await create(client);
  server.answer = () =>
    Promise.reject(new ThrottledError("ReservedFunctionConcurrentInvocationLimitExceeded"));
  await assert.rejects(client.send(new InvokeCommand({ FunctionName: "f" })), {
    name: "TooManyRequestsException",
    message: "Rate Exceeded.",
    Reason: "ReservedFunctionConcurrentInvocationLimitExceeded",
    retryAfterSeconds: "1",
  });
  server.answer = () => Promise.reject(new PlatformError("line.full", "too many wait"));
  await assert.rejects(client.send(new InvokeCommand({ FunctionName: "f" })), {
    name: "TooManyRequestsException",
    Reason: "ConcurrentInvocationLimitExceeded",
    retryAfterSeconds: "1",
  });
  server.answer = () => Promise.reject(new RecursionError());
  await assert.rejects(client.send(new InvokeCommand({ FunctionName: "f" })), {
    name: "RecursiveInvocationException",
  });
  await client.send(
    new PutFunctionRecursionConfigCommand({ FunctionName: "f", RecursiveLoop: "Allow" }),
  );
});

test("the client context reaches the engine as JSON text, or is refused", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  await create(client);
  const context = Buffer.from('{"custom":{"a":"b"}}').toString("base64");
  await client.send(new InvokeCommand({ FunctionName: "f", ClientContext: context }));
  assert.equal(server.invocations[0]?.clientContext, '{"custom":{"a":"b"}}');
  const send = (text: string) =>
    client.send(new InvokeCommand({ FunctionName: "f", ClientContext: text }));
  await assert.rejects(send("bm9wZQ=="), { name: "InvalidRequestContentException" });
  await assert.rejects(send("x".repeat(3_584)), { message: /at most 3583 bytes/ });
});

test("qualifiers in name and parameter must agree", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  await create(client);
  await assert.rejects(client.send(new InvokeCommand({ FunctionName: "f:1", Qualifier: "2" })), {
    name: "InvalidParameterValueException",
    message: "The derived qualifier from the function name does not match the specified qualifier.",
  });
  await assert.rejects(client.send(new InvokeCommand({ FunctionName: "f:1" })), {
    message: "Function not found: arn:aws:lambda:us-east-1:000000000000:function:f:1",
  });
  await client.send(new InvokeCommand({ FunctionName: "f:$LATEST", Qualifier: "$LATEST" }));
});

test("a streamed answer arrives in chunks and says how it ended", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  await create(client);
  server.answer = async (invocation) => {
    assert.equal(invocation.streaming, true);
    return result({ payload: streamed(["one", "two"]) });
  };
  assert.deepEqual(await streamOf(client), { chunks: "onetwo", complete: {} });

  server.answer = async () =>
    result({
      payload: Buffer.from('{"errorType":"E"}'),
      outcome: Promise.resolve({ kind: "function-error", errorType: "E", durationMs: 1 }),
    });
  const failed = await streamOf(client);
  assert.equal(failed.chunks, "");
  assert.deepEqual(failed.complete, { ErrorCode: "Unhandled", ErrorDetails: '{"errorType":"E"}' });

  server.answer = async () =>
    result({
      payload: breakingOff(["part"]),
      outcome: Promise.resolve({ kind: "timeout", durationMs: 1 }),
    });
  const cut = await streamOf(client);
  assert.equal(cut.chunks, "part");
  assert.match(cut.complete?.ErrorDetails ?? "", /Sandbox\.Timedout/);
});

async function* streamed(parts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

/** As the invoker passes on the stream of a function that fails in its middle. */
async function* breakingOff(parts: readonly string[]): AsyncGenerator<Uint8Array> {
  yield* streamed(parts);
  throw new Error("broke off");
}

async function streamOf(client: LambdaClient): Promise<{
  chunks: string;
  complete: { ErrorCode?: string | undefined; ErrorDetails?: string | undefined } | undefined;
}> {
  const answer = await client.send(new InvokeWithResponseStreamCommand({ FunctionName: "f" }));
  assert.equal(answer.StatusCode, 200);
  assert.equal(answer.ExecutedVersion, "$LATEST");
  let chunks = "";
  let complete;
  for await (const event of answer.EventStream ?? []) {
    if (event.PayloadChunk) chunks += Buffer.from(event.PayloadChunk.Payload ?? []).toString();
    if (event.InvokeComplete) complete = event.InvokeComplete;
  }
  return { chunks, complete };
}
