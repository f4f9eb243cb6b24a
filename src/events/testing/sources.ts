import type { VirtualClock } from "#base/clock.ts";
import type { QueueSource, SourceRecord, SourceShard, StreamSource } from "../events.ts";

interface Message {
  readonly record: SourceRecord;
  visibleAtMs: number;
  receives: number;
}

/** The smallest queue that keeps the promises of `QueueSource`, in the test's own time. */
export class TestQueue implements QueueSource {
  readonly kind = "queue";
  readonly arn = "arn:aws:sqs:eu-central-1:111122223333:work";
  readonly isFifo: boolean;
  readonly messages = new Map<string, Message>();
  readonly acknowledged: string[] = [];
  readonly #clock: VirtualClock;
  readonly #visibilityMs: number;
  #arrived = Promise.withResolvers<void>();

  constructor(clock: VirtualClock, options: { isFifo?: boolean; visibilityMs?: number } = {}) {
    this.#clock = clock;
    this.isFifo = options.isFifo ?? false;
    this.#visibilityMs = options.visibilityMs ?? 30_000;
  }

  send(id: string, more: Partial<SourceRecord> = {}): void {
    const record: SourceRecord = {
      id,
      value: { messageId: id, body: id },
      byteCount: 100,
      sentMs: this.#clock.nowMs(),
      group: undefined,
      trace: undefined,
      receipt: id,
      ...more,
    };
    this.messages.set(id, { record, visibleAtMs: 0, receives: 0 });
    this.#ring();
  }

  visibilityTimeoutMs(): Promise<number> {
    return Promise.resolve(this.#visibilityMs);
  }

  async receive(options: {
    readonly limit: number;
    readonly bytesMax: number;
    readonly waitMs: number;
    readonly signal: AbortSignal;
  }): Promise<readonly SourceRecord[]> {
    const untilMs = this.#clock.monotonicMs() + options.waitMs;
    for (;;) {
      options.signal.throwIfAborted();
      const found = this.#take(options.limit, options.bytesMax);
      if (found.length > 0 || this.#clock.monotonicMs() >= untilMs) return found;
      const nowMs = this.#clock.monotonicMs();
      const hidden = [...this.messages.values()].filter((one) => one.visibleAtMs > nowMs);
      const visibleMs = Math.min(...hidden.map((one) => one.visibleAtMs));
      const wakeMs = Math.min(untilMs, visibleMs);
      using _timer =
        wakeMs === Infinity
          ? undefined
          : this.#clock.timer(wakeMs - this.#clock.monotonicMs(), () => this.#ring());
      const aborted = Promise.withResolvers<void>();
      options.signal.addEventListener("abort", () => aborted.resolve(), { once: true });
      await Promise.race([this.#arrived.promise, aborted.promise]);
    }
  }

  acknowledge(records: readonly SourceRecord[]): Promise<void> {
    for (const record of records) {
      this.messages.delete(record.id);
      this.acknowledged.push(record.id);
    }
    this.#ring();
    return Promise.resolve();
  }

  release(records: readonly SourceRecord[], delayMs: number): Promise<void> {
    for (const record of records) {
      const message = this.messages.get(record.id);
      if (message) message.visibleAtMs = this.#clock.monotonicMs() + delayMs;
    }
    this.#ring();
    return Promise.resolve();
  }

  #take(limit: number, bytesMax: number): SourceRecord[] {
    const nowMs = this.#clock.monotonicMs();
    const blocked = new Set<string | undefined>();
    const taken: Message[] = [];
    let byteCount = 0;
    for (const message of this.messages.values()) {
      const { record } = message;
      if (this.isFifo && message.visibleAtMs > nowMs) blocked.add(record.group);
      if (message.visibleAtMs > nowMs || blocked.has(this.isFifo ? record.group : "")) continue;
      if (taken.length > 0 && (taken.length >= limit || byteCount + record.byteCount > bytesMax))
        break;
      byteCount += record.byteCount;
      taken.push(message);
    }
    for (const message of taken) {
      message.visibleAtMs = nowMs + this.#visibilityMs;
      message.receives++;
    }
    return taken.map((message) => message.record);
  }

  #ring(): void {
    this.#arrived.resolve();
    this.#arrived = Promise.withResolvers<void>();
  }
}

/** The smallest stream that keeps the promises of `StreamSource`: positions are counts. */
export class TestStream implements StreamSource {
  readonly kind = "stream";
  readonly arn =
    "arn:aws:dynamodb:eu-central-1:111122223333:table/t/stream/2026-11-25T10:00:00.000";
  readonly #clock: VirtualClock;
  readonly #shards = new Map<string, { shard: SourceShard; records: SourceRecord[] }>();
  #arrived = Promise.withResolvers<void>();

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  open(id: string, parentId?: string): void {
    this.#shards.set(id, { shard: { id, parentId, isClosed: false }, records: [] });
  }

  close(id: string): void {
    const found = this.#shards.get(id);
    if (found) found.shard = { ...found.shard, isClosed: true };
    this.#ring();
  }

  put(shardId: string, id: string, more: Partial<SourceRecord> = {}): void {
    const records = this.#shards.get(shardId)?.records;
    records?.push({
      id,
      value: { eventID: id },
      byteCount: 100,
      sentMs: this.#clock.nowMs(),
      group: undefined,
      trace: undefined,
      receipt: String(records.length + 1),
      ...more,
    });
    this.#ring();
  }

  shards(): Promise<readonly SourceShard[]> {
    return Promise.resolve([...this.#shards.values()].map((one) => one.shard));
  }

  locate(
    shardId: string,
    start: "TRIM_HORIZON" | "LATEST" | { readonly atMs: number },
  ): Promise<string> {
    const records = this.#shards.get(shardId)?.records ?? [];
    if (start === "TRIM_HORIZON") return Promise.resolve("0");
    if (start === "LATEST") return Promise.resolve(String(records.length));
    const at = records.findIndex((record) => record.sentMs >= start.atMs);
    return Promise.resolve(String(at < 0 ? records.length : at));
  }

  async read(options: {
    readonly shardId: string;
    readonly position: string;
    readonly limit: number;
    readonly bytesMax: number;
    readonly waitMs: number;
    readonly signal: AbortSignal;
  }): Promise<{ readonly records: readonly SourceRecord[]; readonly next: string | undefined }> {
    const untilMs = this.#clock.monotonicMs() + options.waitMs;
    const from = Number(options.position);
    for (;;) {
      options.signal.throwIfAborted();
      const found = this.#shards.get(options.shardId);
      const records = found?.records.slice(from, from + options.limit) ?? [];
      const isEnd = found?.shard.isClosed && from + records.length >= found.records.length;
      if (records.length > 0 || isEnd || this.#clock.monotonicMs() >= untilMs)
        return { records, next: isEnd ? undefined : String(from + records.length) };
      using _timer =
        untilMs === Infinity
          ? undefined
          : this.#clock.timer(untilMs - this.#clock.monotonicMs(), () => this.#ring());
      const aborted = Promise.withResolvers<void>();
      options.signal.addEventListener("abort", () => aborted.resolve(), { once: true });
      await Promise.race([this.#arrived.promise, aborted.promise]);
    }
  }

  #ring(): void {
    this.#arrived.resolve();
    this.#arrived = Promise.withResolvers<void>();
  }
}
