import assert from "node:assert/strict";
import { test } from "node:test";
import * as lambda from "@aws-sdk/client-lambda";
import { defineService } from "#protocol/service/service.ts";
import { clientConfig, startTestServer } from "./test-server.ts";

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString("utf8");

test("restJson1: Lambda's functions, payloads, header members and errors pass through its client", async () => {
  const service = defineService<typeof lambda>(
    {
      sdkId: "Lambda",
      signingName: "lambda",
      endpointPrefix: "lambda",
      protocols: ["restJson1"],
      apiVersion: "2015-03-31",
      model: () => import("@aws-sdk/client-lambda"),
    },
    {
      Invoke: [
        lambda.Invoke$,
        async (input) => ({
          StatusCode: input.InvocationType === "Event" ? 202 : 200,
          FunctionError: "Unhandled",
          ExecutedVersion: input.Qualifier,
          Payload: Buffer.from(`${input.FunctionName}:${text(input.Payload)}`),
        }),
        { payloadContentType: "application/json" },
      ],
      CreateFunction: [
        lambda.CreateFunction$,
        async (input) => ({
          FunctionName: input.FunctionName,
          CodeSize: input.Code.ZipFile?.byteLength ?? 0,
          Environment: { Variables: input.Environment?.Variables },
          MemorySize: input.MemorySize,
        }),
      ],
      GetFunction: [
        lambda.GetFunction$,
        async (input) => {
          if (input.FunctionName === "busy") {
            throw new lambda.TooManyRequestsException({
              message: "Rate Exceeded.",
              Reason: "CallerRateLimitExceeded",
              retryAfterSeconds: "7",
              $metadata: {},
            });
          }
          throw new lambda.ResourceNotFoundException({
            message: "",
            Message: `Function not found: ${input.FunctionName}`,
            Type: "User",
            $metadata: {},
          });
        },
      ],
      ListFunctions: [
        lambda.ListFunctions$,
        async (input) => ({ Functions: [], NextMarker: `${input.MaxItems}|${input.Marker}` }),
      ],
      DeleteFunction: [lambda.DeleteFunction$, async () => ({ StatusCode: 204 })],
      UntagResource: [
        lambda.UntagResource$,
        async (input) => {
          assert.deepEqual(input.TagKeys, ["a", "b,c"]);
          return {};
        },
      ],
    },
  );
  await using server = await startTestServer(service);
  const client = new lambda.LambdaClient(clientConfig(server.endpoint));

  const invoked = await client.send(
    new lambda.InvokeCommand({
      FunctionName: "arn:aws:lambda:us-east-1:123456789012:function:echo",
      Qualifier: "live",
      InvocationType: "Event",
      Payload: '{"a":"ü"}',
    }),
  );
  assert.equal(invoked.StatusCode, 202);
  assert.equal(invoked.FunctionError, "Unhandled");
  assert.equal(invoked.ExecutedVersion, "live");
  assert.equal(
    text(invoked.Payload),
    'arn:aws:lambda:us-east-1:123456789012:function:echo:{"a":"ü"}',
  );

  const raw = await fetch(`${server.endpoint}/2015-03-31/functions/f/invocations`, {
    method: "POST",
    body: "1",
  });
  assert.equal(raw.headers.get("content-type"), "application/json");
  assert.equal(raw.headers.get("x-amz-function-error"), "Unhandled");
  assert.equal(await raw.text(), "f:1");

  const created = await client.send(
    new lambda.CreateFunctionCommand({
      FunctionName: "f",
      Role: "arn:aws:iam::123456789012:role/r",
      Code: { ZipFile: new Uint8Array(1000).fill(7) },
      Environment: { Variables: { constructor: "x", ["__proto__"]: "y" } },
      MemorySize: 256,
    }),
  );
  assert.equal(created.CodeSize, 1000);
  assert.equal(created.MemorySize, 256);
  assert.deepEqual(Object.entries(created.Environment?.Variables ?? {}), [
    ["constructor", "x"],
    ["__proto__", "y"],
  ]);

  await assert.rejects(
    client.send(new lambda.GetFunctionCommand({ FunctionName: "none" })),
    (error: unknown) => {
      assert(error instanceof lambda.ResourceNotFoundException);
      assert.equal(error.message, "Function not found: none");
      assert.equal(error.Type, "User");
      assert.equal(error.$metadata.httpStatusCode, 404);
      assert.match(error.$metadata.requestId ?? "", /^[0-9a-f-]{36}$/);
      return true;
    },
  );
  await assert.rejects(
    client.send(new lambda.GetFunctionCommand({ FunctionName: "busy" })),
    (error: unknown) => {
      assert(error instanceof lambda.TooManyRequestsException);
      assert.equal(error.retryAfterSeconds, "7");
      assert.equal(error.Reason, "CallerRateLimitExceeded");
      assert.equal(error.$metadata.httpStatusCode, 429);
      return true;
    },
  );
  const gone = await client.send(new lambda.DeleteFunctionCommand({ FunctionName: "f" }));
  assert.equal(gone.StatusCode, 204);
  const bare = await fetch(`${server.endpoint}/2015-03-31/functions/f`, { method: "DELETE" });
  assert.equal(bare.headers.get("content-type"), null);
  const list = await client.send(new lambda.ListFunctionsCommand({ MaxItems: 3, Marker: "m/ü" }));
  assert.equal(list.NextMarker, "3|m/ü");
  await client.send(
    new lambda.UntagResourceCommand({
      Resource: "arn:aws:lambda:us-east-1:123456789012:function:f",
      TagKeys: ["a", "b,c"],
    }),
  );

  await assert.rejects(client.send(new lambda.ListLayersCommand({})), (error: unknown) => {
    assert(error instanceof lambda.LambdaServiceException);
    assert.equal(error.name, "NotImplementedException");
    assert.equal(error.message, "Lambda ListLayers is not implemented by this server");
    assert.equal(error.$metadata.httpStatusCode, 501);
    return true;
  });
  const unknown = await fetch(`${server.endpoint}/2015-03-31/nothing`);
  assert.equal(unknown.status, 404);
  assert.equal(unknown.headers.get("x-amzn-errortype"), "UnknownOperationException");
});

test("restJson1: an event stream reaches the client frame by frame, and its failure as an exception", async () => {
  async function* events(
    fails: boolean,
  ): AsyncGenerator<lambda.InvokeWithResponseStreamResponseEvent> {
    yield { PayloadChunk: { Payload: Buffer.from("one ") } };
    yield { PayloadChunk: { Payload: Buffer.from("two") } };
    if (fails) throw new TypeError("secret detail");
    yield { InvokeComplete: { ErrorCode: "Unhandled", LogResult: "bG9n" } };
  }
  const service = defineService<typeof lambda>(
    {
      sdkId: "Lambda",
      signingName: "lambda",
      endpointPrefix: "lambda",
      protocols: ["restJson1"],
      apiVersion: "2015-03-31",
    },
    {
      InvokeWithResponseStream: [
        lambda.InvokeWithResponseStream$,
        async (input) => ({
          StatusCode: 200,
          ExecutedVersion: "$LATEST",
          EventStream: events(input.FunctionName === "fails"),
        }),
      ],
    },
  );
  await using server = await startTestServer(service);
  const client = new lambda.LambdaClient(clientConfig(server.endpoint));
  const run = async (name: string): Promise<string> => {
    const command = new lambda.InvokeWithResponseStreamCommand({ FunctionName: name });
    const output = await client.send(command);
    assert.equal(output.ExecutedVersion, "$LATEST");
    let seen = "";
    for await (const event of output.EventStream ?? []) {
      if (event.PayloadChunk) seen += text(event.PayloadChunk.Payload);
      if (event.InvokeComplete)
        seen += `|${event.InvokeComplete.ErrorCode}|${event.InvokeComplete.LogResult}`;
    }
    return seen;
  };
  assert.equal(await run("f"), "one two|Unhandled|bG9n");
  await assert.rejects(run("fails"), (error: unknown) => {
    assert(error instanceof Error);
    assert.match(error.message, /unknown error/);
    assert.doesNotMatch(error.message, /secret/);
    return true;
  });
});
