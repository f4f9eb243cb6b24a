// Not from `base`: those timers do not keep a process alive, and here nothing else may.
import { setTimeout as pause } from "node:timers/promises";
import { systemClock } from "#base/clock.ts";
import { uuid } from "#base/ids.ts";
import { systemRandom } from "#base/random.ts";
import { key } from "#storage/keys.ts";
import type { Store } from "#storage/storage.ts";
import { createCloudwatchLogs, type CloudwatchLogs } from "./cloudwatch-logs.ts";
import { flushDelayMs } from "./limits.ts";

/** What keeping the lines of warm invocations costs the thread that serves them. */
export interface LogsBench extends AsyncDisposable {
  /** Writes `count` invocations as the pool does, `perSecond` of them, and waits until all are stored. */
  write(count: number, perSecond: number): Promise<LogsCost>;
  /** The floor: the same lines joined and put as one value every 50 ms, findable by nothing. */
  writeBare(count: number, perSecond: number): Promise<number>;
}

export interface LogsCost {
  /** Microseconds of processor time of the calling thread per invocation, beyond making the lines. */
  readonly mainThreadUs: number;
  /** Milliseconds the event loop was late at worst. */
  readonly lateMs: number;
  /** Bytes of the lines, and by how many the store grew, per invocation. */
  readonly lineBytes: number;
  readonly storedBytes: number;
}

/** `streamCount` environments share the invocations. */
export function openLogsBench(store: Store, streamCount: number): LogsBench {
  const logs = createCloudwatchLogs({
    store,
    clock: systemClock,
    random: systemRandom,
    log: { event: () => undefined },
  });
  const streams = Array.from(
    { length: streamCount },
    () => `2026/03/01/[$LATEST]${uuid(systemRandom).replaceAll("-", "")}`,
  );
  const write = async (count: number, perSecond: number): Promise<LogsCost> => {
    const before = (await store.usage()).bytes;
    const idle = await pace(count, perSecond, (at) => void linesOf(uuid(systemRandom), at));
    const busy = await pace(count, perSecond, (at) => invocation(logs, streams, at));
    const flushStart = process.threadCpuUsage();
    await logs.flush();
    const flushed = process.threadCpuUsage(flushStart);
    return {
      mainThreadUs: (busy.cpuUs + flushed.user + flushed.system - idle.cpuUs) / count,
      lateMs: busy.lateMs,
      lineBytes: lineBytesOf(streams),
      storedBytes: ((await store.usage()).bytes - before) / count,
    };
  };
  const writeBare = async (count: number, perSecond: number): Promise<number> => {
    const idle = await pace(count, perSecond, (at) => void linesOf(uuid(systemRandom), at));
    let lines: string[] = [];
    let sinceMs = systemClock.monotonicMs();
    let written = Promise.resolve();
    const flush = (): void => {
      const value = Buffer.from(lines.join(""));
      written = store.write((tx) => tx.put(key("bench", systemClock.nowMs()), value));
      lines = [];
      sinceMs = systemClock.monotonicMs();
    };
    const busy = await pace(count, perSecond, (at) => {
      lines.push(...linesOf(uuid(systemRandom), at));
      if (systemClock.monotonicMs() - sinceMs > flushDelayMs) flush();
    });
    await written;
    return (busy.cpuUs - idle.cpuUs) / count;
  };
  return { write, writeBare, [Symbol.asyncDispose]: () => logs[Symbol.asyncDispose]() };
}

const group = { accountId: "123456789012", region: "us-east-1", name: "/aws/lambda/hello" };

/** START when it begins, END and REPORT when it is over. */
function invocation(logs: CloudwatchLogs, streams: readonly string[], at: number): void {
  const stream = streams[at % streams.length] ?? "";
  const [start, ...rest] = linesOf(uuid(systemRandom), at);
  const timestampMs = systemClock.nowMs();
  const writer = logs.sink.open(group, stream);
  writer.write(timestampMs, start ?? "");
  for (const message of rest) writer.write(timestampMs, message);
}

function linesOf(requestId: string, at: number): readonly string[] {
  const ms = (0.2 + (at % 97) / 100).toFixed(2);
  return [
    `START RequestId: ${requestId} Version: $LATEST\n`,
    `END RequestId: ${requestId}\n`,
    `REPORT RequestId: ${requestId}\tDuration: ${ms} ms\tBilled Duration: 1 ms\tMemory Size: 128 MB\tMax Memory Used: 52 MB\t\n`,
  ];
}

function lineBytesOf(streams: readonly string[]): number {
  return linesOf(uuid(systemRandom), streams.length).join("").length;
}

/** As many calls per turn of the event loop as are due, in ticks of a millisecond or more. */
async function pace(
  count: number,
  perSecond: number,
  call: (at: number) => void,
): Promise<{ readonly cpuUs: number; readonly lateMs: number }> {
  const cpuStart = process.threadCpuUsage();
  const startMs = systemClock.monotonicMs();
  let lateMs = 0;
  for (let at = 0; at < count;) {
    const dueMs = systemClock.monotonicMs() + 1;
    await pause(1);
    const nowMs = systemClock.monotonicMs();
    lateMs = Math.max(lateMs, nowMs - dueMs);
    const end = Math.min(count, ((nowMs - startMs) / 1_000) * perSecond);
    while (at < end) call(at++);
  }
  const used = process.threadCpuUsage(cpuStart);
  return { cpuUs: used.user + used.system, lateMs };
}
