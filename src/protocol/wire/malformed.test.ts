import assert from "node:assert/strict";
import { test } from "node:test";
import { CreateLogGroup$, PutLogEvents$ } from "@aws-sdk/client-cloudwatch-logs";
import { CreateUser$, ListUsers$ } from "@aws-sdk/client-iam";
import {
  CreateFunction$,
  GetFunction$,
  Invoke$,
  InvokeWithResponseStream$,
  ListFunctions$,
} from "@aws-sdk/client-lambda";
import { CreateBucket$, DeleteObjects$ } from "@aws-sdk/client-s3";
import type { StaticOperationSchema } from "@smithy/types";
import { AssertionFailure } from "#base/assert.ts";
import { PlatformError } from "#base/errors.ts";
import { defineService } from "#protocol/service/service.ts";
import type { Service, ServiceDescription, WireProtocolId } from "#protocol/service/service.ts";
import { toWireError } from "./errors.ts";
import { encodeEventStream, eventStreamMember } from "./event-stream.ts";
import { bodyBytesMax, depthMax, formBytesMax } from "./limits.ts";
import { operationShape } from "./shapes.ts";
import { answer, collect } from "./test-server.ts";
import { wireProtocols } from "./wire.ts";

interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly rawQuery?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** Handlers echo their input as JSON into the log, so that what was decoded can be looked at. */
function serve(
  protocol: WireProtocolId,
  schemas: readonly StaticOperationSchema[],
  more: Partial<ServiceDescription> = {},
): { readonly send: (sent: Sent) => Promise<Answer>; readonly inputs: object[] } {
  const inputs: object[] = [];
  const handler = async (input: object): Promise<object> => {
    inputs.push(input);
    return {};
  };
  const service: Service = defineService<Record<string, never>>(
    {
      sdkId: "Test",
      signingName: "test",
      endpointPrefix: "test",
      protocols: [protocol],
      apiVersion: "2010-05-08",
      targetPrefix: "T",
      ...more,
    },
    Object.fromEntries(
      schemas.map((schema) => [schema[2], [schema, handler, { bodyBytesMax: bodyBytesMax }]]),
    ),
  );
  return {
    inputs,
    async send({ method = "POST", path = "/", rawQuery = "", headers = {}, body = "" }) {
      async function* bytes(): AsyncGenerator<Uint8Array> {
        yield Buffer.from(body);
      }
      const response = await answer(
        { method, path, rawQuery, headers: { host: "localhost", ...headers }, body: bytes() },
        service,
      );
      return { ...response, text: (await collect(response.body)).toString() };
    },
  };
}

test("restJson1: what is not the JSON of the model is a SerializationException, whatever it is", async () => {
  const { send, inputs } = serve("restJson1", [CreateFunction$]);
  const path = "/2015-03-31/functions";
  const nested = `${"[".repeat(depthMax * 100)}${"]".repeat(depthMax * 100)}`;
  const cases: [body: string | Uint8Array, message: RegExp][] = [
    ["{", /not valid JSON/],
    ["[]", /Start of list found where not expected/],
    ['"text"', /Expected null/],
    ['{"FunctionName":5}', /NUMBER_VALUE can not be converted to a String/],
    ['{"FunctionName":true}', /TRUE_VALUE can not be converted to a String/],
    ['{"FunctionName":{}}', /Start of structure or map found where not expected/],
    ['{"Timeout":"3"}', /STRING_VALUE can not be converted to an Integer/],
    ['{"Publish":"true"}', /STRING_VALUE can not be converted to a Boolean/],
    ['{"Layers":"l"}', /Expected list or null/],
    ['{"Environment":5}', /Expected null/],
    ['{"Tags":["a"]}', /Start of list found where not expected/],
    ['{"Code":{"ZipFile":"%%%"}}', /not valid base64/],
    [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), /not valid UTF-8/],
    [`{"Tags":${nested}}`, /Start of list/],
  ];
  for (const [body, message] of cases) {
    const answered = await send({ path, body });
    assert.equal(answered.status, 400, String(body).slice(0, 80));
    assert.equal(answered.headers["x-amzn-errortype"], "SerializationException");
    assert.match(answered.text, message);
  }
  assert.deepEqual(inputs, []);
});

test("restJson1: absent required members are named, nested ones by their path", async () => {
  const { send } = serve("restJson1", [CreateFunction$, Invoke$, GetFunction$]);
  const answered = await send({
    path: "/2015-03-31/functions/",
    body: '{"FunctionName":"f","Role":null,"Environment":{},"FileSystemConfigs":[{"Arn":"a"}]}',
  });
  assert.equal(answered.status, 400);
  assert.equal(answered.headers["x-amzn-errortype"], "ValidationException");
  assert.deepEqual(JSON.parse(answered.text), {
    message:
      "3 validation errors detected: Value null at 'role' failed to satisfy constraint: Member must not be null; " +
      "Value null at 'code' failed to satisfy constraint: Member must not be null; " +
      "Value null at 'fileSystemConfigs.1.member.localMountPath' failed to satisfy constraint: Member must not be null",
  });
});

test("keys of the caller never reach a prototype", async () => {
  const { send, inputs } = serve("restJson1", [CreateFunction$]);
  const variables = '{"__proto__":"x","constructor":"y","toString":"z"}';
  const answered = await send({
    path: "/2015-03-31/functions",
    body: `{"FunctionName":"f","Role":"r","Code":{},"__proto__":{"polluted":1},"Environment":{"Variables":${variables}}}`,
  });
  assert.equal(answered.status, 201);
  const [input] = inputs as [{ Environment: { Variables: Record<string, string> } }]; // what the handler got
  assert.equal(Object.getPrototypeOf(input), Object.prototype);
  assert.deepEqual(Object.entries(input.Environment.Variables), [
    ["__proto__", "x"],
    ["constructor", "y"],
    ["toString", "z"],
  ]);
  assert.equal(({} as { polluted?: unknown }).polluted, undefined); // would be there if the prototype was hit
});

test("numbers no double can hold and lone surrogates come in without harm", async () => {
  const { send, inputs } = serve("awsJson1_1", [PutLogEvents$]);
  const headers = { "x-amz-target": "T.PutLogEvents" };
  const body =
    '{"logGroupName":"\\ud800","logStreamName":"s","logEvents":[{"timestamp":1e400,"message":"m"}]}';
  assert.equal((await send({ headers, body })).status, 400);
  const fine = body.replace("1e400", "9007199254740993");
  assert.equal((await send({ headers, body: fine })).status, 200);
  assert.deepEqual(inputs, [
    {
      logGroupName: "\uFFFD",
      logStreamName: "s",
      logEvents: [{ timestamp: 9_007_199_254_740_992, message: "m" }],
    },
  ]);
});

test("a body longer than the operation takes is refused with its limit, before it is read whole", async () => {
  const { send } = serve("restJson1", [CreateFunction$]);
  const answered = await send({
    path: "/2015-03-31/functions",
    body: new Uint8Array(bodyBytesMax + 1),
  });
  assert.equal(answered.status, 413);
  assert.equal(answered.headers["x-amzn-errortype"], "RequestEntityTooLargeException");
  assert.match(
    answered.text,
    /Request must be smaller than 16777216 bytes for the CreateFunction operation/,
  );
});

test("paths and parameters that are not what they should be are the caller's mistake", async () => {
  const { send } = serve("restJson1", [GetFunction$, ListFunctions$]);
  const bad = await send({ method: "GET", path: "/2015-03-31/functions/%E0%A4%A" });
  assert.equal(bad.status, 400);
  assert.equal(bad.headers["x-amzn-errortype"], "SerializationException");
  const query = await send({
    method: "GET",
    path: "/2015-03-31/functions",
    rawQuery: "MaxItems=many",
  });
  assert.equal(query.status, 400);
  assert.match(query.text, /STRING_VALUE can not be converted to an Integer/);
});

test("restXml: document types, unknown entities, depth and open tags are MalformedXML", async () => {
  const { send, inputs } = serve("restXml", [DeleteObjects$, CreateBucket$], {
    signingName: "s3",
  });
  const documents = [
    '<!DOCTYPE a [<!ENTITY x "y">]><Delete><Object><Key>&x;</Key></Object></Delete>',
    "<Delete><Object><Key>&x;</Key></Object></Delete>",
    "<Delete><Object><Key>&#xD800;</Key></Object></Delete>",
    "<Delete><Object></Delete></Object>",
    "<Delete>",
    "<Delete/><Delete/>",
    "text",
    "<Delete a=b/>",
    "<a>".repeat(depthMax + 1) + "</a>".repeat(depthMax + 1),
    "<Delete><Object><Key>k</Key></Object><Quiet>maybe</Quiet></Delete>",
  ];
  for (const body of documents) {
    const answered = await send({ path: "/b", rawQuery: "delete", body });
    assert.equal(answered.status, 400, body.slice(0, 80));
    assert.match(answered.text, /<Error><Code>MalformedXML<\/Code>/);
  }
  const missing = await send({ path: "/b", rawQuery: "delete", body: "<Delete/>" });
  assert.match(
    missing.text,
    /<Code>InvalidRequest<\/Code><Message>1 validation error.*delete\.objects/,
  );
  assert.deepEqual(inputs, []);
  const prefixed =
    '<?xml version="1.0"?><!-- c --><s:Delete xmlns:s="u"><s:Object><s:Key><![CDATA[<k>]]>&lt;&#x41;</s:Key></s:Object></s:Delete>';
  assert.equal((await send({ path: "/b", rawQuery: "delete", body: prefixed })).status, 200);
  assert.deepEqual(inputs, [{ Bucket: "b", Delete: { Objects: [{ Key: "<k><A" }] } }]);
});

test("awsQuery: wrong types, depth and too many parameters have IAM's names", async () => {
  const { send, inputs } = serve("awsQuery", [CreateUser$, ListUsers$]);
  const headers = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" };
  const wrong = await send({ headers, body: "Action=ListUsers&Version=2010-05-08&MaxItems=x" });
  assert.equal(wrong.status, 400);
  assert.match(wrong.text, /<Type>Sender<\/Type><Code>MalformedInput<\/Code>/);
  const deep = `Action=CreateUser&UserName=u&Tags${".1".repeat(200)}=x`;
  assert.match((await send({ headers, body: deep })).text, /nested deeper than 100 levels/);
  const many = `Action=CreateUser${"&a=".repeat(30_000)}`;
  assert.match((await send({ headers, body: many })).text, /more than 20000 parameters/);
  const action = await send({ headers, body: "Version=2010-05-08" });
  assert.match(action.text, /<Code>MissingAction<\/Code>/);
  const version = await send({ headers, body: "Action=CreateUser&Version=1999-01-01" });
  assert.match(
    version.text,
    /<Code>InvalidAction<\/Code><Message>Could not find operation CreateUser for version 1999-01-01/,
  );
  const proto =
    "Action=CreateUser&UserName=u&__proto__.x=1&Tags.member.__proto__.Key=k&Tags.member.2.Key=b";
  const tail = "&Tags.member.2.Value=2&Tags.member.10.Key=c&Tags.member.10.Value=3";
  assert.equal((await send({ headers, body: proto + tail })).status, 200);
  assert.deepEqual(inputs, [
    {
      UserName: "u",
      Tags: [
        { Key: "b", Value: "2" },
        { Key: "c", Value: "3" },
      ],
    },
  ]);
  const long = `Action=CreateUser&UserName=${"u".repeat(formBytesMax)}`;
  const tooLarge = await send({ headers, body: long });
  assert.equal(tooLarge.status, 413);
  assert.match(tooLarge.text, /<Code>RequestEntityTooLarge<\/Code>/);
  const bytes = Buffer.from([...Buffer.from("Action=CreateUser&UserName="), 0xff]);
  assert.match((await send({ headers, body: bytes })).text, /<Code>MalformedInput<\/Code>/);
  const asGet = await send({ method: "GET", rawQuery: "Action=CreateUser&UserName=g" });
  assert.equal(asGet.status, 200);
});

test("rpcV2Cbor: lengths beyond the body, bad keys and depth are SerializationExceptions", async () => {
  const { send, inputs } = serve("rpcV2Cbor", [CreateLogGroup$]);
  const path = "/service/Logs/operation/CreateLogGroup";
  const headers = { "smithy-protocol": "rpc-v2-cbor", "content-type": "application/cbor" };
  const bodies: number[][] = [
    [0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    [0x9a, 0xff, 0xff, 0xff, 0xff],
    [0xa1, 0x01, 0x02],
    [0xa1, 0x61],
    [0xbf, 0x61, 0x61],
    [0x7b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    [0xa1, 0x61, 0xff, 0x01],
    [0xa0, 0x00],
    [0x1c],
    [0xf8, 0x18],
    [0xa1, 0x61, 0x61, 0xc1, 0xfb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0],
    Array.from({ length: depthMax * 10 }, () => 0x81),
  ];
  for (const body of bodies) {
    const answered = await send({ path, headers, body: Uint8Array.from(body) });
    assert.equal(answered.status, 400, body.join(" ").slice(0, 40));
    assert.match(answered.text, /SerializationException/);
    assert.equal(answered.headers["smithy-protocol"], "rpc-v2-cbor");
  }
  assert.deepEqual(inputs, []);
  const unknown = await send({ path: "/service/Logs/operation/Nope", headers });
  assert.match(unknown.text, /UnknownOperationException/);
});

test("a function's payload that its sender calls a form arrives as it is, whatever its length", async () => {
  const { send, inputs } = serve("restJson1", [Invoke$]);
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const path = "/2015-03-31/functions/f/invocations";
  for (const payload of [Buffer.from([0xff, 0x26]), Buffer.alloc(formBytesMax + 5, "&")]) {
    assert.equal((await send({ path, headers, body: payload })).status, 200);
    const input = inputs.pop() as { Payload: Uint8Array }; // what the handler got
    assert(Buffer.from(input.Payload).equals(payload));
  }
});

test("a reader of an event stream that goes away ends its source", async () => {
  let isEnded = false;
  async function* source(): AsyncGenerator<object> {
    try {
      for (;;) yield { PayloadChunk: { Payload: Buffer.from("x") } };
    } finally {
      isEnded = true;
    }
  }
  const { output } = operationShape(InvokeWithResponseStream$);
  const member = eventStreamMember(output);
  assert(member);
  const frames = encodeEventStream({ EventStream: source() }, member, {
    contentType: "application/json",
    writeValue: () => new Uint8Array(),
    initialResponse: undefined,
  });
  for await (const frame of frames) {
    assert.equal(Buffer.from(frame).readUInt32BE(0), frame.byteLength);
    break;
  }
  assert.equal(isEnded, true);
});

test("what is no modelled error tells its kind and nothing of its cause", () => {
  const secret = "secret detail";
  for (const bug of [
    new TypeError(secret),
    new AssertionFailure(secret),
    secret,
    undefined,
    { name: 1 },
  ]) {
    const error = toWireError(bug);
    assert.equal(error.name, "InternalFailure");
    assert.equal(error.status, 500);
    assert.doesNotMatch(error.message, /secret/);
  }
  const full = toWireError(new PlatformError("storage.full", "no space on disk"));
  assert.equal(full.status, 507);
  assert.equal(full.name, "ServiceUnavailableException");
  assert.equal(toWireError(new PlatformError("queue.full", "x")).status, 503);
  assert.equal(toWireError(new PlatformError("storage.failed", "x")).name, "InternalFailure");
  const refusal = Object.assign(new Error("The security token is expired"), {
    name: "AuthenticationError",
    code: "ExpiredTokenException",
    status: 400,
  });
  assert.equal(toWireError(refusal).name, "ExpiredTokenException");
  assert.deepEqual([...wireProtocols.keys()].length, 6);
});
