import type { Clock } from "#base/clock.ts";
import { isPlatformError, PlatformError } from "#base/errors.ts";
import { ignore } from "#base/ignore.ts";
import type { Store } from "#storage/storage.ts";
import { queueDoesNotExist } from "./errors.ts";
import { type Done, type Outcome, perform } from "./lane-transaction.ts";
import * as limits from "./limits.ts";
import type { Partition, TakenMessage } from "./partition/partition.ts";
import type { QueueAddress, QueueRecord } from "./records.ts";
import { Waiters } from "./waiters.ts";

export interface ReceiveRequest {
  readonly limit: number;
  readonly bytesMax: number;
  /** Of the queue when undefined. */
  readonly waitMs: number | undefined;
  /** Of the queue when undefined. */
  readonly visibilityMs: number | undefined;
  readonly signal: AbortSignal;
  /** Of a FIFO queue: asking again with it gives the same messages again. */
  readonly attemptId?: string | undefined;
  /** May refuse, as if it had been checked before. */
  readonly check?: (partition: Partition) => void;
}

export interface Received {
  readonly queue: QueueRecord;
  readonly messages: readonly TakenMessage[];
}

export interface Job {
  readonly run: (partition: Partition) => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export interface Receiver {
  readonly request: ReceiveRequest;
  readonly resolve: (received: Received) => void;
  readonly reject: (error: unknown) => void;
  /** Epoch milliseconds; undefined until the queue has been asked. */
  untilMs: number | undefined;
}

export interface LaneDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly isShared: boolean;
  readonly address: QueueAddress;
  /** Another queue got messages. */
  readonly wakeOther: (address: QueueAddress) => void;
  /** Nobody is in it any more. */
  readonly onEmpty: () => void;
}

/**
 * Everything that happens to the messages of one queue in this process happens here, one transaction
 * after the other, each for all who came meanwhile: so receivers never compete with each other for the
 * same messages, and the cost of a transaction is shared. Other processes have lanes of their own; where
 * two meet, the store's transactions decide.
 */
export class Lane {
  readonly #deps: LaneDeps;
  readonly #jobs: Job[] = [];
  readonly #arrivals: Receiver[] = [];
  readonly #waiters: Waiters;
  #running: Promise<void> | undefined;
  #isAwake = false;
  #hasMoreDue = false;
  #isClosed = false;

  constructor(deps: LaneDeps) {
    this.#deps = deps;
    this.#waiters = new Waiters({
      ...deps,
      onWake: () => this.wake(),
      onEmpty: () => this.#rest(),
    });
  }

  /**
   * Runs `work` in a transaction with whatever else is waiting. It may be run more than once, and must
   * throw before it changes something or not at all. `QueueDoesNotExist` when there is no queue.
   */
  run<T>(work: (partition: Partition) => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#checkRoom();
      // What a job resolves with is what its own work returned.
      this.#jobs.push({ run: work, resolve: resolve as (value: unknown) => void, reject });
      this.#start();
    });
  }

  /**
   * Up to `limit` messages. With none there, waits up to `waitMs` until there is one, without any timer
   * but its own and the one for the next thing due. Rejects with the signal's reason, having taken nothing
   * that is not in flight anyway.
   */
  receive(request: ReceiveRequest): Promise<Received> {
    return new Promise((resolve, reject) => {
      this.#checkRoom();
      this.#arrivals.push({ request, resolve, reject, untilMs: undefined });
      this.#start();
    });
  }

  /** Those who wait look again. */
  wake(): void {
    if (this.#waiters.count === 0) return;
    this.#isAwake = true;
    this.#start();
  }

  /** Those who wait go with nothing. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.wake();
    await this.#running;
  }

  #checkRoom(): void {
    const count = this.#jobs.length + this.#arrivals.length + this.#waiters.count;
    if (count < limits.laneWaitingMax) return;
    const { name } = this.#deps.address;
    throw new PlatformError("queue.full", `the queue ${name} has too many requests waiting`);
  }

  #start(): void {
    if (this.#running) return;
    // Not before the turn of the event loop is over: whoever comes in it shares the transaction. Begun by the first,
    // every other transaction had one request in it, and all the others waited for its flush.
    this.#running = nextTurn().then(() => this.#drain());
    ignore(this.#running, "every request is answered by itself");
  }

  get #hasWork(): boolean {
    const { length } = this.#jobs;
    return length > 0 || this.#arrivals.length > 0 || this.#isAwake || this.#hasMoreDue;
  }

  async #drain(): Promise<void> {
    while (this.#hasWork) {
      const batch = this.#jobs.splice(0, limits.laneBatchMax);
      // What a batch sends, those who wait get in the same transaction.
      const mayFind = batch.length > 0 || this.#isAwake || this.#hasMoreDue;
      const receivers = [
        ...(mayFind ? this.#waiters.takeAll() : []),
        ...this.#arrivals.splice(0, limits.laneBatchMax),
      ];
      this.#isAwake = false;
      this.#hasMoreDue = false;
      await this.#carryOut(batch, receivers);
    }
    this.#running = undefined;
    this.#rest();
  }

  #rest(): void {
    if (!this.#running && this.#waiters.count === 0) this.#deps.onEmpty();
  }

  async #carryOut(batch: readonly Job[], all: readonly Receiver[]): Promise<void> {
    const { store, clock, address } = this.#deps;
    const receivers = all.filter((receiver) => !isGivenUp(receiver));
    try {
      const nowMs = clock.nowMs();
      const done = await store.write((tx) => perform(tx, { address, nowMs, batch, receivers }));
      if (done) this.#finish(done, batch, receivers);
      else refuse(batch, receivers, queueDoesNotExist());
    } catch (error) {
      if (batch.length + receivers.length < 2 || !mayConcernOne(error))
        return refuse(batch, receivers, error);
      for (const job of batch) await this.#carryOut([job], []);
      for (const receiver of receivers) await this.#carryOut([], [receiver]);
    }
  }

  #finish(done: Done, batch: readonly Job[], receivers: readonly Receiver[]): void {
    for (const [index, job] of batch.entries()) settleWith(done.jobs[index], job);
    for (const [index, receiver] of receivers.entries()) {
      const outcome = done.receives[index];
      const isEmpty = outcome && "value" in outcome && outcome.value.messages.length === 0;
      if (isEmpty && this.#mayWait(receiver, done.waitMs))
        this.#waiters.add(receiver, outcome.value);
      else settleWith(outcome, receiver);
    }
    for (const other of done.touched) this.#deps.wakeOther(other);
    this.#hasMoreDue ||= done.hasMoreDue;
    this.#waiters.expectAt(done.dueMs);
  }

  #mayWait(receiver: Receiver, waitMs: number): boolean {
    const { request } = receiver;
    const nowMs = this.#deps.clock.nowMs();
    receiver.untilMs ??= nowMs + (request.waitMs ?? waitMs);
    return receiver.untilMs > nowMs && !request.signal.aborted && !this.#isClosed;
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A caller that hung up takes no message with it. */
function isGivenUp({ request, reject }: Receiver): boolean {
  if (!request.signal.aborted) return false;
  reject(request.signal.reason);
  return true;
}

/** A full disk refuses what adds, and not what deletes unless they share a transaction; a bug is one request's. */
function mayConcernOne(error: unknown): boolean {
  return !isPlatformError(error) || error.code === "storage.full";
}

function refuse(batch: readonly Job[], receivers: readonly Receiver[], error: unknown): void {
  for (const { reject } of [...batch, ...receivers]) reject(error);
}

function settleWith<T>(
  outcome: Outcome<T> | undefined,
  { resolve, reject }: { resolve: (value: T) => void; reject: (error: unknown) => void },
): void {
  if (outcome && "value" in outcome) resolve(outcome.value);
  else reject(outcome?.error);
}
