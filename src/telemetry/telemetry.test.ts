import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import type { TraceContext } from "#base/context.ts";
import { createVirtualClock, systemClock } from "#base/clock.ts";
import { createSeededRandom, systemRandom } from "#base/random.ts";
import { spansPerTraceMax, tracesMax } from "./limits.ts";
import { createLogger } from "./log.ts";
import { createTelemetry } from "./telemetry.ts";
import { formatTraceHeader, parseTraceHeader } from "./trace-header.ts";
import { createTracer } from "./tracer.ts";

const startMs = Date.UTC(2026, 10, 21);

test("spans of a trace come back as a tree in order of their start", async () => {
  const clock = createVirtualClock(startMs);
  const tracer = createTracer({ clock, random: createSeededRandom(1) });
  const root = tracer.span(tracer.newTrace(), "request", { path: "/" });
  await clock.advance(5);
  const child = tracer.span(root.context, "handler");
  await clock.advance(10);
  child.fail("Boom");
  child.end();
  root.end();
  root.end();
  const spans = tracer.find(root.context.traceId);
  assert.deepEqual(
    spans.map(({ name, startMs: start, endMs, error }) => [
      name,
      start - startMs,
      endMs - startMs,
      error,
    ]),
    [
      ["request", 0, 15, undefined],
      ["handler", 5, 15, "Boom"],
    ],
  );
  assert.equal(spans[1]?.parentId, spans[0]?.spanId);
  assert.match(root.context.traceId, /^1-[0-9a-f]{8}-[0-9a-f]{24}$/);
  const [summary] = tracer.recent(10);
  assert.deepEqual(summary, {
    traceId: root.context.traceId,
    startMs,
    durationMs: 15,
    rootName: "request",
    spanCount: 2,
    failed: true,
  });
});

test("what is kept is bounded: old traces are forgotten, long ones are cut", () => {
  const tracer = createTracer({
    clock: createVirtualClock(startMs),
    random: createSeededRandom(2),
  });
  const sampled = (): TraceContext => ({ ...tracer.newTrace(), sampled: true });
  const first = sampled();
  tracer.record(first, "one", 0, 1);
  for (let count = 0; count < tracesMax; count++) tracer.record(sampled(), "x", 0, 1);
  assert.deepEqual(tracer.find(first.traceId), []);
  const long = sampled();
  for (let count = 0; count < spansPerTraceMax + 10; count++) tracer.record(long, "x", 0, 1);
  assert.equal(tracer.find(long.traceId).length, spansPerTraceMax);
});

test("of many traces in a second the first hundred are recorded, then one in twenty", async () => {
  const clock = createVirtualClock(startMs);
  const tracer = createTracer({ clock, random: createSeededRandom(3) });
  const recorded = (): number => {
    const traces = Array.from({ length: 1_100 }, () => tracer.newTrace());
    for (const trace of traces) tracer.span(trace, "request").end();
    const found = traces.filter((trace) => tracer.find(trace.traceId).length > 0);
    assert.deepEqual(
      found.map((trace) => trace.traceId),
      traces.filter((trace) => trace.sampled).map((trace) => trace.traceId),
    );
    return found.length;
  };
  assert.equal(recorded(), 150);
  await clock.advance(1_000);
  assert.equal(recorded(), 150);
});

test("the trace header is read and written in X-Ray's form; hops are not believed", () => {
  const text =
    "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0;Lineage=a:9";
  const context = parseTraceHeader(text);
  assert.deepEqual(context, {
    traceId: "1-5759e988-bd862e3fe1be46a994272793",
    spanId: "53995c3f42cd8ad8",
    sampled: false,
    hops: 0,
  });
  assert.equal(
    context && formatTraceHeader({ ...context, hops: 3 }),
    "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0;Lineage=5759e988:3",
  );
  for (const bad of [
    undefined,
    "",
    "Root=1-2-3",
    "Root",
    "x".repeat(600),
    "Root=1-XXXXXXXX-bd862e3fe1be46a994272793",
  ]) {
    assert.equal(parseTraceHeader(bad), undefined);
  }
});

test("log lines are JSON, filtered by level, and never throw", () => {
  const lines: string[] = [];
  const clock = createVirtualClock(startMs);
  const log = createLogger({ clock, level: "info", write: (line) => void lines.push(line) });
  log.event("a.b", { sizeBytes: 3, big: 12n, error: new TypeError("no") });
  log.event("hidden", { level: "debug" });
  const loop: Record<string, unknown> = {};
  loop["self"] = loop;
  log.event("loop", { loop });
  assert.deepEqual(
    lines.map((line) => JSON.parse(line) as unknown),
    [
      {
        time: "2026-11-21T00:00:00.000Z",
        level: "info",
        event: "a.b",
        sizeBytes: 3,
        big: "12",
        error: { name: "TypeError", message: "no" },
      },
      { time: "2026-11-21T00:00:00.000Z", level: "warn", event: "log.unserialisable" },
    ],
  );
});

test("spans reach an OTLP collector over HTTP, and what is queued is sent at the end", async () => {
  const bodies: string[] = [];
  const collector = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (chunk: string) => void (body += chunk));
    request.on("end", () => {
      bodies.push(`${request.method} ${request.url} ${body}`);
      response.end("{}");
    });
  }).listen(0, "127.0.0.1");
  await once(collector, "listening");
  const { port } = collector.address() as AddressInfo; // a TCP server
  const telemetry = createTelemetry({
    clock: systemClock,
    random: systemRandom,
    logLevel: "warn",
    write: () => undefined,
    otlpEndpoint: `http://127.0.0.1:${port}/`,
  });
  const trace = telemetry.tracer.newTrace();
  telemetry.tracer.record(trace, "work", startMs, startMs + 2, { bytes: 7, ok: true, ratio: 0.5 });
  await telemetry[Symbol.asyncDispose]();
  collector.close();
  assert.equal(bodies.length, 1);
  assert.match(bodies[0] ?? "", /^POST \/v1\/traces /);
  const span = /"spans":\[(.*)\]\}\]\}\]/.exec(bodies[0] ?? "")?.[1] ?? "{}";
  const { traceId, startTimeUnixNano, name } = JSON.parse(span) as Record<string, string>;
  assert.equal(traceId, trace.traceId.slice(2).replace("-", ""));
  assert.equal(startTimeUnixNano, `${startMs}000000`);
  assert.equal(name, "work");
});
