import { createVirtualClock } from "#base/clock.ts";
import type { RequestContext } from "#base/context.ts";
import { systemRandom } from "#base/random.ts";
import { rootPrincipal } from "#protocol/protocol.ts";
import type { OperationInput, OperationOutput } from "#protocol/service/service.ts";
import { createMemoryStore } from "#storage/drivers/memory/memory.ts";
import type { Store } from "#storage/storage.ts";
import type { Sqs } from "../deps.ts";
import { createSqs } from "../sqs.ts";

export const accountId = "123456789012";
export const region = "us-east-1";
export const startMs = Date.parse("2026-03-01T12:00:00Z");

/** A fresh service on a memory store and a clock of its own, called without a wire. */
export function setUp(
  options: {
    readonly store?: Store;
    readonly mode?: "open" | "strict";
    readonly isShared?: boolean;
  } = {},
) {
  const clock = createVirtualClock(startMs);
  const store = options.store ?? createMemoryStore();
  const sqs = createSqs({
    store,
    clock,
    random: systemRandom,
    log: { event: () => undefined },
    mode: options.mode ?? "open",
    isShared: options.isShared ?? false,
  });
  const gone = new AbortController();
  const contextOf = (account = accountId, signal = gone.signal): RequestContext => ({
    requestId: "00000000-0000-4000-8000-000000000000",
    principal: rootPrincipal(account),
    region,
    deadlineMs: clock.nowMs() + 60_000,
    signal,
    trace: {
      traceId: "1-67891233-abcdef012345678912345678",
      spanId: "53995c3f42cd8ad8",
      sampled: true,
      hops: 1,
    },
    endpoint: "http://localhost:4566",
    log: { event: () => undefined },
  });
  const call = async <Op extends string>(
    name: Op,
    input: Partial<OperationInput<Sqs, Op>>,
    context = contextOf(),
  ): Promise<OperationOutput<Sqs, Op>> => {
    const operation = sqs.service.operations.get(name);
    if (!operation) throw new Error(`no row for ${name}`);
    return (await operation.handle(input, context)) as OperationOutput<Sqs, Op>; // the table types it
  };
  return { ...sqs, sqs, clock, store, gone, contextOf, call };
}

export function urlOf(name: string): string {
  return `http://localhost:4566/${accountId}/${name}`;
}

export function arnOf(name: string): string {
  return `arn:aws:sqs:${region}:${accountId}:${name}`;
}

/** Lets what was begun get to where it waits. */
export async function turns(): Promise<void> {
  for (let count = 0; count < 5; count++) await new Promise((resolve) => setImmediate(resolve));
}
