import type { Clock } from "#base/clock.ts";
import type { Logger } from "#base/context.ts";
import { PlatformError } from "#base/errors.ts";
import { createHolder, type Holder } from "#base/holder.ts";
import type { Random } from "#base/random.ts";
import type { Store, Transaction } from "#storage/storage.ts";
import type { Tracer } from "#telemetry/telemetry.ts";
import type { TargetRegistry } from "../events.ts";
import type { Journal } from "../journal.ts";
import {
  deliveryDrainMs,
  holderRenewalMs,
  outboxEntriesMax,
  outboxRunsMax,
  outboxRunsPerTargetMax,
  outboxUnconfirmedMax,
  outboxUnconfirmedMs,
  storeTroubleMs,
} from "../limits.ts";
import { adoptBooks, claimBook, closeBook } from "./books.ts";
import { attempt, type Outcome } from "./attempt.ts";
import { add, bookRange, lineOf, linesOf, move, type Pen, type Placed, remove } from "./entries.ts";
import { Line } from "./line.ts";
import type { Delivery, Outbox } from "./outbox.ts";

export interface OutboxDeps {
  readonly store: Store;
  readonly targets: TargetRegistry;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly tracer: Tracer;
  readonly journal: Journal;
  /** Under which functions and services reach this platform. */
  readonly endpoint: string;
}

/**
 * Disposing delivers nothing more, gives what is under way ten seconds, and leaves the rest in the store
 * for the next process.
 */
export function createOutbox(deps: OutboxDeps): Outbox {
  return new LiveOutbox(deps);
}

/** Written, and known to be committed once its key is in the store. */
interface Unconfirmed extends Placed {
  readonly writtenMs: number;
}

/**
 * A process writes into its own book and delivers what stands in it, so nothing has to be claimed: after
 * a commit an entry goes from memory to its target at once. The store is looked into for what is due
 * later, for what does not fit into memory, and for what a process that is gone has left.
 */
class LiveOutbox implements Outbox {
  readonly #deps: OutboxDeps;
  readonly #self: Holder;
  readonly #pen: Pen;
  readonly #books: string[];
  readonly #lines = new Map<string, Line>();
  /** Lines that could go on if fewer deliveries were under way. */
  readonly #blocked = new Set<Line>();
  /** Everything under way, deliveries and looks into the store. */
  readonly #running = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  readonly #abandon = new AbortController();
  readonly #watching: Promise<void>;
  #unconfirmed: Unconfirmed[] = [];
  /** Something was written that is not in the list of the unconfirmed. */
  #hasUntracked = false;
  #isBookClaimed = false;
  #backlog = 0;
  #runCount = 0;
  #wake: { readonly atMs: number; readonly timer: Disposable } | undefined;
  #renewal: Disposable | undefined;
  #adoption: Disposable | undefined;
  #ending: Promise<void> | undefined;

  constructor(deps: OutboxDeps) {
    this.#deps = deps;
    this.#self = createHolder(deps.random);
    let n = 0;
    this.#pen = { book: this.#self.incarnation, next: () => n++ };
    this.#books = [this.#pen.book];
    this.#watching = this.#watch();
  }

  add(tx: Transaction, delivery: Delivery): void {
    if (this.#backlog >= outboxEntriesMax)
      throw new PlatformError("queue.full", `${outboxEntriesMax} deliveries wait already`);
    const nowMs = this.#deps.clock.nowMs();
    const { record, ...rest } = delivery;
    const { event, ...about } = record;
    const trace = record.trace ?? this.#deps.tracer.newTrace();
    const entry = {
      ...rest,
      record: { ...about, trace },
      stage: "target",
      attempts: 0,
      sinceMs: nowMs,
    } as const;
    // Blind and repeated until one is known to be committed: cheaper than asking in each transaction.
    if (!this.#isBookClaimed) claimBook(tx, this.#pen.book, { holder: this.#self, seenMs: nowMs });
    this.#written(add(tx, this.#pen, { entry, event, dueMs: nowMs }));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return (this.#ending ??= this.#end());
  }

  async #end(): Promise<void> {
    this.#stop.abort(new PlatformError("server.stopping", "the server stops"));
    for (const timer of [this.#wake?.timer, this.#adoption]) timer?.[Symbol.dispose]();
    await this.#watching;
    using _limit = this.#deps.clock.timer(deliveryDrainMs, () => this.#abandon.abort());
    const abandoned = Promise.withResolvers<void>();
    this.#abandon.signal.addEventListener("abort", () => abandoned.resolve(), { once: true });
    // What ends may have begun something: the end of a delivery is a write, and a look at the store.
    while (this.#running.size > 0 && !this.#abandon.signal.aborted)
      await Promise.race([Promise.allSettled(this.#running), abandoned.promise]);
    this.#abandon.abort();
    this.#renewal?.[Symbol.dispose]();
    for (const book of this.#books) await closeBook(this.#deps.store, book).catch(() => false);
  }

  async #watch(): Promise<void> {
    const { store, log } = this.#deps;
    await this.#adopt();
    try {
      for await (const _ of store.watch(bookRange(this.#pen.book), this.#stop.signal))
        await this.#confirm();
    } catch (error) {
      if (!this.#stop.signal.aborted) log.event("outbox.watch-failed", { level: "error", error });
    }
  }

  async #adopt(): Promise<void> {
    const { store, clock, log } = this.#deps;
    try {
      const { adopted, againMs } = await adoptBooks(store, this.#self, clock.nowMs());
      if (adopted.length > 0) log.event("outbox.adopted", { books: adopted.length });
      for (const book of adopted) if (!this.#books.includes(book)) this.#books.push(book);
      if (adopted.length > 0) await this.#lookThrough();
      if (againMs !== undefined && !this.#stop.signal.aborted)
        this.#adoption = clock.timer(
          Math.max(1, againMs - clock.nowMs()),
          () => void this.#adopt(),
        );
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      log.event("outbox.adopt-failed", { level: "error", error });
      this.#adoption = clock.timer(storeTroubleMs, () => void this.#adopt());
    }
  }

  #written(placed: Placed | undefined): void {
    this.#backlog++;
    if (!placed) return;
    if (this.#unconfirmed.length >= outboxUnconfirmedMax) this.#hasUntracked = true;
    else this.#unconfirmed.push({ ...placed, writtenMs: this.#deps.clock.monotonicMs() });
  }

  /** Begins what has been committed since the last time. */
  async #confirm(): Promise<void> {
    if (this.#unconfirmed.length > 0) {
      const nowMs = this.#deps.clock.monotonicMs();
      const open = this.#unconfirmed;
      const left: Unconfirmed[] = [];
      const touched: Line[] = [];
      await this.#deps.store.read((reader) => {
        for (const one of open) {
          if (reader.get(one.key) !== undefined) {
            const line = this.#lineNamed(lineOf(one.entry));
            line.offer(one);
            touched.push(line);
          } else if (nowMs - one.writtenMs < outboxUnconfirmedMs) left.push(one);
          else this.#backlog--;
        }
      });
      this.#isBookClaimed ||= touched.length > 0;
      this.#unconfirmed = [...left, ...this.#unconfirmed.slice(open.length)];
      for (const line of touched) this.#pump(line);
    }
    if (this.#hasUntracked) await this.#lookThrough();
  }

  /** Finds every line of every book: after adopting, and when memory was not enough. */
  async #lookThrough(): Promise<void> {
    this.#hasUntracked = false;
    const found = await this.#deps.store.read((reader) =>
      this.#books.flatMap((book) => [...linesOf(reader, book)]),
    );
    for (const name of found) {
      const line = this.#lineNamed(name);
      line.hasMore = true;
      this.#pump(line);
    }
  }

  #lineNamed(name: string): Line {
    let line = this.#lines.get(name);
    if (!line) this.#lines.set(name, (line = new Line(name)));
    return line;
  }

  /** Begins as many of a line's deliveries as may run. */
  #pump(line: Line): void {
    if (this.#stop.signal.aborted) return;
    if (line.waiting.length === 0 && line.hasMore) return this.#refill(line);
    while (line.waiting.length > 0 && line.running.length < outboxRunsPerTargetMax) {
      if (this.#runCount >= outboxRunsMax) {
        this.#blocked.add(line);
        return;
      }
      const placed = line.waiting.shift();
      if (placed) this.#begin(line, placed);
    }
    if (line.isEmpty) this.#drained(line);
  }

  #refill(line: Line): void {
    if (line.running.length >= outboxRunsPerTargetMax) return;
    line.hasMore = false;
    this.#track(this.#fill(line));
  }

  async #fill(line: Line): Promise<void> {
    const { store, clock, log } = this.#deps;
    try {
      await store.read((reader) => line.refill(reader, this.#books, clock.nowMs()));
      this.#wakeAt(line.nextDueMs);
      this.#pump(line);
    } catch (error) {
      log.event("outbox.read-failed", { level: "error", error });
      this.#later(line);
    }
  }

  #track(promise: Promise<void>): void {
    const tracked = promise.finally(() => this.#running.delete(tracked));
    this.#running.add(tracked);
  }

  /** It stands where it stood in the store, and is looked for again a moment later. */
  #later(line: Line): void {
    line.nextDueMs = Math.min(line.nextDueMs, this.#deps.clock.nowMs() + storeTroubleMs);
    this.#wakeAt(line.nextDueMs);
  }

  /** One timer, for the line that is due first. */
  #wakeAt(dueMs: number): void {
    if (dueMs === Infinity || this.#stop.signal.aborted) return;
    if (this.#wake && this.#wake.atMs <= dueMs) return;
    this.#wake?.timer[Symbol.dispose]();
    const inMs = Math.max(1, dueMs - this.#deps.clock.nowMs());
    this.#wake = { atMs: dueMs, timer: this.#deps.clock.timer(inMs, () => this.#woken()) };
  }

  #woken(): void {
    this.#wake = undefined;
    const nowMs = this.#deps.clock.nowMs();
    let nextMs = Infinity;
    for (const line of this.#lines.values()) {
      if (line.nextDueMs <= nowMs) {
        line.nextDueMs = Infinity;
        line.hasMore = true;
        this.#pump(line);
      } else nextMs = Math.min(nextMs, line.nextDueMs);
    }
    this.#wakeAt(nextMs);
  }

  #begin(line: Line, placed: Placed): void {
    line.running.push(placed);
    this.#runCount++;
    this.#renewal ??= this.#deps.clock.timer(holderRenewalMs, () => this.#renew());
    this.#track(this.#run(line, placed));
  }

  async #run(line: Line, placed: Placed): Promise<void> {
    try {
      const outcome = await attempt(this.#deps, placed, this.#abandon.signal);
      if (!this.#abandon.signal.aborted) await this.#settle(line, placed, outcome);
    } catch (error) {
      if (!this.#abandon.signal.aborted) {
        this.#deps.log.event("outbox.entry-failed", { level: "error", error });
        this.#later(line);
      }
    }
    line.finished(placed);
    this.#runCount--;
    this.#pump(line);
    for (const blocked of this.#blocked) {
      if (this.#runCount >= outboxRunsMax) break;
      this.#blocked.delete(blocked);
      this.#pump(blocked);
    }
  }

  async #settle(line: Line, placed: Placed, outcome: Outcome): Promise<void> {
    const { store, clock } = this.#deps;
    switch (outcome.kind) {
      case "delivered":
      case "drop": {
        const done = { ...placed, nowMs: clock.nowMs() };
        const next = await store.write((tx) => remove(tx, this.#pen, done));
        this.#backlog--;
        if (next) this.#hand(next);
        return;
      }
      case "again":
      case "dead-letter": {
        const { entry, dueMs } = outcome;
        const moved = await store.write((tx) =>
          move(tx, this.#pen, { from: placed, entry, dueMs }),
        );
        if (!moved) return;
        if (outcome.kind === "dead-letter") return this.#hand(moved);
        line.nextDueMs = Math.min(line.nextDueMs, dueMs);
        this.#wakeAt(dueMs);
      }
    }
  }

  /** What was just committed by ourselves. */
  #hand(placed: Placed): void {
    const line = this.#lineNamed(lineOf(placed.entry));
    line.offer(placed);
    this.#pump(line);
  }

  /** Nothing is known to stand in this line; when that is so of all, the store is asked once more. */
  #drained(line: Line): void {
    this.#lines.delete(line.name);
    if (this.#lines.size === 0) this.#track(this.#restIfEmpty());
  }

  async #restIfEmpty(): Promise<void> {
    const { store, log } = this.#deps;
    try {
      const adopted = this.#books.slice(1);
      for (const book of adopted)
        if (await closeBook(store, book)) this.#books.splice(this.#books.indexOf(book), 1);
      const isEmpty = await store.read((reader) =>
        this.#books.every(
          (book) => reader.list(bookRange(book), { limit: 1 })[Symbol.iterator]().next().done,
        ),
      );
      if (isEmpty) this.#backlog = this.#unconfirmed.length;
      else if (this.#unconfirmed.length === 0 && this.#lines.size === 0) await this.#lookThrough();
    } catch (error) {
      if (!this.#stop.signal.aborted) log.event("outbox.read-failed", { level: "error", error });
    }
  }

  #renew(): void {
    const { store, clock, log } = this.#deps;
    this.#renewal = undefined;
    if (this.#runCount === 0) return;
    const record = { holder: this.#self, seenMs: clock.nowMs() };
    store
      .write((tx) => this.#books.forEach((book) => claimBook(tx, book, record)))
      .catch((error: unknown) => log.event("outbox.renew-failed", { level: "warn", error }));
    this.#renewal = clock.timer(holderRenewalMs, () => this.#renew());
  }
}
