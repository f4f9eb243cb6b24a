import type { Clock } from "#base/clock.ts";
import { earlyTelemetryBytesMax, telemetryBacklogFactor, telemetryRetryMsMax } from "../limits.ts";
import type { TelemetryEvent } from "../runtimes.ts";
import { renderEvent } from "./schema.ts";
import type { Subscription } from "./subscription.ts";
import type { TelemetryDestination } from "./supervisor.ts";

export interface TelemetryDeps {
  readonly clock: Clock;
  /** Resolves with whether the receiver took it; never rejects. */
  readonly deliver: (destination: TelemetryDestination, body: Uint8Array) => Promise<boolean>;
}

/**
 * The events of one environment on their way to its subscribers: buffered as each asked for, delivered
 * at least once while there is room, then dropped and counted (`platform.logsDropped`). What happens
 * before somebody subscribes is kept until init is over, so that a subscriber sees its own beginning.
 */
export class Telemetry implements Disposable {
  readonly #deps: TelemetryDeps;
  /** At most two for each of the registered extensions. */
  readonly #subscribers = new Map<string, Subscriber>();
  #early: TelemetryEvent[] | undefined = [];
  #earlyBytes = 0;

  constructor(deps: TelemetryDeps) {
    this.#deps = deps;
  }

  /** Somebody listens, or still may. */
  get isWanted(): boolean {
    return this.#early !== undefined || this.#subscribers.size > 0;
  }

  /** A second subscription of one extension to one API takes the place of its first. */
  subscribe(name: string, subscription: Subscription): void {
    const key = `${subscription.api} ${name}`;
    const subscriber = new Subscriber(this.#deps, subscription);
    this.#subscribers.get(key)?.[Symbol.dispose]();
    this.#subscribers.set(key, subscriber);
    for (const event of this.#early ?? []) subscriber.push(event);
  }

  /** Init is over: nobody can subscribe any more. */
  close(): void {
    this.#early = undefined;
  }

  publish(event: TelemetryEvent): void {
    if (this.#early && this.#earlyBytes < earlyTelemetryBytesMax) {
      this.#earlyBytes += JSON.stringify(event.record ?? null).length;
      this.#early.push(event);
    }
    for (const subscriber of this.#subscribers.values()) subscriber.push(event);
  }

  [Symbol.dispose](): void {
    this.#early = undefined;
    for (const subscriber of this.#subscribers.values()) subscriber[Symbol.dispose]();
    this.#subscribers.clear();
  }

  /** Delivers what is buffered now; resolves when each receiver has answered once. */
  async flush(): Promise<void> {
    await Promise.all([...this.#subscribers.values()].map((subscriber) => subscriber.flush()));
  }
}

class Subscriber implements Disposable {
  readonly #deps: TelemetryDeps;
  readonly #subscription: Subscription;
  #events: string[] = [];
  #bytes = 0;
  #droppedRecords = 0;
  #droppedBytes = 0;
  #timer: Disposable | undefined;
  #sending: Promise<void> | undefined;
  #failures = 0;
  #isClosed = false;

  constructor(deps: TelemetryDeps, subscription: Subscription) {
    this.#deps = deps;
    this.#subscription = subscription;
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#timer?.[Symbol.dispose]();
  }

  push(event: TelemetryEvent): void {
    if (this.#isClosed) return;
    const text = renderEvent(event, this.#subscription);
    if (text === undefined) return;
    const { maxBytes, maxItems, timeoutMs } = this.#subscription.buffering;
    const bytes = Buffer.byteLength(text);
    const isFull = this.#bytes + bytes > maxBytes * telemetryBacklogFactor;
    if (isFull || this.#events.length >= maxItems * telemetryBacklogFactor) {
      this.#droppedRecords++;
      this.#droppedBytes += bytes;
      return;
    }
    this.#events.push(text);
    this.#bytes += bytes;
    if (this.#bytes >= maxBytes || this.#events.length >= maxItems) void this.flush();
    else this.#timer ??= this.#deps.clock.timer(timeoutMs, () => void this.flush());
  }

  /** Resolves when what was buffered has been offered once. */

  async flush(): Promise<void> {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    await this.#sending;
    // Several may have waited; one of them sends.
    this.#sending ??= this.#send().finally(() => (this.#sending = undefined));
    await this.#sending;
  }

  async #send(): Promise<void> {
    this.#tellDropped();
    const { destination } = this.#subscription;
    while (this.#events.length > 0) {
      const events = this.#nextBatch();
      const isTcp = destination.protocol === "TCP";
      const text = isTcp ? `${events.join("\n")}\n` : `[${events.join(",")}]`;
      const body = Buffer.from(text, "utf8");
      if (!(await this.#deps.deliver(destination, body))) return this.#tryAgain();
      this.#failures = 0;
      this.#events.splice(0, events.length);
      for (const event of events) this.#bytes -= Buffer.byteLength(event);
    }
  }

  /** What is being sent stays in the buffer until it has been taken. */
  #nextBatch(): readonly string[] {
    const { maxBytes, maxItems } = this.#subscription.buffering;
    let bytes = 0;
    const end = this.#events.findIndex((event, index) => {
      bytes += Buffer.byteLength(event);
      return index >= maxItems || (index > 0 && bytes > maxBytes);
    });
    return this.#events.slice(0, end < 0 ? this.#events.length : end);
  }

  #tryAgain(): void {
    if (this.#isClosed) return;
    this.#failures++;
    const { timeoutMs } = this.#subscription.buffering;
    const delayMs = Math.min(telemetryRetryMsMax, timeoutMs * 2 ** Math.min(this.#failures, 10));
    this.#timer ??= this.#deps.clock.timer(delayMs, () => void this.flush());
  }

  #tellDropped(): void {
    if (this.#droppedRecords === 0) return;
    const record = {
      reason: "Consumer seems to have fallen behind as it has not acknowledged receipt of logs.",
      droppedRecords: this.#droppedRecords,
      droppedBytes: this.#droppedBytes,
    };
    this.#droppedRecords = 0;
    this.#droppedBytes = 0;
    const time = new Date(this.#deps.clock.nowMs()).toISOString();
    const text = renderEvent({ time, type: "platform.logsDropped", record }, this.#subscription);
    if (text === undefined) return;
    this.#events.push(text);
    this.#bytes += Buffer.byteLength(text);
  }
}
