import { createVirtualClock, type VirtualClock } from "#base/clock.ts";
import type { TraceContext } from "#base/context.ts";
import { createSeededRandom, type Random } from "#base/random.ts";
import { createMemoryStore } from "#storage/drivers/memory/memory.ts";
import type { Store } from "#storage/storage.ts";
import { createTelemetry, type Tracer } from "#telemetry/telemetry.ts";
import {
  createTargets,
  type DeliveryOrigin,
  type EventRecord,
  type Target,
  type TargetRegistry,
} from "../events.ts";
import { createJournal, type Journal } from "../journal.ts";

/** What the parts of the spine are made of, with a store, time and randomness of the test's own. */
export interface SpineParts {
  readonly store: Store;
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly log: { event(name: string): void };
  readonly tracer: Tracer;
  readonly journal: Journal;
  readonly targets: TargetRegistry;
  readonly endpoint: string;
  /** Names of logged events, in order. */
  readonly logged: string[];
}

export function createSpineParts(seed: number, store: Store = createMemoryStore()): SpineParts {
  const clock = createVirtualClock(Date.parse("2026-11-25T10:00:00Z"));
  const random = createSeededRandom(seed);
  const logged: string[] = [];
  const log = { event: (name: string) => void logged.push(name) };
  const { tracer } = createTelemetry({
    clock,
    random,
    logLevel: "error",
    otlpEndpoint: undefined,
    write: () => undefined,
  });
  return {
    store,
    clock,
    random,
    log,
    tracer,
    journal: createJournal(),
    targets: createTargets(),
    endpoint: "http://localhost:4566",
    logged,
  };
}

export interface Delivered {
  readonly record: EventRecord;
  readonly text: string;
  readonly origin: DeliveryOrigin | undefined;
  readonly trace: TraceContext;
}

/** A target that notes what comes; `answer` may fail or hold it. */
export function createRecorder(
  answer: (delivered: Delivered, count: number) => unknown = () => undefined,
): Target & { readonly seen: Delivered[]; arrived(count: number): Promise<Delivered[]> } {
  const seen: Delivered[] = [];
  const waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  return {
    seen,
    async deliver(records, context, origin) {
      for (const record of records) {
        const text = Buffer.from(record.event).toString("utf8");
        const delivered = { record, text, origin, trace: context.trace };
        seen.push(delivered);
        await answer(delivered, seen.length);
      }
      for (const { count, resolve } of waiting) if (seen.length >= count) resolve();
      return new Set();
    },
    async arrived(count) {
      if (seen.length < count)
        await new Promise<void>((resolve) => waiting.push({ count, resolve }));
      return seen;
    },
  };
}

/** Lets everything that can go on without time passing do so. */
export async function quiet(turns = 20): Promise<void> {
  for (let n = 0; n < turns; n++) await new Promise((resolve) => setImmediate(resolve));
}

/** Time passes in steps, so that what wakes up can go to sleep again. */
export async function passTime(clock: VirtualClock, ms: number, steps = 30): Promise<void> {
  for (let n = 0; n < steps; n++) {
    await quiet(5);
    await clock.advance(ms / steps);
  }
  await quiet();
}
