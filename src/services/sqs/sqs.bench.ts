import { systemClock } from "#base/clock.ts";
import type { RequestContext } from "#base/context.ts";
import { systemRandom } from "#base/random.ts";
import { rootPrincipal } from "#protocol/protocol.ts";
import type { Store } from "#storage/storage.ts";
import { createSqs } from "./sqs.ts";

const accountId = "000000000000";
const region = "us-east-1";
const concurrency = 32;

/** Queues without HTTP, for measurements. */
export async function openSqsBench(store: Store) {
  const sqs = createSqs({
    store,
    clock: systemClock,
    random: systemRandom,
    log: { event: () => undefined },
    mode: "open",
    isShared: false,
  });
  const context: RequestContext = {
    requestId: "00000000-0000-4000-8000-000000000000",
    principal: rootPrincipal(accountId),
    region,
    deadlineMs: Number.MAX_SAFE_INTEGER,
    signal: new AbortController().signal,
    trace: { traceId: "1-0-0", spanId: undefined, sampled: false, hops: 0 },
    endpoint: "http://localhost",
    log: { event: () => undefined },
  };
  const arnOf = (name: string): string => `arn:aws:sqs:${region}:${accountId}:${name}`;
  const event = Buffer.from("x".repeat(256));
  const find = (name: string) => {
    const [target, source] = [sqs.target(arnOf(name)), sqs.source(arnOf(name))];
    if (source?.kind !== "queue" || !target) throw new Error(`${name} is a queue`);
    return { target, source };
  };
  return {
    /** A new queue with so many messages of 256 bytes in it. */
    async fill(name: string, count: number): Promise<void> {
      await sqs.service.operations.get("CreateQueue")?.handle({ QueueName: name }, context);
      const { target } = find(name);
      const records = Array.from({ length: 1_000 }, (_, index) => ({ id: String(index), event }));
      for (let sent = 0; sent < count; sent += records.length)
        await target.deliver(records.slice(0, count - sent), context);
    },
    /** Microseconds per message that is sent, received and deleted, `count` of them, 32 at a time. */
    async cycleUs(name: string, count: number): Promise<number> {
      const { target, source } = find(name);
      const receive = { limit: 1, bytesMax: Infinity, waitMs: 0, signal: context.signal };
      const startMs = systemClock.monotonicMs();
      const cycle = async (): Promise<void> => {
        for (let done = 0; done < count / concurrency; done++) {
          await target.deliver([{ id: "1", event }], context);
          await source.acknowledge(await source.receive(receive));
        }
      };
      await Promise.all(Array.from({ length: concurrency }, cycle));
      return ((systemClock.monotonicMs() - startMs) * 1_000) / count;
    },
    [Symbol.asyncDispose]: () => sqs[Symbol.asyncDispose](),
  };
}
