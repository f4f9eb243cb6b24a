import { createHolder, type Holder, isGone } from "#base/holder.ts";
import { compileFilterCriteria, EventTooComplexError } from "#events/patterns/patterns.ts";
import { type Poller, startPoller } from "#events/sources/sources.ts";
import type { Transaction } from "#storage/storage.ts";
import type { LambdaScope } from "../dependencies.ts";
import { mappingTroubleMs } from "../limits.ts";
import { createMappingCall } from "./mapping-call.ts";
import { mappedFunctionArn } from "./mapping-output.ts";
import { holders, type MappingRecord, mappingRange, mappings, results } from "./mapping-record.ts";

/**
 * Makes what is stored about mappings true: polls for those that are enabled, takes their states to the
 * end. One process holds a mapping; the one that hears of it first, or of the death of its holder.
 */
export interface MappingRunner extends AsyncDisposable {
  /** Begins; once, when functions can be called. */
  start(): void;
}

export function createMappingRunner(scope: LambdaScope): MappingRunner {
  return new LiveMappingRunner(scope);
}

interface Running {
  readonly revision: number;
  readonly poller: Poller;
}

class LiveMappingRunner implements MappingRunner {
  readonly #scope: LambdaScope;
  readonly #self: Holder;
  readonly #stop = new AbortController();
  readonly #running = new Map<string, Running>();
  /** Mappings at which something is being done. */
  readonly #busy = new Map<string, Promise<void>>();
  /** Something was not looked at because it was being worked on, or that failed. */
  #skipped = false;
  #watching: Promise<void> = Promise.resolve();
  #ending: Promise<void> | undefined;

  constructor(scope: LambdaScope) {
    this.#scope = scope;
    this.#self = createHolder(scope.random);
  }

  start(): void {
    this.#watching = this.#watch();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return (this.#ending ??= this.#end());
  }

  async #end(): Promise<void> {
    const { store } = this.#scope.events;
    this.#stop.abort();
    await this.#watching;
    await Promise.allSettled(this.#busy.values());
    const held = [...this.#running];
    await Promise.all(held.map(([, { poller }]) => poller[Symbol.asyncDispose]()));
    if (held.length === 0) return;
    await store
      .write((tx) => held.forEach(([uuid]) => this.#letGo(tx, uuid)))
      .catch(() => undefined); // the next process sees that this one is gone
  }

  #letGo(tx: Transaction, uuid: string): void {
    if (holders.get(tx, uuid)?.incarnation === this.#self.incarnation) holders.remove(tx, uuid);
  }

  async #watch(): Promise<void> {
    const { log, events } = this.#scope;
    try {
      for await (const _ of events.store.watch(mappingRange, this.#stop.signal))
        await this.#reconcile();
    } catch (error) {
      if (!this.#stop.signal.aborted) log.event("mappings.failed", { level: "error", error });
    }
  }

  async #reconcile(): Promise<void> {
    const { clock, log } = this.#scope;
    try {
      const mine = await this.#claim();
      const wanted = new Set(mine.map((record) => record.uuid));
      for (const uuid of this.#running.keys())
        if (!wanted.has(uuid)) this.#work(uuid, () => this.#halt(uuid));
      for (const record of mine) this.#work(record.uuid, () => this.#apply(record));
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      log.event("mappings.failed", { level: "error", error });
      await clock.sleep(mappingTroubleMs, this.#stop.signal).catch(() => undefined);
      this.#skipped = true;
    }
    if (this.#skipped && this.#busy.size === 0) await this.#reconcileAgain();
  }

  /** One thing at a time with each mapping; a slow end of one holds up no other. */
  #work(uuid: string, work: () => Promise<void>): void {
    if (this.#stop.signal.aborted) return;
    if (this.#busy.has(uuid)) {
      this.#skipped = true;
      return;
    }
    this.#busy.set(uuid, this.#finish(uuid, work));
  }

  async #finish(uuid: string, work: () => Promise<void>): Promise<void> {
    const { clock, log } = this.#scope;
    try {
      await work();
    } catch (error) {
      log.event("mappings.failed", { level: "error", mapping: uuid, error });
      this.#skipped = true;
      await clock.sleep(mappingTroubleMs, this.#stop.signal).catch(() => undefined);
    }
    this.#busy.delete(uuid);
    if (this.#skipped && this.#busy.size === 0) await this.#reconcileAgain();
  }

  #reconcileAgain(): Promise<void> {
    this.#skipped = false;
    return this.#stop.signal.aborted ? Promise.resolve() : this.#reconcile();
  }

  /** Mappings that this process holds, those taken over just now included. */
  #claim(): Promise<readonly MappingRecord[]> {
    return this.#scope.events.store.write((tx) => {
      const mine: MappingRecord[] = [];
      for (const record of mappings.all(tx)) {
        const holder = holders.get(tx, record.uuid);
        // A store is of one machine: who has another's name was there before it was moved here.
        const isFree = !holder || holder.host !== this.#self.host || isGone(holder, this.#self);
        if (isFree) holders.put(tx, record.uuid, this.#self);
        if (isFree || holder.incarnation === this.#self.incarnation) mine.push(record);
      }
      return mine;
    });
  }

  async #apply(record: MappingRecord): Promise<void> {
    const { uuid, state, revision, isEnabled } = record;
    const isWanted = isEnabled && state !== "Deleting";
    const running = this.#running.get(uuid);
    if (running && (!isWanted || running.revision !== revision)) await this.#halt(uuid);
    if (isWanted && !this.#running.has(uuid)) this.#begin(record);
    const settled = isEnabled ? "Enabled" : "Disabled";
    if (state === settled) return;
    await this.#scope.events.store.write((tx) => {
      const now = mappings.get(tx, record);
      if (now?.revision !== revision) return; // changed meanwhile: that is the next round's
      if (state === "Deleting") mappings.remove(tx, now);
      else mappings.put(tx, { ...now, state: settled });
    });
  }

  async #halt(uuid: string): Promise<void> {
    const running = this.#running.get(uuid);
    this.#running.delete(uuid);
    await running?.poller[Symbol.asyncDispose]();
  }

  #begin(record: MappingRecord): void {
    const { events, random, log } = this.#scope;
    const { store } = events;
    const source = events.sources.find(record.sourceArn);
    if (!source) {
      log.event("mapping.no-source", { level: "error", mapping: record.uuid });
      return;
    }
    const { settings, uuid } = record;
    const { stream } = settings;
    let last: string | undefined;
    const report = (result: string): void => {
      if (result === last) return;
      last = result;
      store
        .write((tx) => results.put(tx, uuid, result))
        .catch((error: unknown) => log.event("mapping.report-failed", { level: "warn", error }));
    };
    const endless = (value: number, unit: number): number => (value < 0 ? Infinity : value * unit);
    const poller = startPoller(
      { store, random, log, clock: events.clock, journal: events.journal, outbox: events.outbox },
      {
        id: uuid,
        functionArn: mappedFunctionArn(record),
        accountId: record.accountId,
        region: record.region,
        source,
        call: createMappingCall(this.#scope, record),
        ...(settings.filters.length > 0 && { matches: filterOf(settings.filters) }),
        report,
        settings: {
          batchSize: settings.batchSize,
          windowMs: settings.windowSeconds * 1_000,
          reportsItemFailures: settings.reportsItemFailures,
          ...(settings.maximumConcurrency !== undefined && {
            batchesMax: settings.maximumConcurrency,
          }),
          ...(stream && {
            stream: {
              start: stream.startingPosition,
              parallelism: stream.parallelizationFactor,
              bisects: stream.bisects,
              retriesMax: endless(stream.maximumRetryAttempts, 1),
              ageMaxMs: endless(stream.maximumRecordAgeSeconds, 1_000),
              tumblingMs: stream.tumblingWindowSeconds * 1_000,
              ...(stream.onFailureArn !== undefined && { onFailureArn: stream.onFailureArn }),
            },
          }),
        },
      },
    );
    this.#running.set(uuid, { revision: record.revision, poller });
  }
}

/** What is too complex to be looked at is handed on: a function can refuse it, nobody else would miss it. */
function filterOf(patterns: readonly string[]) {
  const criteria = compileFilterCriteria(patterns);
  return (record: Readonly<Record<string, unknown>>): boolean => {
    try {
      return criteria.matches(record);
    } catch (error) {
      if (error instanceof EventTooComplexError) return true;
      throw error;
    }
  };
}
