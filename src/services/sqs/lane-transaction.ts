import { SQSServiceException } from "@aws-sdk/client-sqs";
import type { Transaction } from "#storage/storage.ts";
import type { Job, Received, Receiver, ReceiveRequest } from "./lane.ts";
import {
  closePartition,
  nextDueMs,
  openPartition,
  type Partition,
  settle,
  take,
  type TakeRequest,
} from "./partition/partition.ts";
import { loadQueue } from "./queues.ts";
import type { QueueAddress } from "./records.ts";

export type Outcome<T> = { readonly value: T } | { readonly error: unknown };

/** What one transaction of a lane did. */
export interface Done {
  readonly jobs: readonly Outcome<unknown>[];
  readonly receives: readonly Outcome<Received>[];
  /** Other queues that got messages. */
  readonly touched: readonly QueueAddress[];
  readonly hasMoreDue: boolean;
  /** When something becomes visible by itself, if somebody found nothing. */
  readonly dueMs: number | undefined;
  /** How long a receiver waits that does not say. */
  readonly waitMs: number;
}

/** One transaction. Undefined when there is no queue. Run again after a conflict, so it starts anew each time. */
export function perform(
  tx: Transaction,
  request: {
    readonly address: QueueAddress;
    readonly nowMs: number;
    readonly batch: readonly Job[];
    readonly receivers: readonly Receiver[];
  },
): Done | undefined {
  const { nowMs, batch, receivers } = request;
  const opened = new Map<string, Partition>();
  const open = (address: QueueAddress): Partition | undefined => {
    const name = `${address.accountId} ${address.region} ${address.name}`;
    const known = opened.get(name);
    if (known) return known;
    const queue = loadQueue(tx, address);
    if (!queue) return undefined;
    const partition = openPartition(tx, queue, { nowMs, other: open });
    opened.set(name, partition);
    return partition;
  };
  const own = open(request.address);
  if (!own) return undefined;
  own.hasMoreDue = settle(own);
  const done = batch.map(({ run }) => attempt(() => run(own)));
  const receives = receivers.map(({ request: { check, ...asked } }) =>
    attempt(() => {
      check?.(own);
      return { queue: own.queue, messages: take(own, { ...asked, ...visibilityOf(own, asked) }) };
    }),
  );
  for (const partition of opened.values()) closePartition(partition);
  const isWaiting = receives.some((each) => "value" in each && each.value.messages.length === 0);
  return {
    jobs: done,
    receives,
    touched: [...opened.values()].filter((each) => each !== own).map(({ queue }) => queue),
    hasMoreDue: own.hasMoreDue,
    dueMs: isWaiting ? nextDueMs(own) : undefined,
    waitMs: own.settings.waitMs,
  };
}

function visibilityOf(
  { settings }: Partition,
  { visibilityMs }: Pick<ReceiveRequest, "visibilityMs">,
): Pick<TakeRequest, "visibilityMs"> {
  return { visibilityMs: visibilityMs ?? settings.visibilityMs };
}

/** A refusal is one request's; anything else undoes the transaction. */
function attempt<T>(work: () => T): Outcome<T> {
  try {
    return { value: work() };
  } catch (error) {
    if (error instanceof SQSServiceException) return { error };
    throw error;
  }
}
