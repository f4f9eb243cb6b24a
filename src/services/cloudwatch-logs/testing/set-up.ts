import { createVirtualClock } from "#base/clock.ts";
import type { RequestContext } from "#base/context.ts";
import { systemRandom } from "#base/random.ts";
import { rootPrincipal } from "#protocol/protocol.ts";
import type { OperationInput, OperationOutput } from "#protocol/service/service.ts";
import { createMemoryStore } from "#storage/drivers/memory/memory.ts";
import type { Store } from "#storage/storage.ts";
import { createCloudwatchLogs } from "../cloudwatch-logs.ts";
import type { Logs } from "../deps.ts";

export const accountId = "123456789012";
export const region = "us-east-1";

/** A fresh service on a memory store and a clock of its own, called without a wire. */
export function setUp(store: Store = createMemoryStore()) {
  const clock = createVirtualClock(Date.parse("2026-03-01T12:00:00Z"));
  const events: string[] = [];
  const made = createCloudwatchLogs({
    store,
    clock,
    random: systemRandom,
    log: { event: (name) => void events.push(name) },
  });
  const gone = new AbortController();
  const context: RequestContext = {
    requestId: "00000000-0000-4000-8000-000000000000",
    principal: rootPrincipal(accountId),
    region,
    deadlineMs: clock.nowMs() + 60_000,
    signal: gone.signal,
    trace: { traceId: "1-0-0", spanId: undefined, sampled: false, hops: 0 },
    endpoint: "http://localhost:4566",
    log: { event: () => undefined },
  };
  const call = async <Op extends string>(
    name: Op,
    input: Partial<OperationInput<Logs, Op>>,
  ): Promise<OperationOutput<Logs, Op>> => {
    const operation = made.service.operations.get(name);
    if (!operation) throw new Error(`no row for ${name}`);
    return (await operation.handle(input, context)) as OperationOutput<Logs, Op>; // the table types it
  };
  return { ...made, logs: made, clock, store, events, gone, call };
}

/** A group `g` with a stream `s` and these messages, a millisecond apart from `firstMs` on. */
export async function fill(
  { call, clock }: Pick<ReturnType<typeof setUp>, "call" | "clock">,
  messages: readonly string[],
  where: { readonly group?: string; readonly stream?: string; readonly firstMs?: number } = {},
): Promise<void> {
  const { group: logGroupName = "g", stream: logStreamName = "s" } = where;
  const firstMs = where.firstMs ?? clock.nowMs();
  const alreadyThere = { name: "ResourceAlreadyExistsException" };
  const ensure = (made: Promise<unknown>): Promise<unknown> =>
    made.catch((error: Error) => {
      if (error.name !== alreadyThere.name) throw error;
    });
  await ensure(call("CreateLogGroup", { logGroupName }));
  await ensure(call("CreateLogStream", { logGroupName, logStreamName }));
  await call("PutLogEvents", {
    logGroupName,
    logStreamName,
    logEvents: messages.map((message, index) => ({ message, timestamp: firstMs + index })),
  });
}
