import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { createVirtualClock } from "#base/clock.ts";
import type { Invocation } from "#functions/invoker/invoker.ts";
import { RecursionError, ThrottledError } from "#functions/invoker/invoker.ts";
import { signRequest } from "#protocol/auth/testing/sign.ts";
import { preludeContentType } from "./prelude.ts";
import type { GatewayOptions } from "./testing/set-up.ts";
import {
  accountId,
  ask,
  exchangeRaw,
  parseAnswer,
  result,
  startGateway,
} from "./testing/set-up.ts";

const host = "abc123.lambda-url.us-east-1.localhost";

/** The parts of an event that tests look into. */
interface UrlEvent extends Record<string, unknown> {
  readonly headers: Record<string, string>;
  readonly requestContext: Record<string, unknown>;
}

/** A gateway whose function answers with `payload`; the events it received are kept. */
async function startFunction(payload: string, options: GatewayOptions = {}) {
  const invocations: Invocation[] = [];
  const server = await startGateway({
    invoke: async (invocation) => {
      invocations.push(invocation);
      return result(payload);
    },
    ...options,
  });
  const event = (): UrlEvent =>
    JSON.parse(Buffer.from(invocations.at(-1)?.payload ?? []).toString());
  return {
    ...server,
    invocations,
    event,
    [Symbol.asyncDispose]: () => server.gateway[Symbol.asyncDispose](),
  };
}

test("the event is payload format 2.0", async () => {
  const nowMs = Date.parse("2020-03-12T19:03:58.390Z");
  await using server = await startFunction('{"statusCode":200}', {
    clock: createVirtualClock(nowMs),
  });
  const { port } = server;
  await ask(port, {
    method: "POST",
    target: "/my/path%20x?p=1&p=2&q=a%20b&flag",
    headers: {
      host: `${host}:${port}`,
      cookie: "a=1; b=2",
      header1: "value1",
      "user-agent": "curl/8",
      "content-type": "application/json; charset=utf-8",
      "x-forwarded-for": "6.6.6.6",
      "x-amzn-trace-id": "Lineage=a:9",
      "x-amzn-oidc-identity": "forged",
      "x-amz-meta": "unsigned",
    },
    body: '{"ü":1}',
  });
  const event = server.event();
  const { headers, requestContext, ...rest } = event;
  assert.deepEqual(rest, {
    version: "2.0",
    routeKey: "$default",
    rawPath: "/my/path%20x",
    rawQueryString: "p=1&p=2&q=a%20b&flag",
    cookies: ["a=1", "b=2"],
    queryStringParameters: { p: "1,2", q: "a b", flag: "" },
    body: '{"ü":1}',
    isBase64Encoded: false,
  });
  const trace = server.invocations[0]?.context.trace.traceId;
  assert.deepEqual(headers, {
    host: `${host}:${port}`,
    header1: "value1",
    "user-agent": "curl/8",
    "content-type": "application/json; charset=utf-8",
    "content-length": "8",
    "x-amzn-trace-id": `Root=${trace}`,
    "x-forwarded-for": "127.0.0.1",
    "x-forwarded-port": String(port),
    "x-forwarded-proto": "http",
  });
  const { requestId, ...context } = requestContext;
  assert.match(String(requestId), /^[0-9a-f-]{36}$/);
  assert.deepEqual(context, {
    accountId: "anonymous",
    apiId: "abc123",
    domainName: host,
    domainPrefix: "abc123",
    http: {
      method: "POST",
      path: "/my/path%20x",
      protocol: "HTTP/1.1",
      sourceIp: "127.0.0.1",
      userAgent: "curl/8",
    },
    routeKey: "$default",
    stage: "$default",
    time: "12/Mar/2020:19:03:58 +0000",
    timeEpoch: nowMs,
  });
});

test("repeated headers are joined with a comma; absent parts are absent", async () => {
  await using server = await startFunction("{}");
  await exchangeRaw(
    server.port,
    `GET / HTTP/1.1\r\nHost: ${host}\r\nX-A: 1\r\nx-a: 2\r\nConnection: close\r\n\r\n`,
  );
  const event = server.event();
  assert.equal(event.headers["x-a"], "1,2");
  for (const name of ["cookies", "queryStringParameters", "body"])
    assert.ok(!(name in event), name);
  assert.equal(event["isBase64Encoded"], false);
});

test("requests of one connection each have their own event, however much of it repeats", async () => {
  await using server = await startFunction("{}");
  const asked = [
    ["GET", "/a?x=1", ""],
    ["GET", "/a?x=1", ""],
    ["GET", "/a?x=2", ""],
    ["GET", "/b?x=2", ""],
    ["DELETE", "/b?x=2", ""],
    ["DELETE", "/b?x=2", "X-A: 1\r\n"],
  ] as const;
  const bytes = asked.map(
    ([method, target, more]) => `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`,
  );
  const last = `GET /last HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
  await exchangeRaw(server.port, bytes.join("") + last);
  const events = server.invocations.map(({ payload }): UrlEvent =>
    JSON.parse(Buffer.from(payload).toString()),
  );
  assert.equal(events.length, asked.length + 1);
  for (const [index, [method, target, more]] of asked.entries()) {
    const event = events[index];
    const [path, query] = target.split("?");
    assert.ok(event);
    assert.equal(event["rawPath"], path);
    assert.equal(event["rawQueryString"], query);
    assert.equal((event.requestContext["http"] as Record<string, unknown>)["method"], method);
    assert.equal(event.headers["x-a"], more === "" ? undefined : "1");
  }
  assert.equal(new Set(events.map(({ requestContext }) => requestContext["requestId"])).size, 7);
  assert.equal(new Set(events.map(({ headers }) => headers["x-amzn-trace-id"])).size, 7);
});

test("only text types arrive as text", async () => {
  await using server = await startFunction("{}");
  const rows: [string | undefined, Buffer, boolean][] = [
    ["text/plain", Buffer.from("hello"), false],
    ["application/json", Buffer.from("{}"), false],
    ["application/xml", Buffer.from("<a/>"), false],
    ["application/javascript", Buffer.from("1"), false],
    ["application/x-www-form-urlencoded", Buffer.from("a=1"), true],
    ["application/octet-stream", Buffer.from([0, 255, 13]), true],
    ["image/png", Buffer.from("png"), true],
    ["text/plain", Buffer.from([0xff, 0xfe]), true],
    [undefined, Buffer.from("no type"), true],
  ];
  for (const [type, body, isBase64] of rows) {
    await ask(server.port, {
      method: "POST",
      headers: { host, ...(type !== undefined && { "content-type": type }) },
      body,
    });
    const event = server.event();
    assert.equal(event["isBase64Encoded"], isBase64, String(type));
    const read = Buffer.from(String(event["body"]), isBase64 ? "base64" : "utf8");
    assert.deepEqual(read, body, String(type));
  }
});

test("what a function returns becomes HTTP", async () => {
  const rows: [payload: string, status: number, body: string, head?: RegExp][] = [
    ['{"message":"hi"}', 200, '{"message":"hi"}', /content-type: application\/json/],
    ['"Hello, world!"', 200, '"Hello, world!"', /content-length: 15/],
    ["null", 200, "null"],
    ["[1,2]", 200, "[1,2]"],
    [
      '{"statusCode":201,"body":"made","headers":{"Content-Type":"text/plain","X-N":7}}',
      201,
      "made",
      /content-type: text\/plain[\s\S]*x-n: 7/,
    ],
    ['{"statusCode":"404"}', 404, ""],
    ['{"statusCode":200,"body":"aGk=","isBase64Encoded":true}', 200, "hi"],
    [
      '{"statusCode":200,"cookies":["a=1; Secure","b=2"]}',
      200,
      "",
      /set-cookie: a=1; secure\r\nset-cookie: b=2/,
    ],
    ['{"statusCode":204,"body":"ignored"}', 204, ""],
    [
      '{"statusCode":200,"headers":{"Content-Length":"99999","Connection":"upgrade","Transfer-Encoding":"chunked"}}',
      200,
      "",
      /x-amzn-remapped-content-length: 99999/,
    ],
    ['{"statusCode":200,"body":{"a":1}}', 200, '{"a":1}'],
  ];
  let payload = "";
  await using server = await startFunction("", { invoke: async () => result(payload) });
  for (const [returned, status, body, head] of rows) {
    payload = returned;
    const answer = await ask(server.port, { headers: { host } });
    assert.equal(answer.status, status, returned);
    assert.equal(answer.body, body, returned);
    if (head) assert.match(answer.head, head);
  }
  payload = '{"statusCode":200,"body":"hidden"}';
  const answer = parseAnswer(
    await exchangeRaw(server.port, `HEAD / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`),
  );
  assert.match(answer.head, /content-length: 6/);
  assert.equal(answer.body, "");
});

test("a malformed response, an error, a timeout or a crash is 502 and nothing more", async () => {
  const payloads = [
    "",
    "not json",
    '{"statusCode":99}',
    '{"statusCode":1000}',
    '{"statusCode":101}',
    '{"statusCode":"x"}',
    '{"statusCode":200.5}',
    '{"statusCode":200,"headers":[]}',
    '{"statusCode":200,"headers":{"a":{}}}',
    '{"statusCode":200,"headers":{"a b":"c"}}',
    '{"statusCode":200,"headers":{"":"c"}}',
    '{"statusCode":200,"headers":{"a":"x\\r\\nset-cookie: y"}}',
    '{"statusCode":200,"headers":{"a":"\\u0100"}}',
    '{"statusCode":200,"cookies":"a=1"}',
    '{"statusCode":200,"cookies":["a\\nb"]}',
    '{"statusCode":200,"body":"%%%","isBase64Encoded":true}',
  ];
  let next = () => result("");
  await using server = await startFunction("", { invoke: async () => next() });
  const expect502 = async (what: string): Promise<void> => {
    const answer = await ask(server.port, { headers: { host } });
    assert.equal(answer.status, 502, what);
    assert.equal(answer.body, '{"Message":"Internal Server Error"}', what);
  };
  for (const payload of payloads) {
    next = () => result(payload);
    await expect502(payload);
  }
  const outcomes = [
    { kind: "function-error", errorType: "Error", durationMs: 1 },
    { kind: "timeout", durationMs: 1 },
    { kind: "out-of-memory", durationMs: 1 },
    { kind: "crash", exitCode: 1, durationMs: 1 },
  ] as const;
  for (const outcome of outcomes) {
    next = () => result('{"statusCode":200}', { outcome });
    await expect502(outcome.kind);
  }
  next = () => {
    throw new TypeError("a bug");
  };
  await expect502("a bug");
});

test("no byte in a header name or value of a function gets past the connection", async () => {
  let payload = "";
  await using server = await startFunction("", { invoke: async () => result(payload) });
  let passed = 0;
  for (let byte = 0; byte < 256; byte++) {
    const character = String.fromCharCode(byte);
    for (const headers of [{ [`x-${character}y`]: "v" }, { "x-y": `a${character}b` }]) {
      payload = JSON.stringify({ statusCode: 200, headers, body: "end" });
      const text = await exchangeRaw(
        server.port,
        `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
      );
      const answer = parseAnswer(text);
      assert.ok(answer.status === 200 || answer.status === 502, `byte ${byte}`);
      assert.equal(text.match(/HTTP\/1\.1 /g)?.length, 1);
      if (answer.status === 200) passed++;
      assert.equal(
        answer.body,
        answer.status === 200 ? "end" : '{"Message":"Internal Server Error"}',
      );
    }
  }
  // 77 token characters (of 26 both cases) in names; in values tab, blank, visible and the upper half.
  assert.equal(passed, 77 + 1 + 95 + 128);
  assert.equal((await ask(server.port, { target: "/_skerry/health" })).status, 200);
});

test("throttles, recursion and oversized requests have their own status", async () => {
  let thrown: Error = new ThrottledError("ReservedFunctionConcurrentInvocationLimitExceeded");
  await using server = await startFunction("", {
    invoke: async () => {
      throw thrown;
    },
  });
  const throttled = await ask(server.port, { headers: { host } });
  assert.equal(throttled.status, 429);
  assert.match(throttled.body, /"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded"/);
  thrown = new RecursionError("too deep");
  assert.equal((await ask(server.port, { headers: { host } })).status, 400);
  const large = await ask(server.port, {
    method: "POST",
    headers: { host },
    body: Buffer.alloc(6 * 1024 * 1024 + 1),
  });
  assert.equal(large.status, 413);
  // As base64 it no longer fits into the event.
  const inflated = await ask(server.port, {
    method: "POST",
    headers: { host },
    body: Buffer.alloc(5 * 1024 * 1024),
  });
  assert.equal(inflated.status, 413);
});

test("an unknown URL is 404; the path form serves it too, kept apart from the platform's pages", async () => {
  await using server = await startFunction('{"statusCode":200,"body":"x"}');
  const { port } = server;
  assert.equal(
    (await ask(port, { headers: { host: "nobody.lambda-url.us-east-1.localhost" } })).status,
    404,
  );
  const answer = await ask(port, { target: "/_skerry/url/abc123/a/b?c=1" });
  assert.equal(answer.body, "x");
  assert.match(answer.head, /content-security-policy: sandbox/);
  assert.equal(server.event()["rawPath"], "/a/b");
  assert.equal((await ask(port, { target: "/_skerry/url/us-east-1/abc123" })).status, 200);
  assert.equal(server.event()["rawPath"], "/");
  assert.equal(
    (
      await ask(port, {
        target: "/_skerry/url/abc123/",
        headers: { origin: "https://shop.example" },
      })
    ).status,
    200,
  );
});

test("CORS is answered by the platform, preflights before the function", async () => {
  const cors = {
    allowCredentials: true,
    allowHeaders: ["x-a"],
    allowMethods: ["GET", "PUT"],
    allowOrigins: ["https://shop.example"],
    exposeHeaders: ["x-b"],
    maxAgeSeconds: 60,
  };
  await using server = await startFunction(
    '{"statusCode":200,"headers":{"Access-Control-Allow-Origin":"*"}}',
    { url: { cors } },
  );
  const preflight = (origin: string, method: string) =>
    ask(server.port, {
      method: "OPTIONS",
      headers: {
        host,
        origin,
        "access-control-request-method": method,
        "access-control-request-headers": "x-a",
      },
    });
  const granted = await preflight("https://shop.example", "PUT");
  assert.equal(granted.status, 200);
  assert.match(granted.head, /access-control-allow-origin: https:\/\/shop.example/);
  assert.match(granted.head, /access-control-allow-methods: get,put/);
  assert.match(granted.head, /access-control-allow-headers: x-a/);
  assert.match(granted.head, /access-control-max-age: 60/);
  assert.match(granted.head, /access-control-allow-credentials: true/);
  assert.doesNotMatch((await preflight("https://evil.example", "PUT")).head, /access-control/);
  assert.doesNotMatch((await preflight("https://shop.example", "DELETE")).head, /access-control/);
  assert.equal(server.invocations.length, 0);
  const answer = await ask(server.port, { headers: { host, origin: "https://shop.example" } });
  assert.match(answer.head, /access-control-allow-origin: https:\/\/shop.example\r\n/);
  assert.match(answer.head, /access-control-expose-headers: x-b/);
  assert.doesNotMatch(
    (await ask(server.port, { headers: { host, origin: "https://evil.example" } })).head,
    /access-control/,
  );
});

test("without CORS settings the function answers for itself, preflights included", async () => {
  await using server = await startFunction(
    '{"statusCode":200,"headers":{"access-control-allow-origin":"https://a.example"}}',
  );
  const answer = await ask(server.port, {
    method: "OPTIONS",
    headers: { host, origin: "https://a.example", "access-control-request-method": "GET" },
  });
  assert.match(answer.head, /access-control-allow-origin: https:\/\/a.example/);
  assert.equal(server.invocations.length, 1);
});

test("AWS_IAM needs a signature, verified in strict mode; the caller is in the event", async () => {
  const principal = { arn: "arn:aws:iam::111122223333:user/ana", accountId: "111122223333" };
  const nowMs = Date.parse("2026-03-01T12:00:00Z");
  const secretAccessKey = "kT5wZ8rQ2mN7vB4xC1jL6hG9fD3sA0pOiUyEtRwQ";
  const keys = {
    AKIAEXAMPLE000000001: {
      secretAccessKey,
      sessionToken: undefined,
      expiresAtMs: undefined,
      principal,
    },
  };
  const url = { authType: "AWS_IAM" } as const;
  await using strict = await startFunction("{}", {
    mode: "strict",
    keys,
    url,
    clock: createVirtualClock(nowMs),
  });
  const plain = {
    method: "POST",
    path: "/x",
    rawQuery: "",
    headers: { host, "x-amz-meta": "kept" },
    body: "{}",
  };
  const signer = { accessKeyId: "AKIAEXAMPLE000000001", secretAccessKey, nowMs, service: "lambda" };
  const signed = signRequest(plain, signer);
  const call = { method: "POST", target: "/x", body: "{}" };
  assert.equal((await ask(strict.port, { ...call, headers: signed.headers })).status, 200);
  const event = strict.event();
  assert.equal(event.requestContext["accountId"], "111122223333");
  const authorizer = JSON.stringify(event.requestContext["authorizer"]);
  assert.match(
    authorizer,
    /"accessKey":"AKIAEXAMPLE000000001".*"userArn":"arn:aws:iam::111122223333:user\/ana"/,
  );
  assert.equal(event.headers["x-amz-meta"], "kept");
  assert.ok(!("authorization" in event.headers));
  const unsigned = await ask(strict.port, { ...call, headers: { host } });
  assert.equal(unsigned.status, 403);
  assert.equal(unsigned.body, '{"Message":"Forbidden"}');
  const tampered = await ask(strict.port, { ...call, headers: signed.headers, body: "[]" });
  assert.equal(tampered.status, 403);
  assert.match(tampered.body, /The request signature we calculated does not match/);
  const elsewhere = signRequest(plain, { ...signer, region: "eu-west-1" });
  assert.equal((await ask(strict.port, { ...call, headers: elsewhere.headers })).status, 403);
  await using open = await startFunction("{}", { url });
  assert.equal((await ask(open.port, { ...call, headers: { host } })).status, 403);
  assert.equal((await ask(open.port, { ...call, headers: signed.headers })).status, 200);
});

test("a URL without authentication needs the policy that makes it public, in strict mode", async () => {
  const url = { publicAllowed: false };
  await using strict = await startFunction("{}", { mode: "strict", url });
  assert.equal((await ask(strict.port, { headers: { host } })).status, 403);
  await using open = await startFunction("{}", { mode: "open", url });
  assert.equal((await ask(open.port, { headers: { host } })).status, 200);
});

async function* bytes(...pieces: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield Buffer.from(piece);
}

test("a streamed response begins with its prelude, wherever the pieces are cut", async () => {
  const url = { invokeMode: "RESPONSE_STREAM" } as const;
  const head = JSON.stringify({
    statusCode: 203,
    headers: { "content-type": "text/event-stream" },
    cookies: ["a=1"],
  });
  const whole = Buffer.concat([
    Buffer.from(head),
    Buffer.alloc(8),
    Buffer.from("\0data: 1\n\n"),
    Buffer.from("data: 2\n\n"),
  ]);
  for (const size of [1, 5, 64, 1_000]) {
    const pieces = Array.from({ length: Math.ceil(whole.byteLength / size) }, (_, at) =>
      whole.subarray(at * size, (at + 1) * size),
    );
    await using server = await startFunction("", {
      url,
      invoke: async () => result(bytes(...pieces), { contentType: preludeContentType }),
    });
    const answer = await ask(server.port, { headers: { host } });
    assert.equal(answer.status, 203);
    assert.match(answer.head, /content-type: text\/event-stream/);
    assert.match(answer.head, /set-cookie: a=1/);
    assert.equal(answer.body, "\0data: 1\n\ndata: 2\n\n");
  }
});

test("a stream without prelude is 200; a failure before the first byte is 502, later it cuts the connection", async () => {
  const url = { invokeMode: "RESPONSE_STREAM" } as const;
  let next = () => result(bytes("a", "b"), { contentType: "text/plain" });
  await using server = await startFunction("", { url, invoke: async () => next() });
  const plain = await ask(server.port, { headers: { host } });
  assert.match(plain.head, /content-type: text\/plain/);
  assert.equal(plain.body, "ab");
  const outcome = { kind: "crash", exitCode: 1, durationMs: 1 } as const;
  next = () => result(bytes(), { outcome });
  assert.equal((await ask(server.port, { headers: { host } })).status, 502);
  for (const prelude of [
    "",
    "{",
    '{"statusCode":99}\0\0\0\0\0\0\0\0',
    "[1\0\0\0\0\0\0\0\0",
    `{"a":"${"x".repeat(300_000)}"}`,
  ]) {
    next = () => result(bytes(prelude), { contentType: preludeContentType, outcome });
    assert.equal((await ask(server.port, { headers: { host } })).status, 502, prelude.slice(0, 40));
  }
  next = () => result(bytes("begun"), { outcome });
  const cut = await exchangeRaw(
    server.port,
    `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
  );
  assert.match(cut, /begun/);
  assert.doesNotMatch(cut, /\r\n0\r\n\r\n$/);
});

for (const end of ["hangs up", "reads nothing for a minute"]) {
  test(`a stream waits for a slow reader, and ends when it ${end}`, async () => {
    const clock = createVirtualClock(0);
    let producedBytes = 0;
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    async function* endless(signal: AbortSignal): AsyncGenerator<Uint8Array> {
      try {
        while (!signal.aborted) {
          producedBytes += 64 * 1024;
          yield Buffer.alloc(64 * 1024);
          await new Promise(setImmediate);
        }
      } finally {
        resolve();
      }
    }
    await using server = await startFunction("", {
      url: { invokeMode: "RESPONSE_STREAM" },
      clock,
      invoke: async ({ context }) => result(endless(context.signal)),
    });
    const reader = connect({ port: server.port, host: "127.0.0.1" });
    reader.on("error", () => undefined); // a reset is what the stalled one gets
    reader.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    await once(reader, "readable");
    reader.pause();
    let before = -1;
    for (let turns = 0; before !== producedBytes && turns < 10_000; turns++) {
      before = producedBytes;
      for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
    }
    assert.ok(producedBytes < 64 * 1024 * 1024, `${producedBytes} bytes for a reader that waits`);
    if (end === "hangs up") reader.destroy();
    else await clock.advance(60_000);
    await ended;
    reader.destroy();
    assert.equal(clock.pendingCount, 0);
  });
}

test("every answer of a function URL is logged once, without its path, query or headers", async () => {
  await using server = await startFunction("{}");
  await ask(server.port, {
    target: "/secret-path?token=secret-token",
    headers: { host, authorization: "secret-header" },
  });
  assert.equal(server.lines.length, 1);
  assert.match(
    server.lines[0] ?? "",
    /"event":"http.request","kind":"function-url","method":"GET","status":200/,
  );
  assert.doesNotMatch(server.lines[0] ?? "", /secret/);
  assert.equal(server.invocations[0]?.context.principal.accountId, accountId);
});
