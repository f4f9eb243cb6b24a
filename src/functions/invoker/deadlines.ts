import type { Clock } from "#base/clock.ts";

/** Something that has until a certain time. */
export interface Timed {
  /** Its time is over. Must not throw. */
  late(): void;
}

/** The time of one of them; it knows its neighbours, so that it can leave the row without being looked for. */
export interface Deadline {
  readonly timed: Timed;
  readonly row: Row;
  readonly dueMs: number;
  before: Deadline | undefined;
  after: Deadline | undefined;
}

/** All that have the same time, in the order in which they began, which is that in which they are due. */
interface Row {
  readonly limitMs: number;
  first: Deadline | undefined;
  last: Deadline | undefined;
  timer: Disposable | undefined;
}

/**
 * The time limits of running invocations. Nearly all end long before, so a limit costs a place in a row
 * and no timer: each row has one, set for whoever is first when it is set. When it fires it looks who is
 * first by then. One row per limit in use.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #rows = new Map<number, Row>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `nowMs` is monotonic. Tells `timed` once, after `limitMs`, unless it is taken out before. */
  add(timed: Timed, limitMs: number, nowMs: number): Deadline {
    const row = this.#row(limitMs);
    const before = row.last;
    const deadline: Deadline = { timed, row, dueMs: nowMs + limitMs, before, after: undefined };
    if (before) before.after = deadline;
    else row.first = deadline;
    row.last = deadline;
    if (!row.timer) this.#arm(row, limitMs);
    return deadline;
  }

  /** Harmless for one that was told or taken out already. */
  remove(deadline: Deadline): void {
    const { row, before, after } = deadline;
    if (before) before.after = after;
    else if (row.first === deadline) row.first = after;
    else return;
    if (after) after.before = before;
    else row.last = before;
    deadline.before = undefined;
    deadline.after = undefined;
  }

  #row(limitMs: number): Row {
    const known = this.#rows.get(limitMs);
    if (known) return known;
    const row: Row = { limitMs, first: undefined, last: undefined, timer: undefined };
    this.#rows.set(limitMs, row);
    return row;
  }

  #arm(row: Row, delayMs: number): void {
    row.timer = this.#clock.timer(delayMs, () => this.#look(row));
  }

  #look(row: Row): void {
    row.timer = undefined;
    const nowMs = this.#clock.monotonicMs();
    for (let { first } = row; first && first.dueMs <= nowMs; { first } = row) {
      this.remove(first);
      first.timed.late();
    }
    const { first } = row;
    if (first && !row.timer) this.#arm(row, first.dueMs - nowMs);
    else if (!first && !row.timer) this.#rows.delete(row.limitMs);
  }
}
