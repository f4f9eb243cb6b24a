/** What a queue does, in the plainest way: a list that is searched from the front. */
export interface ModelMessage {
  readonly body: string;
  readonly group: string | undefined;
  /** Visible from then on; while it is in flight, until its timeout is over. */
  visibleMs: number;
  receiveCount: number;
  isDelayed: boolean;
}

export interface ModelSettings {
  readonly isFifo: boolean;
  readonly visibilityMs: number;
  readonly maxReceiveCount: number;
}

const deduplicationMs = 300_000;

export class QueueModel {
  readonly #settings: ModelSettings;
  #messages: ModelMessage[] = [];
  readonly #once = new Map<string, number>();
  /** Bodies, in the order in which they became dead letters. */
  readonly dead: string[] = [];

  constructor(settings: ModelSettings) {
    this.#settings = settings;
  }

  /** A duplicate is not sent again. */
  send(
    message: Pick<ModelMessage, "body" | "group"> & { readonly once: string | undefined },
    { nowMs, delayMs }: { readonly nowMs: number; readonly delayMs: number },
  ): void {
    const { body, group, once } = message;
    if (once !== undefined) {
      const before = this.#once.get(once);
      if (before !== undefined && before + deduplicationMs > nowMs) return;
      this.#once.set(once, nowMs);
    }
    const visibleMs = nowMs + delayMs;
    this.#messages.push({ body, group, visibleMs, receiveCount: 0, isDelayed: delayMs > 0 });
  }

  /**
   * The messages of which one receive of one message may return any, after what had been received too often
   * was moved. One for a standard queue, one of each open group for a FIFO queue.
   */
  candidates(nowMs: number): readonly ModelMessage[] {
    if (this.#settings.isFifo) return this.#firstOfGroups(nowMs);
    for (;;) {
      const visible = this.#messages.filter(({ visibleMs }) => visibleMs <= nowMs);
      // Sorting is stable: of equals, the one sent first.
      const [next] = visible.toSorted((a, b) => a.visibleMs - b.visibleMs);
      if (!next) return [];
      if (next.receiveCount < this.#settings.maxReceiveCount) return [next];
      this.#drop(next);
      this.dead.push(next.body);
    }
  }

  receive(message: ModelMessage, nowMs: number): void {
    message.receiveCount += 1;
    message.visibleMs = nowMs + this.#settings.visibilityMs;
    message.isDelayed = false;
  }

  /** With the receipt of that receive; false when it is refused. */
  delete(message: ModelMessage, receiveCount: number, nowMs: number): boolean {
    if (!this.#messages.includes(message)) return true;
    const isCurrent = message.receiveCount === receiveCount;
    const isInFlight = message.visibleMs > nowMs;
    if (this.#settings.isFifo && !(isInFlight && isCurrent)) return false;
    if (isCurrent) this.#drop(message);
    return true;
  }

  /** False when the message is not in flight under this receipt. */
  change(
    message: ModelMessage,
    receiveCount: number,
    { nowMs, visibilityMs }: { readonly nowMs: number; readonly visibilityMs: number },
  ): boolean {
    const isInFlight = this.#messages.includes(message) && message.visibleMs > nowMs;
    if (!isInFlight || message.receiveCount !== receiveCount) return false;
    message.visibleMs = nowMs + visibilityMs;
    return true;
  }

  /** Visible, in flight, delayed. */
  counts(nowMs: number): readonly [number, number, number] {
    const later = this.#messages.filter(({ visibleMs }) => visibleMs > nowMs);
    const delayed = later.filter(({ isDelayed }) => isDelayed).length;
    return [this.#messages.length - later.length, later.length - delayed, delayed];
  }

  #drop(message: ModelMessage): void {
    this.#messages = this.#messages.filter((each) => each !== message);
  }

  #firstOfGroups(nowMs: number): readonly ModelMessage[] {
    const groups = Map.groupBy(this.#messages, ({ group }) => group);
    return [...groups.values()].flatMap((members) =>
      members.some(({ visibleMs }) => visibleMs > nowMs) ? [] : members.slice(0, 1),
    );
  }
}
