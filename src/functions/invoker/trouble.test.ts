import assert from "node:assert/strict";
import { after, test } from "node:test";
import { RecursionError, ThrottledError } from "./invoker.ts";
import { contextOf, startPlatform, targetOf } from "./testing/platform.ts";
import { systemClock } from "#base/clock.ts";

const platform = await startPlatform({ accountConcurrency: 10 });
after(() => platform[Symbol.asyncDispose]());

const environmentsOf = (functionArn: string): number =>
  platform.pool
    .snapshot()
    .environments.filter((one) => one.functionArn === functionArn && one.state !== "ending").length;

test("a function that takes too long is killed, told so, and its environment is gone", async () => {
  const revision = await platform.deploy(
    `export const handler = async () => { console.log("begun"); await new Promise(() => setInterval(() => {}, 1000)); };`,
    { timeoutMs: 1_000 },
  );
  const called = await platform.call(revision, {}, { tailLog: true });
  assert.equal(called.outcome.kind, "timeout");
  assert.deepEqual(called.json, {
    errorType: "Sandbox.Timedout",
    errorMessage: `RequestId: ${called.context.requestId} Error: Task timed out after 1.00 seconds`,
  });
  assert.match(called.tail, /begun\n/);
  assert.match(
    called.tail,
    /\n\S+Z [0-9a-f-]{36} Task timed out after 1\.00 seconds\nEND RequestId: .*\nREPORT .*Duration: 1000\.00 ms\t.*Status: timeout\t\n$/,
  );
  assert.equal(environmentsOf(revision.functionArn), 0);
});

test("a busy loop is killed on time too", async () => {
  const revision = await platform.deploy(`export const handler = async () => { for (;;); };`, {
    timeoutMs: 1_000,
  });
  assert.equal((await platform.call(revision)).outcome.kind, "timeout");
});

test("more memory than the function has: killed, with the service's two names for it", async () => {
  const revision = await platform.deploy(
    `export const handler = async () => { const kept = []; for (;;) kept.push(Buffer.alloc(8 << 20, 1)); };`,
    { memoryMiB: 128, timeoutMs: 30_000 },
  );
  const called = await platform.call(revision, {}, { tailLog: true });
  assert.equal(called.outcome.kind, "out-of-memory", called.text);
  assert.deepEqual(called.json, {
    errorType: "Runtime.ExitError",
    errorMessage: `RequestId: ${called.context.requestId} Error: Runtime exited with error: signal: killed`,
  });
  assert.match(
    called.tail,
    /Max Memory Used: 12\d MB\t.*Status: error\tError Type: Runtime\.OutOfMemory\t\n$/,
  );
});

test("a process that exits in the middle: exit status, or no reason for zero", async () => {
  const revision = await platform.deploy(
    `export const handler = async (event) => { console.log("last words"); process.exit(event.code); };`,
  );
  const seven = await platform.call(revision, { code: 7 }, { tailLog: true });
  assert.equal(seven.outcome.kind, "crash");
  assert.deepEqual(seven.json, {
    errorType: "Runtime.ExitError",
    errorMessage: `RequestId: ${seven.context.requestId} Error: Runtime exited with error: exit status 7`,
  });
  assert.match(seven.tail, /last words\n[^]*exit status 7\nRuntime\.ExitError\nEND/);
  const zero = await platform.call(revision, { code: 0 });
  assert.match(zero.text, /Runtime exited without providing a reason/);
});

test("code that throws, exits or never ends while it is loaded", async () => {
  const throwing = await platform.deploy(
    `throw new TypeError("at load"); export const handler = 1;`,
  );
  const thrown = await platform.call(throwing, {}, { tailLog: true });
  assert.equal((thrown.json as { errorType: string }).errorType, "TypeError");
  assert.equal(thrown.outcome.kind, "function-error");
  assert.match(thrown.tail, /^START[^]*END[^]*REPORT/);
  assert.match(
    platform.logText(),
    /INIT_REPORT Init Duration: [\d.]+ ms\tPhase: init\tStatus: error\tError Type: TypeError\n/,
  );

  const exiting = await platform.deploy(`process.exit(3); export const handler = 1;`);
  const exited = await platform.call(exiting);
  assert.equal(exited.outcome.kind, "crash");
  assert.deepEqual(exited.json, {
    errorType: "Runtime.ExitError",
    errorMessage: `RequestId: ${exited.context.requestId} Error: Runtime exited with error: exit status 3`,
  });
  const missing = await platform.deploy(`export const other = 1;`);
  assert.match((await platform.call(missing)).text, /Runtime\.HandlerNotFound/);
});

test("an init without end is stopped after ten seconds and once more after the function's timeout", async () => {
  const revision = await platform.deploy(
    `await new Promise(() => setInterval(() => {}, 1000)); export const handler = 1;`,
    { timeoutMs: 1_000 },
  );
  const called = await platform.call(revision);
  assert.equal(called.outcome.kind, "timeout");
  assert.match(called.text, /Task timed out after 1\.00 seconds/);
  assert.match(
    platform.logText(),
    /INIT_REPORT Init Duration: 1\d{4}\.\d\d ms\tPhase: init\tStatus: timeout\n/,
  );
  assert.match(
    platform.logText(),
    /INIT_REPORT Init Duration: 1\d{3}\.\d\d ms\tPhase: invoke\tStatus: timeout\n/,
  );
});

test("a response beyond six megabytes is the function's error", async () => {
  const revision = await platform.deploy(`export const handler = async () => "x".repeat(7e6);`, {
    memoryMiB: 512,
  });
  const called = await platform.call(revision);
  assert.equal(called.outcome.kind, "function-error");
  assert.deepEqual(called.json, {
    errorType: "Function.ResponseSizeTooLarge",
    errorMessage: "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
  });
});

test("a stream without end ends with the function's time", async () => {
  const revision = await platform.deploy(
    `export const handler = awslambda.streamifyResponse(async (event, stream) => { for (;;) { stream.write("x".repeat(1000)); await new Promise((go) => setTimeout(go, 5)); } });`,
    { timeoutMs: 1_000 },
  );
  const context = contextOf(platform.tracer, systemClock);
  const result = await platform.invoker.invoke({
    target: targetOf(revision),
    payload: Buffer.from("{}"),
    context,
    streaming: true,
  });
  assert(!(result.payload instanceof Uint8Array));
  let bytes = 0;
  await assert.rejects(async () => {
    for await (const chunk of result.payload as AsyncIterable<Uint8Array>) bytes += chunk.length;
  });
  assert(bytes > 0);
  assert.equal((await result.outcome).kind, "timeout");
});

test("a reader that leaves does not end the function", async () => {
  const revision = await platform.deploy(
    `export const handler = awslambda.streamifyResponse(async (event, stream) => { for (let n = 0; n < 20; n++) { stream.write("x".repeat(100_000)); await new Promise((go) => setTimeout(go, 5)); } stream.end(); console.log("to the end"); });`,
  );
  const context = contextOf(platform.tracer, systemClock);
  const result = await platform.invoker.invoke({
    target: targetOf(revision),
    payload: Buffer.from("{}"),
    context,
    streaming: true,
    tailLog: true,
  });
  for await (const _ of result.payload as AsyncIterable<Uint8Array>) break;
  assert.equal((await result.outcome).kind, "ok");
  assert.match(Buffer.from((await result.logTail) ?? []).toString(), /to the end/);
});

test("lines that look like the platform's are marked", async () => {
  const revision = await platform.deploy(
    `export const handler = async (event, context) => {
      process.stdout.write("REPORT RequestId: " + context.awsRequestId + "\\tDuration: 0.01 ms\\tBilled Duration: 1 ms\\n");
      process.stdout.write("END RequestId: " + context.awsRequestId + "\\n");
      process.stdout.write('{"type":"platform.report"}\\n');
      process.stdout.write("a Report of mine\\n");
    };`,
  );
  const { tail } = await platform.call(revision, {}, { tailLog: true });
  assert.equal(tail.match(/^REPORT /gm)?.length, 1);
  assert.equal(tail.match(/^END /gm)?.length, 1);
  assert.match(tail, /^\[function\] REPORT RequestId/m);
  assert.match(tail, /^\[function\] \{"type":"platform\.report"\}$/m);
  assert.match(tail, /^a Report of mine$/m);
});

test("a flood of output is cut, counted, and hurts nobody else", async () => {
  const flood = await platform.deploy(
    `import { writeSync } from "node:fs"; const line = Buffer.from(("y".repeat(1023) + "\\n").repeat(64));
     export const handler = async () => { const until = Date.now() + 1500; let bytes = 0; while (Date.now() < until) { try { bytes += writeSync(1, line); } catch {} } return bytes; };`,
    { timeoutMs: 20_000, memoryMiB: 1_769 },
  );
  const quiet = await platform.deploy(`export const handler = async () => 1;`);
  await platform.call(quiet);
  const flooding = platform.call(flood, {}, { tailLog: true });
  const times: number[] = [];
  for (let n = 0; n < 50; n++) {
    const startedMs = performance.now();
    await platform.call(quiet);
    times.push(performance.now() - startedMs);
  }
  const { json, outcome } = await flooding;
  assert.equal(outcome.kind, "ok");
  const kept =
    [...platform.logs.values()].flat().filter((line) => line.startsWith("yyyy")).length * 1024;
  console.log(
    `flood: ${Number(json) >> 20} MiB printed, ${kept >> 20} MiB kept, neighbour's slowest ${Math.max(...times).toFixed(0)} ms`,
  );
  assert(Number(json) > kept);
  assert.match(platform.logText(), /\[platform\] dropped \d+ lines \(\d+ bytes\)/);
  platform.logs.clear();
});

test("a line without end is cut into events, bytes that are no text are replaced", async () => {
  const revision = await platform.deploy(
    `import { writeSync } from "node:fs"; export const handler = async () => {
      const all = Buffer.concat([Buffer.alloc(600_000, "z"), Buffer.from([0x0a, 0xff, 0xfe, 0x41])]);
      for (let at = 0; at < all.length;) try { at += writeSync(1, all, at); } catch {} };`,
  );
  await platform.call(revision);
  const pieces = [...platform.logs.values()].flat().filter((line) => line.startsWith("zzz"));
  assert.equal(pieces.length, 3);
  assert(pieces.every((piece) => Buffer.byteLength(piece) <= 256 * 1024));
  assert.match(platform.logText(), /\ufffd\ufffdA\n/);
});

test("reserved concurrency: zero never runs, one runs once, and the account has an end", async () => {
  const revision = await platform.deploy(
    `export const handler = async (event) => { await new Promise((go) => setTimeout(go, event.ms ?? 0)); };`,
  );
  const throttled = (reason: ThrottledError["reason"]) => (error: unknown) =>
    error instanceof ThrottledError && error.reason === reason;
  const reserved = throttled("ReservedFunctionConcurrentInvocationLimitExceeded");
  await assert.rejects(platform.call(revision, {}, { reservedConcurrency: 0 }), reserved);
  const running = platform.call(revision, { ms: 500 }, { reservedConcurrency: 1 });
  await assert.rejects(platform.call(revision, {}, { reservedConcurrency: 1 }), reserved);
  await running;
  await platform.call(revision, {}, { reservedConcurrency: 1 });
  const crowd = Array.from({ length: 10 }, () => platform.call(revision, { ms: 1_000 }));
  await assert.rejects(platform.call(revision), throttled("ConcurrentInvocationLimitExceeded"));
  await Promise.all(crowd);
  await platform.call(revision);
  platform.pool.retire(revision.functionArn, undefined);
});

test("the seventeenth hop of a chain is not made", async () => {
  const revision = await platform.deploy(`export const handler = async () => 1;`);
  const at = (hops: number) => ({ context: { trace: { ...platform.tracer.newTrace(), hops } } });
  await platform.call(revision, {}, at(15));
  await assert.rejects(platform.call(revision, {}, at(16)), RecursionError);
});

test("an unknown runtime is an error that names itself", async () => {
  const revision = await platform.deploy(`export const handler = 1;`, { runtime: "cobol85" });
  await assert.rejects(platform.call(revision), {
    code: "runtime.unavailable",
    message: /cobol85/,
  });
  assert.equal(platform.invoker.runningCount, 0);
});
