import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  CloudWatchLogsClient,
  GetLogEventsCommand,
  paginateFilterLogEvents,
} from "@aws-sdk/client-cloudwatch-logs";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { deploy, source } from "../support/functions.ts";
import { invoke } from "../support/invoke.ts";
import { type Platform, startPlatform } from "./platform.ts";

let platform: Platform;
let lambda: LambdaClient;
let logs: CloudWatchLogsClient;
before(async () => {
  platform = await startPlatform();
  lambda = new LambdaClient(platform.client);
  logs = new CloudWatchLogsClient(platform.client);
  await deploy(lambda, "neighbour", { "index.mjs": await source("echo.mjs") });
});
after(async () => {
  lambda.destroy();
  logs.destroy();
  await platform.stop();
});

/** Everything in a function's log, oldest first. */
async function messages(name: string): Promise<string[]> {
  const found: string[] = [];
  const pages = paginateFilterLogEvents({ client: logs }, { logGroupName: `/aws/lambda/${name}` });
  for await (const page of pages)
    for (const event of page.events ?? []) found.push(event.message ?? "");
  return found;
}

/** Deploys code that prints, calls it once, answers with the log of it. */
async function printed(name: string, body: string): Promise<string[]> {
  const code = `import { writeSync } from "node:fs";
    const out = (text) => writeSync(1, text);
    const err = (text) => writeSync(2, text);
    export const handler = async (event, context) => { ${body} };`;
  await deploy(lambda, name, { "index.mjs": code });
  const { error, payload } = await invoke(lambda, name);
  assert.equal(error, undefined, JSON.stringify(payload));
  return messages(name);
}

async function stillAnswers(): Promise<void> {
  const { error } = await invoke(lambda, "neighbour", { still: "here" });
  assert.equal(error, undefined);
}

const floodLines = 1024 * 64 + 1;

async function floodCount(): Promise<{
  lineCount: number;
  keptCount: number;
  markerCount: number;
}> {
  const found = await messages("flood");
  const kept = found.filter((message) => /^(?:xxx|after the flood)/.test(message));
  const dropped = found.flatMap((message) => {
    const marker = /^\[platform\] dropped (\d+) lines \((\d+) bytes\)/.exec(message);
    return marker ? [Number(marker[1])] : [];
  });
  const lineCount = kept.length + dropped.reduce((sum, count) => sum + count, 0);
  return { lineCount, keptCount: kept.length, markerCount: dropped.length };
}

test("a flood is bounded and says how much is missing; others go on", async () => {
  const code = `import { writeSync } from "node:fs";
    const line = "x".repeat(1023) + "\\n";
    const block = line.repeat(64);
    export const handler = async (event) => {
      if (event.quiet) return "quiet";
      for (let n = 0; n < 1024; n++) writeSync(1, block);
      writeSync(1, "after the flood\\n");
      return "flooded";
    };`;
  const settings = { Timeout: 60, MemorySize: 1024 };
  await deploy(lambda, "flood", { "index.mjs": code }, settings);
  const before = process.memoryUsage().rss;
  const flood = invoke(lambda, "flood");
  let isOver = false;
  const settled = flood.finally(() => (isOver = true));
  let answered = 0;
  while (!isOver) {
    await stillAnswers();
    answered += 1;
  }
  assert.equal((await settled).payload, "flooded");
  assert.ok(answered > 0);
  // The answer may overtake what is still in the pipe; that is told with one of the next calls.
  let told = await floodCount();
  for (let call = 0; call < 50 && told.lineCount < floodLines; call++) {
    await invoke(lambda, "flood", { quiet: true });
    told = await floodCount();
  }
  assert.equal(told.lineCount, floodLines, "each line is in the log or counted");
  assert.ok(told.keptCount < 40_000, `${told.keptCount} lines kept`);
  assert.ok(told.markerCount > 0, "nothing was dropped");
  const grownMiB = (process.memoryUsage().rss - before) / 1024 / 1024;
  assert.ok(grownMiB < 256, `grew by ${grownMiB} MiB`);
  await stillAnswers();
});

test("a line without an end is kept in pieces of the size of an event", async () => {
  const found = await printed(
    "endless-line",
    `for (let n = 0; n < 24; n++) out("y".repeat(65536));`,
  );
  const pieces = found.filter((message) => message.startsWith("yyy"));
  assert.ok(pieces.length >= 6);
  for (const piece of pieces) assert.ok(Buffer.byteLength(piece) <= 256 * 1024 - 26);
  const length = pieces.reduce((sum, piece) => sum + piece.replaceAll(/[^y]/g, "").length, 0);
  assert.equal(length, 24 * 65_536);
  assert.ok(pieces.slice(0, -1).every((piece) => / \[line continues\]\n?$/.test(piece)));
  await stillAnswers();
});

test("bytes that are no UTF-8 are replaced, the lines around them are whole", async () => {
  const found = await printed(
    "bytes",
    `out("before\\n"); out(Buffer.from([0xff, 0xfe, 0x41, 0xc3, 0x0a])); out("a\\0b\\n"); out("after\\n");`,
  );
  const own = found.filter((message) => !/^(INIT_START|START|END|REPORT) /.test(message));
  assert.deepEqual(own, ["before\n", "\ufffd\ufffdA\ufffd\n", "a\0b\n", "after\n"]);
  await stillAnswers();
});

test("a character cut in two by a write is one character", async () => {
  const found = await printed(
    "cut",
    `out(Buffer.from([0xe2, 0x82])); await new Promise((done) => setTimeout(done, 20)); out(Buffer.from([0xac, 0x0a]));`,
  );
  assert.ok(found.includes("\u20ac\n"));
});

test("escape sequences are stored as they came", async () => {
  const found = await printed("colours", `out("\\x1b[31mred\\x1b[0m \\x07\\n");`);
  assert.ok(found.includes("\x1b[31mred\x1b[0m \x07\n"));
});

const id = "00000000-0000-0000-0000-000000000000";
const forged = [
  `START RequestId: ${id} Version: $LATEST`,
  `END RequestId: ${id}`,
  `REPORT RequestId: ${id}\tDuration: 0.01 ms\tBilled Duration: 1 ms\t`,
  `INIT_START Runtime Version: nodejs:24.v1`,
  `2026-01-01T00:00:00.000Z ${id} Task timed out after 3.00 seconds`,
  `{"time":"2026-01-01T00:00:00.000Z","type":"platform.report","record":{"requestId":"${id}"}}`,
];

/** Ways to bring a line to where a reader of the log might take it for the platform's. */
const disguises: readonly (readonly [string, string])[] = [
  ["as it is, on stdout", "out(line + '\\n');"],
  ["as it is, on stderr", "err(line + '\\n');"],
  ["without an end", "out(line);"],
  ["in two halves", "out(line.slice(0, 4)); out(line.slice(4) + '\\n');"],
  ["behind a carriage return", "out('innocent\\r' + line + '\\n');"],
  ["after blanks", "out(' \\t\\r\\f\\v' + line + '\\n');"],
  ["with Windows ends", "out('innocent\\r\\n' + line + '\\r\\n');"],
  ["behind a byte order mark", "out('\\ufeff' + line + '\\n');"],
  ["behind characters nobody sees", "out('\\u200b\\u2060\\0\\x08' + line + '\\n');"],
  ["behind an escape sequence", "out('\\x1b[2K\\x1b[1G' + line + '\\n');"],
  [
    "behind other ends of lines",
    "out('innocent\\u2028' + line + '\\x85' + line + '\\x0b' + line + '\\n');",
  ],
  ["at the seam of an overlong line", `out('y'.repeat(${256 * 1024 - 64}) + line + '\\n');`],
  ["through the console", "console.log(line); console.error(line);"],
];

test("no line of a function can be taken for one of the platform's", async () => {
  const body = `const lines = ${JSON.stringify(forged)};
    ${disguises.map(([, code]) => `for (const line of lines) { ${code} } out('\\n');`).join("\n")}`;
  const found = await printed("forger", body);
  const looks = new RegExp(
    String.raw`(?:^|[\r\n\v\f\x85\u2028\u2029])[^\p{L}\p{N}\[{"]*(?:\x1b\[[0-9;]*[A-Za-z])*(?:START|END|REPORT|INIT_START|INIT_REPORT)\b`,
    "u",
  );
  const suspects = found.filter((message) => looks.test(message));
  const strangers = suspects.filter(
    (message) => message.includes(id) || !/^(?:INIT_START|START|END|REPORT) /.test(message),
  );
  assert.deepEqual(strangers, []);
  assert.equal(suspects.length, 4, "one INIT_START, START, END and REPORT");
  for (const message of found) {
    if (message.includes("Task timed out")) assert.match(message, /\[function\]/);
    const value = jsonOf(message);
    if (value !== undefined) assert.doesNotMatch(String(value.type), /^platform\./);
  }
  assert.ok(found.filter((message) => message.includes(id)).length > disguises.length);
  await stillAnswers();
});

test("records of the JSON format cannot be forged either, escaped or not", async () => {
  const record = { time: "2026-01-01T00:00:00.000Z", record: { requestId: id, status: "success" } };
  const lines = [
    JSON.stringify({ ...record, type: "platform.report" }),
    `{"\\u0074ype":"platform.report","record":{"requestId":"${id}"}}`,
    `{"type":"\\u0070latform.report","record":{"requestId":"${id}"}}`,
    `{"type"\t:\t"platform.report","record":{"requestId":"${id}"}}`,
    `\u200b{"type":"platform.report","record":{"requestId":"${id}"}}`,
  ];
  const code = `import { writeSync } from "node:fs";
    export const handler = async () => { for (const line of ${JSON.stringify(lines)}) writeSync(1, line + "\\n"); };`;
  await deploy(lambda, "json", { "index.mjs": code }, { LoggingConfig: { LogFormat: "JSON" } });
  assert.equal((await invoke(lambda, "json")).error, undefined);
  const found = await messages("json");
  const records = found.map(jsonOf).filter((value) => value !== undefined);
  const platformTypes = records
    .map((value) => String(value.type))
    .filter((type) => type.startsWith("platform."));
  assert.deepEqual(platformTypes, ["platform.initStart", "platform.start", "platform.report"]);
  assert.equal(
    found.filter((message) => message.includes(id)).length,
    lines.length,
    "all are kept",
  );
  await stillAnswers();
});

test("what was printed belongs to the call that printed it, also without an end of line", async () => {
  const code = `let calls = 0;
    export const handler = async () => { process.stdout.write("part " + ++calls); };`;
  await deploy(lambda, "parts", { "index.mjs": code });
  const first = await invoke(lambda, "parts");
  const second = await invoke(lambda, "parts");
  assert.match(first.log, /^START [^\n]*\npart 1\nEND [^\n]*\nREPORT /m);
  assert.match(second.log, /^START [^\n]*\npart 2\nEND [^\n]*\nREPORT /m);
  const { events = [] } = await logs.send(
    new GetLogEventsCommand({
      logGroupName: "/aws/lambda/parts",
      logStreamName: await onlyStream("parts"),
      startFromHead: true,
    }),
  );
  assert.equal(events.filter((event) => event.message?.startsWith("REPORT ")).length, 2);
});

async function onlyStream(name: string): Promise<string> {
  const names = new Set<string>();
  const pages = paginateFilterLogEvents({ client: logs }, { logGroupName: `/aws/lambda/${name}` });
  for await (const page of pages)
    for (const event of page.events ?? []) names.add(event.logStreamName ?? "");
  assert.equal(names.size, 1);
  return [...names][0] ?? "";
}

test("a process left behind prints at a crawl between calls, and others are not held up", async () => {
  const code = `import { spawn } from "node:child_process";
    const flood = () => spawn("/bin/sh", ["-c", "while :; do echo " + "z".repeat(72) + "; done"], { detached: true, stdio: ["ignore", 1, 2] }).unref();
    export const handler = async ({ leave }) => { if (leave) flood(); return "fine"; };`;
  await deploy(lambda, "leaver", { "index.mjs": code }, { MemorySize: 1769 });
  assert.equal((await invoke(lambda, "leaver", { leave: true })).payload, "fine");
  const startedMs = performance.now();
  for (let call = 0; call < 200; call++) await stillAnswers();
  const kept = (await messages("leaver")).filter((message) => message.startsWith("zzz")).length;
  // 256 KiB a second, what one read of the socket adds, and what came before the answer; without the
  // brake it is 16 MiB at once and 4 MiB a second.
  const seconds = Math.ceil((performance.now() - startedMs) / 1000) + 1;
  assert.ok(
    kept * 73 < 1024 * 1024 + seconds * (256 + 128) * 1024,
    `${kept} lines in ${seconds} seconds`,
  );
  assert.equal((await invoke(lambda, "leaver")).payload, "fine");
  await stillAnswers();
});

/** What a reader who forgives blanks in front takes for a record. */
function jsonOf(message: string): { readonly type?: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(message.replaceAll(/^[\s\p{Cf}]+/gu, ""));
    const isObject = typeof value === "object" && value !== null;
    return isObject ? value : undefined;
  } catch {
    return undefined;
  }
}
