import type { Clock } from "#base/clock.ts";
import { ignore } from "#base/ignore.ts";
import { removeFrom } from "#base/lists.ts";
import type { Store } from "#storage/storage.ts";
import type { Received, Receiver } from "./lane.ts";
import { loadQueue } from "./queues.ts";
import { partitionRange, type QueueAddress } from "./records.ts";

export interface WaitersDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly isShared: boolean;
  readonly address: QueueAddress;
  /** There may be something for them. */
  readonly onWake: () => void;
  /** The last one has left by itself. */
  readonly onEmpty: () => void;
}

interface Waiter {
  readonly receiver: Receiver;
  /** Its timer and its listener. */
  readonly end: Disposable;
}

/**
 * Receivers of one queue who found nothing. They sleep until the lane has something for them, until what
 * is due next is due, until another process writes, or until their own time is over; nothing polls.
 */
export class Waiters {
  readonly #deps: WaitersDeps;
  readonly #waiting: Waiter[] = [];
  #dueTimer: Disposable | undefined;
  #watching: AbortController | undefined;

  constructor(deps: WaitersDeps) {
    this.#deps = deps;
  }

  get count(): number {
    return this.#waiting.length;
  }

  /** It gets `nothing` when its time is over. */
  add(receiver: Receiver, nothing: Received): void {
    const { clock } = this.#deps;
    const { request, untilMs = 0 } = receiver;
    const onAbort = (): void => this.#leave(waiter, () => receiver.reject(request.signal.reason));
    const onTime = (): void => this.#leave(waiter, () => receiver.resolve(nothing));
    const timer = clock.timer(untilMs - clock.nowMs(), onTime);
    request.signal.addEventListener("abort", onAbort, { once: true });
    const end = {
      [Symbol.dispose]() {
        timer[Symbol.dispose]();
        request.signal.removeEventListener("abort", onAbort);
      },
    };
    const waiter = { receiver, end };
    this.#waiting.push(waiter);
    this.#watch();
  }

  /** All, in the order in which they came. */
  takeAll(): Receiver[] {
    return this.#waiting.splice(0).map(({ receiver, end }) => {
      end[Symbol.dispose]();
      return receiver;
    });
  }

  /** When something becomes visible by itself; undefined when nothing will. */
  expectAt(dueMs: number | undefined): void {
    const { clock, onWake } = this.#deps;
    this.#dueTimer?.[Symbol.dispose]();
    this.#dueTimer = undefined;
    if (this.#waiting.length === 0) return this.#rest();
    const waitMs = dueMs === undefined ? undefined : dueMs - clock.nowMs();
    if (waitMs === undefined) return;
    if (waitMs <= 0) return onWake();
    this.#dueTimer = clock.timer(waitMs, onWake);
  }

  #leave(waiter: Waiter, go: () => void): void {
    if (!removeFrom(this.#waiting, waiter)) return;
    waiter.end[Symbol.dispose]();
    go();
    if (this.#waiting.length > 0) return;
    this.#rest();
    this.#deps.onEmpty();
  }

  #rest(): void {
    this.#dueTimer?.[Symbol.dispose]();
    this.#watching?.abort();
    this.#dueTimer = this.#watching = undefined;
  }

  #watch(): void {
    if (!this.#deps.isShared || this.#watching) return;
    this.#watching = new AbortController();
    ignore(this.#follow(this.#watching.signal), "a store that closes ends it");
  }

  /** Of this process' own writes it hears too; then looking again finds nothing and writes nothing. */
  async #follow(signal: AbortSignal): Promise<void> {
    const { store, address, onWake } = this.#deps;
    const queue = await store.read((reader) => loadQueue(reader, address));
    if (!queue) return onWake();
    for await (const _ of store.watch(partitionRange(queue), signal)) onWake();
  }
}
