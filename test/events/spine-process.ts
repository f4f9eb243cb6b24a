import path from "node:path";
import { systemClock } from "#base/clock.ts";
import type { RequestContext } from "#base/context.ts";
import { systemRandom } from "#base/random.ts";
import { createSources, createTargets, type Target } from "#events/events.ts";
import { createJournal } from "#events/journal.ts";
import { createOutbox, type Outbox } from "#events/outbox/outbox.ts";
import { type Poller, startPoller } from "#events/sources/sources.ts";
import { createSqs, type SqsService } from "#services/sqs/sqs.ts";
import { openLmdbStore } from "#storage/drivers/lmdb/lmdb.ts";
import { key, keyParts, keyPrefix } from "#storage/keys.ts";
import { recordCodec } from "#storage/records.ts";
import type { Store } from "#storage/storage.ts";
import { createTelemetry } from "#telemetry/telemetry.ts";

/**
 * What a kill meets: an outbox that delivers to queues, and mappings that hand their messages to a
 * consumer which writes down what it saw. A tenth of a second after a kill all of it goes on.
 */
export interface SpineProcess extends AsyncDisposable {
  readonly store: Store;
  readonly outbox: Outbox;
}

export const accountId = "111122223333";
export const region = "eu-central-1";
export const queues = ["plain", "ordered.fifo"] as const;
export const arnOf = (queue: string): string => `arn:aws:sqs:${region}:${accountId}:${queue}`;
const storeBytesMax = 1024 * 1024 * 1024;

/** Of what a transaction acknowledged, and of what the consumer saw: the same id. */
export const said = (id: string): Uint8Array => key("said", id);
export const saidRange = keyPrefix("said");
const seen = (n: number): Uint8Array => key("seen", "at", n);
export const seenRange = keyPrefix("seen", "at");
const seenCount = key("seen", "count");
export const texts = recordCodec<string>(1);
const numbers = recordCodec<number>(1);
export const idOf = (saidKey: Uint8Array): string => String(keyParts(saidKey)[1]);

/** Deliveries and batches that are made twice, as after a crash between doing and noting. */
const duplicates = 0.3;

export async function openSpine(directory: string): Promise<SpineProcess> {
  const parts = new AsyncDisposableStack();
  const store = parts.use(
    await openLmdbStore({ path: path.join(directory, "store"), bytesMax: storeBytesMax }),
  );
  const telemetry = createTelemetry({
    clock: systemClock,
    random: systemRandom,
    logLevel: "error",
    otlpEndpoint: undefined,
    write: (line) => void process.stderr.write(line),
  });
  const { log, tracer } = telemetry;
  const shared = { store, clock: systemClock, random: systemRandom, log, tracer };
  const sqs = parts.use(createSqs({ ...shared, mode: "open", isShared: true }));
  for (const queue of queues) await createQueue(sqs, queue, { ...shared });
  const targets = createTargets();
  const sources = createSources();
  targets.register("sqs", (arn) => twice(sqs.target(arn)));
  sources.register("sqs", sqs.source);
  const journal = createJournal();
  const outbox = parts.use(
    createOutbox({ ...shared, targets, journal, endpoint: "http://localhost:4566" }),
  );
  for (const queue of queues) parts.use(pollFor({ ...shared, journal, outbox }, queue, sources));
  return { store, outbox, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

function twice(target: Target | undefined): Target | undefined {
  return (
    target && {
      async deliver(...told) {
        if (systemRandom.fraction() < duplicates) await target.deliver(...told);
        return target.deliver(...told);
      },
    }
  );
}

function pollFor(
  deps: Parameters<typeof startPoller>[0],
  queue: string,
  sources: ReturnType<typeof createSources>,
): Poller {
  const source = sources.find(arnOf(queue));
  if (source?.kind !== "queue") throw new Error(`${queue} is a queue`);
  return startPoller(deps, {
    id: `mapping-${queue}`,
    functionArn: `arn:aws:lambda:${region}:${accountId}:function:consumer`,
    accountId,
    region,
    source: {
      ...source,
      acknowledge: async (records) => {
        // As if killed before: they come back. Not of an ordered queue, whose group would wait for that.
        if (!source.isFifo && systemRandom.fraction() < duplicates) return;
        await source.acknowledge(records);
      },
    },
    settings: { batchSize: 10, windowMs: 0, reportsItemFailures: false },
    report: () => undefined,
    async call(event) {
      const { Records } = JSON.parse(Buffer.from(event).toString()) as {
        Records: { body: string }[];
      }; // as the engine wrote it
      await deps.store.write((tx) => {
        const stored = tx.get(seenCount);
        let n = stored ? numbers.decode(stored) : 0;
        for (const { body } of Records) tx.put(seen(n++), texts.encode(body));
        tx.put(seenCount, numbers.encode(n));
      });
      return {
        kind: "ok",
        requestId: "r",
        executedVersion: "$LATEST",
        payload: Buffer.from("null"),
      };
    },
  });
}

async function createQueue(
  sqs: SqsService,
  name: string,
  { log, tracer }: Pick<RequestContext, "log"> & Pick<ReturnType<typeof createTelemetry>, "tracer">,
): Promise<void> {
  const context: RequestContext = {
    requestId: "r",
    principal: { arn: `arn:aws:iam::${accountId}:root`, accountId },
    region,
    deadlineMs: Infinity,
    signal: new AbortController().signal,
    trace: tracer.newTrace(),
    endpoint: "http://localhost:4566",
    log,
  };
  await sqs.service.operations.get("CreateQueue")?.handle(
    {
      QueueName: name,
      Attributes: {
        VisibilityTimeout: "1",
        ...(name.endsWith(".fifo") && { FifoQueue: "true" }),
      },
    },
    context,
  );
}
