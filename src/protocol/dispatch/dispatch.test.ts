import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CreateLogGroup$,
  ResourceAlreadyExistsException,
  DescribeLogGroups$,
} from "@aws-sdk/client-cloudwatch-logs";
import type * as Logs from "@aws-sdk/client-cloudwatch-logs";
import { GetAccountSettings$, GetFunction$ } from "@aws-sdk/client-lambda";
import type * as Lambda from "@aws-sdk/client-lambda";
import { GetCallerIdentity$ } from "@aws-sdk/client-sts";
import type * as Sts from "@aws-sdk/client-sts";
import { createVirtualClock } from "#base/clock.ts";
import type { RequestContext } from "#base/context.ts";
import { createSeededRandom } from "#base/random.ts";
import { createAuthenticator } from "#protocol/auth/auth.ts";
import type { AuthenticationMode, Authorizer } from "#protocol/auth/auth.ts";
import { pieces, readAll } from "#protocol/auth/testing/sign.ts";
import type { ServiceLoader } from "#protocol/protocol.ts";
import { defineService } from "#protocol/service/service.ts";
import { createTelemetry } from "#telemetry/telemetry.ts";
import { createDispatcher } from "./dispatch.ts";

const accountId = "000000000000";

function setUp(options: { mode?: AuthenticationMode; authorizer?: Authorizer } = {}) {
  const clock = createVirtualClock(Date.parse("2026-03-01T12:00:00Z"));
  const lines: string[] = [];
  const telemetry = createTelemetry({
    clock,
    random: createSeededRandom(7),
    logLevel: "info",
    write: (line) => void lines.push(line),
    otlpEndpoint: undefined,
  });
  const seen: RequestContext[] = [];
  const loads: string[] = [];
  const loader = (
    fields: Omit<ServiceLoader, "load">,
    load: ServiceLoader["load"],
  ): ServiceLoader => ({
    ...fields,
    load: () => {
      loads.push(fields.name);
      return load();
    },
  });
  const loaders = [
    loader({ name: "sts", signingName: "sts", endpointPrefix: "sts" }, async () =>
      defineService<typeof Sts>(
        {
          sdkId: "STS",
          signingName: "sts",
          endpointPrefix: "sts",
          protocols: ["awsQuery"],
          apiVersion: "2011-06-15",
          xmlNamespace: "https://sts.amazonaws.com/doc/2011-06-15/",
        },
        {
          GetCallerIdentity: [
            GetCallerIdentity$,
            async (_, context) => {
              seen.push(context);
              return {
                Account: context.principal.accountId,
                Arn: context.principal.arn,
                UserId: "x",
              };
            },
          ],
        },
      ),
    ),
    loader(
      {
        name: "cloudwatch-logs",
        signingName: "logs",
        endpointPrefix: "logs",
        targetPrefix: "Logs_20140328",
      },
      async () =>
        defineService<typeof Logs>(
          {
            sdkId: "CloudWatch Logs",
            signingName: "logs",
            endpointPrefix: "logs",
            protocols: ["awsJson1_1"],
            targetPrefix: "Logs_20140328",
            apiVersion: "2014-03-28",
          },
          {
            CreateLogGroup: [
              CreateLogGroup$,
              async ({ logGroupName }) => {
                if (logGroupName === "bug") throw new TypeError("secret detail");
                throw new ResourceAlreadyExistsException({ message: "is there", $metadata: {} });
              },
            ],
            DescribeLogGroups: [DescribeLogGroups$, async () => ({ logGroups: [] })],
          },
        ),
    ),
    loader({ name: "lambda", signingName: "lambda", endpointPrefix: "lambda" }, async () =>
      defineService<typeof Lambda>(
        {
          sdkId: "Lambda",
          signingName: "lambda",
          endpointPrefix: "lambda",
          protocols: ["restJson1"],
          apiVersion: "2015-03-31",
        },
        {
          GetAccountSettings: [
            GetAccountSettings$,
            async (_, context) => {
              seen.push(context);
              return { AccountLimit: { ConcurrentExecutions: 1000 } };
            },
          ],
          GetFunction: [GetFunction$, async () => ({})],
        },
      ),
    ),
  ];
  const dispatcher = createDispatcher({
    loaders,
    authenticator: createAuthenticator({
      mode: options.mode ?? "open",
      keys: { find: async () => undefined },
      clock,
      defaultAccountId: accountId,
    }),
    ...(options.authorizer && { authorizer: options.authorizer }),
    clock,
    telemetry,
    defaultRegion: "us-east-1",
  });
  const send = async (request: {
    readonly method?: string;
    readonly path?: string;
    readonly rawQuery?: string;
    readonly headers?: Record<string, string>;
    readonly body?: string;
    readonly fromGuest?: boolean;
  }) => {
    const body = Buffer.from(request.body ?? "");
    const response = await dispatcher.dispatch({
      request: {
        method: request.method ?? "POST",
        path: request.path ?? "/",
        rawQuery: request.rawQuery ?? "",
        headers: { host: "localhost:4566", ...request.headers },
        body: pieces(body, 1_000),
      },
      requestId: "6f1de2c0-0000-4000-8000-000000000001",
      endpoint: "http://localhost:4566",
      trace: telemetry.tracer.newTrace(),
      caller: new AbortController(),
      fromGuest: request.fromGuest ?? false,
    });
    if (!response) return undefined;
    const text =
      response.body instanceof Uint8Array
        ? Buffer.from(response.body).toString()
        : (await readAll(response.body)).toString();
    return { status: response.status, headers: response.headers, text };
  };
  return { dispatcher, send, seen, loads, lines, telemetry, clock };
}

const form = { "content-type": "application/x-www-form-urlencoded" };
const identityForm = "Action=GetCallerIdentity&Version=2011-06-15";

function signedFor(service: string, accessKeyId = "test", region = "eu-west-1") {
  return {
    authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20260301/${region}/${service}/aws4_request, SignedHeaders=host, Signature=00`,
  };
}

test("the service is found by scope, target, host, Query version or REST path, and loaded once", async () => {
  const { send, loads } = setUp();
  const json = { "content-type": "application/x-amz-json-1.1" };
  const logs = { ...json, "x-amz-target": "Logs_20140328.DescribeLogGroups" };
  const ways = [
    { headers: { ...form, ...signedFor("sts") }, body: identityForm },
    { headers: form, body: identityForm },
    { method: "GET", rawQuery: identityForm },
    { headers: { ...form, host: "sts.us-west-2.amazonaws.com" }, body: identityForm },
    { headers: { ...form, host: "sts.localhost:4566" }, body: identityForm },
    {
      headers: { ...form, host: "sts.us-east-1.localhost.localstack.cloud:4566" },
      body: identityForm,
    },
    {
      rawQuery: `${identityForm}&X-Amz-Credential=test%2F20260301%2Fus-east-1%2Fsts%2Faws4_request`,
      method: "GET",
    },
    { headers: logs, body: "{}" },
    { method: "GET", path: "/2016-08-19/account-settings" },
    { method: "GET", path: "/2016-08-19/account-settings", headers: signedFor("lambda") },
  ];
  for (const way of ways) {
    const answer = await send(way);
    assert.equal(answer?.status, 200, JSON.stringify([way, answer]));
  }
  assert.deepEqual(
    loads.toSorted((a, b) => (a < b ? -1 : 1)),
    ["cloudwatch-logs", "lambda", "sts"],
  );
});

test("what names no service is not ours", async () => {
  const { send } = setUp();
  assert.equal(await send({ method: "GET" }), undefined);
  assert.equal(await send({ method: "GET", headers: { host: "shop.localhost:4566" } }), undefined);
  assert.equal(await send({ headers: form, body: "name=x" }), undefined);
});

test("account and region come from the credentials, the host or the defaults", async () => {
  const { send, seen } = setUp();
  const get = { method: "GET", path: "/2016-08-19/account-settings" };
  await send({ ...get, headers: signedFor("lambda", "222233334444", "ap-south-1") });
  await send({ ...get, headers: { host: "lambda.us-west-2.amazonaws.com" } });
  await send(get);
  assert.deepEqual(
    seen.map((context) => [context.principal.accountId, context.region]),
    [
      ["222233334444", "ap-south-1"],
      [accountId, "us-west-2"],
      [accountId, "us-east-1"],
    ],
  );
});

test("a service we lack answers in its client's protocol and names itself", async () => {
  const { send } = setUp();
  const json = await send({
    headers: {
      "x-amz-target": "DynamoDB_20120810.ListTables",
      "content-type": "application/x-amz-json-1.0",
      ...signedFor("dynamodb"),
    },
    body: "{}",
  });
  assert.equal(json?.status, 501);
  assert.match(json?.text ?? "", /NotImplemented.*'dynamodb' is not implemented/);
  const query = await send({
    headers: { ...form, ...signedFor("sns") },
    body: "Action=ListTopics&Version=2010-03-31",
  });
  assert.match(query?.text ?? "", /<Code>NotImplemented<\/Code>/);
  const s3 = await send({ method: "GET", headers: signedFor("s3") });
  assert.match(s3?.text ?? "", /^<\?xml[\s\S]*<Code>NotImplemented<\/Code>/);
});

test("an operation unknown or missing is answered in the protocol's words", async () => {
  const { send } = setUp();
  const query = await send({
    headers: { ...form, ...signedFor("sts") },
    body: "Action=Nope&Version=2011-06-15",
  });
  assert.equal(query?.status, 400);
  assert.match(
    query?.text ?? "",
    /InvalidAction[\s\S]*Could not find operation Nope for version 2011-06-15/,
  );
  const rest = await send({
    method: "GET",
    path: "/2015-03-31/nothing",
    headers: signedFor("lambda"),
  });
  assert.equal(rest?.status, 404);
});

test("modelled errors pass; bugs become InternalFailure, are logged, and keep their details", async () => {
  const { send, lines } = setUp();
  const headers = {
    "x-amz-target": "Logs_20140328.CreateLogGroup",
    "content-type": "application/x-amz-json-1.1",
    ...signedFor("logs"),
  };
  const modelled = await send({ headers, body: '{"logGroupName":"a"}' });
  assert.equal(modelled?.status, 400);
  assert.match(modelled?.text ?? "", /ResourceAlreadyExistsException.*is there/);
  const bug = await send({ headers, body: '{"logGroupName":"bug"}' });
  assert.equal(bug?.status, 500);
  assert.match(bug?.text ?? "", /InternalFailure/);
  assert.doesNotMatch(bug?.text ?? "", /secret detail/);
  assert.equal(lines.length, 2);
  assert.match(lines[1] ?? "", /"level":"error".*"event":"aws.request".*secret detail/);
  const missing = await send({ headers, body: "{}" });
  assert.equal(missing?.status, 400);
  const malformed = await send({ headers, body: "{" });
  assert.match(malformed?.text ?? "", /SerializationException/);
});

test("strict mode and requests out of a sandbox must be signed", async () => {
  const strict = setUp({ mode: "strict" });
  const denied = await strict.send({
    headers: { ...form, host: "sts.localhost" },
    body: identityForm,
  });
  assert.equal(denied?.status, 403);
  assert.match(denied?.text ?? "", /MissingAuthenticationToken/);
  const open = setUp();
  const guest = await open.send({
    method: "GET",
    path: "/2016-08-19/account-settings",
    fromGuest: true,
  });
  assert.equal(guest?.status, 403);
  assert.equal(
    guest?.headers["x-amzn-errortype"]?.split(":")[0],
    "MissingAuthenticationTokenException",
  );
});

test("the authorizer is asked and its reason told", async () => {
  const asked: object[] = [];
  const { send } = setUp({
    authorizer: {
      authorize: async (question) => {
        asked.push(question);
        return { allowed: false, reason: "because no identity-based policy allows it" };
      },
    },
  });
  const answer = await send({ headers: { ...form, ...signedFor("sts") }, body: identityForm });
  assert.equal(answer?.status, 403);
  assert.match(
    answer?.text ?? "",
    /AccessDenied[\s\S]*is not authorized to perform: sts:GetCallerIdentity because/,
  );
  assert.deepEqual(asked, [{ action: "sts:GetCallerIdentity", resource: "*" }]);
});

test("each request leaves one log event, one span, and no timer", async () => {
  const { send, lines, telemetry, clock } = setUp();
  await send({ headers: { ...form, ...signedFor("sts") }, body: identityForm });
  assert.equal(lines.length, 1);
  const event: Record<string, unknown> = JSON.parse(lines[0] ?? "{}");
  assert.deepEqual(
    [event["event"], event["service"], event["operation"], event["status"], event["accountId"]],
    ["aws.request", "sts", "GetCallerIdentity", 200, accountId],
  );
  const spans = telemetry.tracer.find(String(event["traceId"]));
  assert.deepEqual(
    spans.map((span) => span.name),
    ["aws.sts.GetCallerIdentity"],
  );
  assert.ok(Number(spans[0]?.attributes["handleMs"]) >= 0);
  assert.equal(clock.pendingCount, 0);
});

test("calls from inside are validated, authorised and traced, and throw what the operation throws", async () => {
  const { dispatcher, seen, telemetry } = setUp();
  const trace = telemetry.tracer.newTrace();
  const context: RequestContext = {
    requestId: "6f1de2c0-0000-4000-8000-000000000002",
    principal: { arn: `arn:aws:iam::${accountId}:root`, accountId },
    region: "us-east-1",
    deadlineMs: 0,
    signal: new AbortController().signal,
    trace,
    endpoint: "http://localhost",
    log: telemetry.log,
  };
  const output = await dispatcher.call("sts", "GetCallerIdentity", {}, context);
  assert.equal("Account" in output && output.Account, accountId);
  assert.equal(seen[0]?.trace.traceId, trace.traceId);
  await assert.rejects(
    dispatcher.call("cloudwatch-logs", "CreateLogGroup", { logGroupName: "a" }, context),
    ResourceAlreadyExistsException,
  );
  await assert.rejects(dispatcher.call("lambda", "GetFunction", {}, context), {
    name: "ValidationError",
  });
  await assert.rejects(dispatcher.call("lambda", "Nope", {}, context), { code: "target.unknown" });
  await assert.rejects(dispatcher.call("sqs", "SendMessage", {}, context), {
    code: "target.unknown",
    message: /sqs SendMessage/,
  });
  assert.equal(telemetry.tracer.find(trace.traceId).length, 3);
});
