import assert from "node:assert/strict";
import { test } from "node:test";
import { createSeededRandom } from "#base/random.ts";
import type { Revision } from "#functions/registry/registry.ts";
import { lineBytesMax } from "./limits.ts";
import { continuedMarker, LineSplitter } from "./line-splitter.ts";
import { disarm, platformLines } from "./platform-lines.ts";
import type { InvocationReport } from "./pool.ts";
import { cpuMilliOf } from "./size.ts";
import { functionVariables } from "./variables.ts";

const revision = {
  name: "f",
  region: "eu-central-1",
  version: "$LATEST",
  runtime: "nodejs24.x",
  handler: "index.handler",
  memoryMiB: 128,
  egress: "platform",
  environment: {},
  logging: {
    format: "Text",
    applicationLevel: undefined,
    systemLevel: undefined,
    group: "/aws/lambda/f",
  },
} as unknown as Revision; // all that the functions under test look at
const report: InvocationReport = {
  requestId: "id",
  durationMs: 12.345,
  billedMs: 13,
  memoryMiB: 128,
  memoryPeakMiB: 70,
  initMs: undefined,
  traceId: undefined,
  status: "ok",
  errorType: undefined,
};

test("REPORT has the service's fields in the service's order", () => {
  const lines = platformLines(revision, () => 0);
  const common =
    "REPORT RequestId: id\tDuration: 12.35 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB\tMax Memory Used: 70 MB\t";
  assert.equal(lines.report(report), `${common}\n`);
  assert.equal(
    lines.report({ ...report, initMs: 99.999 }),
    `${common}Init Duration: 100.00 ms\t\n`,
  );
  assert.equal(lines.report({ ...report, status: "timeout" }), `${common}Status: timeout\t\n`);
  assert.equal(
    lines.report({ ...report, status: "error", errorType: "Runtime.OutOfMemory", initMs: 1 }),
    `${common}Init Duration: 1.00 ms\tStatus: error\tError Type: Runtime.OutOfMemory\t\n`,
  );
  assert.equal(
    lines.report({ ...report, status: "error", errorType: "TypeError" }),
    `${common}\n`,
    "a handler's own error is no failure of the platform",
  );
  assert.equal(
    lines.report({ ...report, traceId: "1-a-b" }),
    `${common}\nXRAY TraceId: 1-a-b\tSampled: true\t\n`,
  );
});

test("JSON platform events follow the system log level", () => {
  const at = (systemLevel: string) =>
    platformLines(
      { ...revision, logging: { ...revision.logging, format: "JSON", systemLevel } },
      () => 0,
    );
  assert.equal(at("WARN").start("id", "1"), undefined);
  assert.equal(at("WARN").report(report), undefined);
  assert.match(at("WARN").report({ ...report, status: "timeout" }) ?? "", /"status":"timeout"/);
  assert.equal(
    at("INFO").start("id", "1"),
    `{"time":"1970-01-01T00:00:00.000Z","type":"platform.start","record":{"requestId":"id","version":"1"}}\n`,
  );
});

test("lines that imitate the platform are told apart", () => {
  for (const line of [
    "REPORT RequestId: x",
    "END RequestId: x",
    "START",
    "INIT_START x",
    "2026-01-01 x Task timed out after 3.00 seconds",
    `{"a":1, "type" : "platform.report"}`,
  ])
    assert.equal(disarm(line), `[function] ${line}`);
  for (const line of [
    "reported",
    "STARTING",
    "my REPORT",
    `{"type":"\\u0061"}`,
    `{"type":"function"}`,
  ])
    assert.equal(disarm(line), line);
});

test("an imitation is told apart behind anything that does not show", () => {
  for (const [line, disarmed] of [
    [" \tREPORT x", " \t[function] REPORT x"],
    ["hidden\rREPORT x", "hidden\r[function] REPORT x"],
    ["a\u2028END x\x0bSTART x", "a\u2028[function] END x\x0b[function] START x"],
    ["\x1b[2K\x1b[1GREPORT x", "\x1b[2K\x1b[1G[function] REPORT x"],
    ["\u200b\0REPORT x", "\u200b\0[function] REPORT x"],
    [`{"type":"\\u0070latform.report"}`, `[function] {"type":"\\u0070latform.report"}`],
    [`{"\\u0074ype":"platform.report"}`, `[function] {"\\u0074ype":"platform.report"}`],
  ] as const)
    assert.equal(disarm(line), disarmed);
});

test("no line is slow to judge", () => {
  for (const piece of ["\r", " ", "\x1b", "\x1b[", "\x1b[0m", "\\u00", "REPORT ", '"type"']) {
    const line = `REPORT${piece.repeat(Math.floor(250_000 / piece.length))}REPORT`;
    const startedMs = performance.now();
    disarm(line);
    const tookMs = performance.now() - startedMs;
    assert.ok(tookMs < 1_000, `${JSON.stringify(piece)} took ${tookMs} ms`);
  }
});

test("lines come out whole however the bytes arrive", () => {
  const seed = Date.now() & 0xffff;
  const random = createSeededRandom(seed);
  for (let round = 0; round < 200; round++) {
    const lines = Array.from({ length: 5 }, () =>
      "ä€𝄞x".repeat(Math.floor(random.fraction() * 20)),
    );
    const bytes = Buffer.from(`${lines.join("\n")}\n`);
    const splitter = new LineSplitter();
    const out: string[] = [];
    for (let at = 0; at < bytes.length;) {
      const size = 1 + Math.floor(random.fraction() * 9);
      out.push(...splitter.push(bytes.subarray(at, at + size)));
      at += size;
    }
    assert.deepEqual(out, lines, `seed ${seed}`);
    assert.equal(splitter.flush(), undefined);
  }
});

test("a line without end comes in pieces of bounded size; a rest is kept until asked for", () => {
  const splitter = new LineSplitter();
  const out: string[] = [];
  for (let n = 0; n < 10; n++) out.push(...splitter.push(Buffer.alloc(100_000, "a")));
  const rest = splitter.flush() ?? "";
  assert.equal(out.length, 3);
  assert(
    out.every(
      (piece) =>
        piece.endsWith(continuedMarker) && piece.length === lineBytesMax + continuedMarker.length,
    ),
  );
  assert.equal(out.length * lineBytesMax + rest.length, 1_000_000);
  assert.deepEqual(splitter.push(Buffer.from("x\r\n\n")), ["x", ""]);
});

test("reserved variables cannot be set, the others can", () => {
  const credentials = { accessKeyId: "A", secretAccessKey: "S", sessionToken: "T", expiresAtMs: 0 };
  const environment = {
    AWS_REGION: "moon-1",
    _HANDLER: "x",
    PATH: "/mine",
    AWS_ENDPOINT_URL: "http://other",
    OWN: "1",
  };
  const place = {
    initializationType: "on-demand" as const,
    logStream: "stream",
    endpointPort: 4566,
    proxyPort: 3128,
  };
  const variables = functionVariables({ ...revision, environment }, credentials, place);
  assert.equal(variables["AWS_REGION"], "eu-central-1");
  assert.equal(variables["_HANDLER"], "index.handler");
  assert.equal(variables["PATH"], "/mine");
  assert.equal(variables["AWS_ENDPOINT_URL"], "http://other");
  assert.equal(variables["OWN"], "1");
  assert.equal(variables["HTTPS_PROXY"], undefined);
  assert.equal(
    variables["NODE_PATH"],
    "/opt/nodejs/node24/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules:/var/runtime:/var/task",
  );
  assert.equal(
    functionVariables({ ...revision, egress: "internet" }, credentials, place)["HTTPS_PROXY"],
    "http://127.0.0.1:3128",
  );
});

test("CPU follows memory: a whole one at 1,769 MB", () => {
  assert.equal(cpuMilliOf(1_769), 1_000);
  assert.equal(cpuMilliOf(128), 72);
  assert.equal(cpuMilliOf(10_240), 5_789);
});
