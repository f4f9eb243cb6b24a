import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, describe, test } from "node:test";
import { InvokeWithResponseStreamCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { find, follow } from "../support/commands.ts";
import { deploy, publish, source } from "../support/functions.ts";
import { invoke } from "../support/invoke.ts";
import { exchange, parseAnswers, type RawAnswer } from "../support/raw-http.ts";
import { type Platform, startPlatform } from "./platform.ts";

/** Returns what the event says, or something that cannot be returned. */
const returning = `
const circular = {}; circular.self = circular;
const results = {
  circular: () => circular,
  bigint: () => ({ big: 10n ** 30n }),
  undefined: () => undefined,
  function: () => () => 1,
  symbol: () => Symbol("tide"),
  nan: () => [NaN, Infinity, -0],
  thrower: () => ({ toJSON() { throw new Error("not today"); } }),
  lone: () => "\\ud800",
  large: () => "x".repeat(7 * 1024 * 1024),
  largest: () => "x".repeat(6291556 - 2),
  none: () => { throw undefined; },
  text: () => { throw "just text"; },
  getter: () => { throw Object.defineProperty(new Error("x"), "stack", { get() { throw 1; } }); },
};
export const handler = async (event) => event.requestContext
  ? JSON.parse(Buffer.from(event.rawQueryString, "base64url").toString())
  : results[event.result]();`;

const streaming = `
import { setImmediate as turn } from "node:timers/promises";
export const endless = awslambda.streamifyResponse(async (event, output) => {
  const chunk = Buffer.alloc(1 << 20, 120);
  for (;;) if (!output.write(chunk)) await new Promise((resolve) => output.once("drain", resolve));
});
export const broken = awslambda.streamifyResponse(async (event, output) => {
  output.write("begun ");
  await turn();
  throw new RangeError("no more wind");
});
export const prelude = awslambda.streamifyResponse(async (event, output) => {
  const head = JSON.parse(Buffer.from(event.rawQueryString, "base64url").toString());
  awslambda.HttpResponseStream.from(output, head).end("streamed");
});`;

let platform: Platform;
let lambda: LambdaClient;
let urlHost: string;
let streamHost: string;
before(async () => {
  platform = await startPlatform();
  lambda = new LambdaClient(platform.client);
  const hostOf = async (url: Promise<string>): Promise<string> => new URL(await url).host;
  await Promise.all([
    deploy(lambda, "neighbour", { "index.mjs": await source("echo.mjs") }),
    deploy(lambda, "returning", { "index.mjs": returning }),
    deploy(lambda, "prelude", { "index.mjs": streaming }, { Handler: "index.prelude" }),
  ]);
  urlHost = await hostOf(publish(lambda, "returning"));
  streamHost = await hostOf(publish(lambda, "prelude", { InvokeMode: "RESPONSE_STREAM" }));
});
after(async () => {
  lambda.destroy();
  await platform.stop();
});

async function stillAnswers(): Promise<void> {
  const { error } = await invoke(lambda, "neighbour", { still: "here" });
  assert.equal(error, undefined);
}

describe("results that cannot be sent", () => {
  const unserialisable = "Unable to stringify response body";
  const rows: readonly (readonly [string, string, string])[] = [
    ["circular", "Runtime.JSONStringifyError", unserialisable],
    ["bigint", "Runtime.JSONStringifyError", unserialisable],
    ["thrower", "Runtime.JSONStringifyError", unserialisable],
    ["none", "undefined", "undefined"],
    ["text", "string", "just text"],
    [
      "large",
      "Function.ResponseSizeTooLarge",
      "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
    ],
  ];
  for (const [result, errorType, errorMessage] of rows) {
    test(`${result} is ${errorType}`, async () => {
      const { error, payload } = await invoke(lambda, "returning", { result });
      assert.equal(error, "Unhandled");
      const found = payload as Record<string, unknown>; // compared below
      assert.deepEqual([found["errorType"], found["errorMessage"]], [errorType, errorMessage]);
      await stillAnswers();
    });
  }

  test("an error that resists being read is still an error", async () => {
    const { error, payload } = await invoke(lambda, "returning", { result: "getter" });
    assert.equal(error, "Unhandled");
    assert.equal((payload as { errorType: string }).errorType, "handled");
    await stillAnswers();
  });

  test("what JSON cannot say becomes null, as in JavaScript", async () => {
    for (const result of ["undefined", "function", "symbol"]) {
      assert.equal((await invoke(lambda, "returning", { result })).payload, null);
    }
    assert.deepEqual((await invoke(lambda, "returning", { result: "nan" })).payload, [
      null,
      null,
      0,
    ]);
    assert.equal((await invoke(lambda, "returning", { result: "lone" })).payload, "\ud800");
  });

  test("the largest result arrives whole", async () => {
    const { error, payload } = await invoke(lambda, "returning", { result: "largest" });
    assert.equal(error, undefined);
    assert.equal((payload as string).length, 6_291_554);
  });
});

describe("a custom runtime", { skip: find("curl") ? false : "no curl for its bootstrap" }, () => {
  const bootstrap = (answer: string): string => `#!/bin/sh
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
while true; do
  id=$(curl -sS -D - -o /tmp/event "$api/next" | tr -d '\\r' | sed -n 's/^Lambda-Runtime-Aws-Request-Id: //Ip')
  ${answer}
done
`;
  const deployShell = (name: string, answer: string): Promise<void> =>
    deploy(lambda, name, { bootstrap: bootstrap(answer) }, { Runtime: "provided.al2023" });

  test("may answer with bytes that are no JSON; they pass through", async () => {
    await deployShell(
      "garbage",
      `printf '{"not json\\377\\000' | curl -sS -X POST --data-binary @- "$api/$id/response" >/dev/null`,
    );
    for (let call = 0; call < 2; call++) {
      const { error, payload } = await invoke(lambda, "garbage");
      assert.equal(error, undefined);
      assert.equal(payload, '{"not json\ufffd\0');
    }
    const answer = await visit(new URL(await publish(lambda, "garbage")).host);
    assert.equal(answer.status, 502);
    assert.deepEqual(JSON.parse(answer.body), { Message: "Internal Server Error" });
    await stillAnswers();
  });

  test("cannot answer for another request, nor twice, nor with more than fits", async () => {
    await deployShell(
      "confused",
      `curl -sS -o /tmp/a -w '%{http_code} ' -X POST -d '"other"' "$api/00000000-0000-0000-0000-000000000000/response" >/tmp/codes
  head -c 7000000 /dev/zero | curl -sS -o /tmp/b -w '%{http_code} ' -X POST --data-binary @- -H 'Expect:' "$api/$id/response" >>/tmp/codes
  cat /tmp/codes /tmp/b >&2`,
    );
    const { error, payload } = await invoke(lambda, "confused");
    assert.equal(error, "Unhandled");
    assert.equal((payload as { errorType: string }).errorType, "Function.ResponseSizeTooLarge");
    await stillAnswers();
  });
});

describe("response streams", () => {
  test("an endless one is cut at 200 MB", async () => {
    const settings = { Handler: "index.endless", Timeout: 60, MemorySize: 1024 };
    await deploy(lambda, "endless", { "index.mjs": streaming }, settings);
    await deploy(lambda, "stalled", { "index.mjs": streaming }, settings);
    const answer = await lambda.send(
      new InvokeWithResponseStreamCommand({ FunctionName: "endless", Payload: "{}" }),
    );
    let byteCount = 0;
    let end: { ErrorCode?: string | undefined; ErrorDetails?: string | undefined } | undefined;
    for await (const event of answer.EventStream ?? []) {
      byteCount += event.PayloadChunk?.Payload?.byteLength ?? 0;
      end = event.InvokeComplete ?? end;
    }
    assert.equal(end?.ErrorCode, "Unhandled");
    assert.match(String(end?.ErrorDetails), /"Function\.ResponseSizeTooLarge"/);
    assert.ok(byteCount <= 200 * 1024 * 1024, `${byteCount} bytes`);
    assert.ok(byteCount > 190 * 1024 * 1024, `${byteCount} bytes`);
    await stillAnswers();
  });

  const withoutCurl = find("curl") ? false : "no curl to read in a process of its own";
  test("what streams past is not held by the platform", { skip: withoutCurl }, async () => {
    const { hostname } = new URL(
      await publish(lambda, "endless", { InvokeMode: "RESPONSE_STREAM" }),
    );
    const address = `${hostname}:${platform.port}:127.0.0.1`;
    const url = `http://${hostname}:${platform.port}/`;
    const words = ["-sS", "-o", "/dev/null", "-w", "%{size_download}\n", "--resolve", address, url];
    const before = process.memoryUsage().rss;
    await using reader = follow(find("curl") ?? "", words);
    const byteCount = Number(await reader.line(/^\d+$/));
    const grownMiB = (process.memoryUsage().rss - before) / 1024 / 1024;
    assert.ok(byteCount > 190 * 1024 * 1024, `${byteCount} bytes`);
    assert.ok(grownMiB < 64, `grew by ${grownMiB} MiB`);
    await stillAnswers();
  });

  test("a reader who stalls holds the function up, not the platform's memory", async () => {
    const { host } = new URL(await publish(lambda, "stalled", { InvokeMode: "RESPONSE_STREAM" }));
    const socket = connect({ host: "127.0.0.1", port: platform.port });
    socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    await once(socket, "readable"); // and nobody reads
    const before = process.memoryUsage().rss;
    for (let call = 0; call < 100; call++) await stillAnswers();
    const grownMiB = (process.memoryUsage().rss - before) / 1024 / 1024;
    socket.destroy();
    assert.ok(grownMiB < 64, `grew by ${grownMiB} MiB`);
  });

  test("an endless one whose reader leaves ends the environment's turn", async () => {
    const stop = new AbortController();
    const answer = await lambda.send(
      new InvokeWithResponseStreamCommand({ FunctionName: "endless", Payload: "{}" }),
      { abortSignal: stop.signal },
    );
    for await (const event of answer.EventStream ?? []) if (event.PayloadChunk) break;
    stop.abort();
    await stillAnswers();
  });

  test("one that breaks off says why in its last event", async () => {
    await deploy(lambda, "broken", { "index.mjs": streaming }, { Handler: "index.broken" });
    const answer = await lambda.send(
      new InvokeWithResponseStreamCommand({ FunctionName: "broken", Payload: "{}" }),
    );
    let end: { ErrorCode?: string | undefined; ErrorDetails?: string | undefined } | undefined;
    for await (const event of answer.EventStream ?? []) end = event.InvokeComplete ?? end;
    assert.equal(end?.ErrorCode, "Unhandled");
    assert.match(String(end?.ErrorDetails), /"RangeError"/);
    await stillAnswers();
  });
});

/** One visit on a connection of its own; a second answer on it would be an injected one. */
async function visit(host: string, result?: unknown): Promise<RawAnswer> {
  const query = Buffer.from(JSON.stringify(result ?? null)).toString("base64url");
  const request = `GET /?${query} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
  const answers = parseAnswers(await exchange(platform.port, request));
  assert.equal(answers.length, 1);
  const [answer] = answers;
  assert.ok(answer);
  return answer;
}

describe("what a function URL's function may make of HTTP", () => {
  const refused: readonly (readonly [string, unknown])[] = [
    ["a header's name with a blank", { statusCode: 200, headers: { "x y": "1" } }],
    ["a header's name with a colon", { statusCode: 200, headers: { "x:y": "1" } }],
    ["an empty header's name", { statusCode: 200, headers: { "": "1" } }],
    ["a header's name with a line break", { statusCode: 200, headers: { "x\r\ny": "1" } }],
    ["CR and LF in a value", { statusCode: 200, headers: { "x-a": "1\r\nx-injected: 1" } }],
    ["a bare LF in a value", { statusCode: 200, headers: { "x-a": "1\nx-injected: 1" } }],
    ["a NUL in a value", { statusCode: 200, headers: { "x-a": "1\0" } }],
    ["a value outside of Latin-1", { statusCode: 200, headers: { "x-a": "\u4e2d\u010d\u010a" } }],
    ["an object as a value", { statusCode: 200, headers: { "x-a": { b: 1 } } }],
    ["headers that are a list", { statusCode: 200, headers: ["x-a: 1"] }],
    ["a cookie that ends its line", { statusCode: 200, cookies: ["a=1\r\nx-injected: 1"] }],
    ["cookies that are no list", { statusCode: 200, cookies: "a=1" }],
    ["status 99", { statusCode: 99 }],
    ["status 1000", { statusCode: 1000 }],
    ["status 100, which ends nothing", { statusCode: 100 }],
    ["status 101", { statusCode: 101, headers: { upgrade: "websocket" } }],
    ["half a status", { statusCode: 200.5 }],
    ["a word as a status", { statusCode: "fine" }],
    ["an object as a status", { statusCode: {} }],
    ["a body that claims to be base64", { statusCode: 200, body: "?!", isBase64Encoded: true }],
  ];
  for (const [what, result] of refused) {
    test(`${what} is a 502`, async () => {
      const answer = await visit(urlHost, result);
      assert.equal(answer.status, 502);
      assert.ok(!answer.lines.some((line) => /^x-injected/i.test(line)));
      assert.deepEqual(JSON.parse(answer.body), { Message: "Internal Server Error" });
    });
  }

  for (const [what, result] of refused.slice(0, 17)) {
    test(`${what}, streamed, injects nothing`, async () => {
      const answer = await visit(streamHost, result);
      assert.ok(!answer.lines.some((line) => /^x-injected/i.test(line)), answer.lines.join("\n"));
      assert.equal(answer.status, 502);
    });
  }

  test("numbers written as text are numbers", async () => {
    assert.equal((await visit(urlHost, { statusCode: "201", body: "made" })).status, 201);
  });

  test("a wrong content-length does not reach the connection", async () => {
    for (const length of ["1", "1000000", "-1", "x"]) {
      const headers = { "content-length": length, "transfer-encoding": "chunked", connection: "x" };
      const answer = await visit(urlHost, { statusCode: 200, headers, body: "exactly" });
      assert.equal(answer.status, 200);
      assert.equal(answer.body, "exactly");
      assert.ok(answer.lines.includes(`x-amzn-remapped-content-length: ${length}`));
    }
  });

  test("cookies are lines of their own; commas split nothing", async () => {
    const cookies = ["a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT", "b=2, c=3"];
    const answer = await visit(urlHost, { statusCode: 200, cookies });
    const lines = answer.lines.filter((line) => /^set-cookie:/i.test(line));
    assert.deepEqual(
      lines.map((line) => line.slice("set-cookie: ".length)),
      cookies,
    );
  });

  test("a status without a body has none, whatever the function says", async () => {
    for (const statusCode of [204, 304]) {
      const answer = await visit(urlHost, { statusCode, body: "HTTP/1.1 200 OK\r\n\r\n" });
      assert.deepEqual([answer.status, answer.body], [statusCode, ""]);
    }
  });

  test("two answers on one connection stay apart", async () => {
    const path = Buffer.from(JSON.stringify({ statusCode: 204, body: "ghost" })).toString(
      "base64url",
    );
    const one = `GET /?${path} HTTP/1.1\r\nHost: ${urlHost}\r\n\r\n`;
    const last = `GET /?${path} HTTP/1.1\r\nHost: ${urlHost}\r\nConnection: close\r\n\r\n`;
    const answers = parseAnswers(await exchange(platform.port, one + last));
    assert.deepEqual(
      answers.map((answer) => answer.status),
      [204, 204],
    );
    await stillAnswers();
  });
});
