import {
  aheadStartsShare,
  drainMsMax,
  drainPatience,
  heldMsMax,
  passedOverMsMax,
} from "./limits.ts";
import type { Ahead, Demand, IdleEnvironment, Limits, Plan, Supply, Waiting } from "./scheduler.ts";

/**
 * One pass over what changed: the cost follows the waiting lines and what is ended, never the number of
 * environments or functions. Starts are shared fairly: the account with the fewest starts under way
 * comes first, in it the function with the fewest, then whoever waits longest. A waiter that does not fit
 * the memory budget evicts idle environments, those worth least first, then generic sandboxes of other
 * kinds; what still does not fit waits. Provisioned environments come after waiters. Predicted calls and
 * generic sandboxes get only memory and starts that nobody waits for.
 */
export function plan(demand: Demand, supply: Supply, limits: Limits, nowMs: number): Plan {
  const budget = new Budget(supply, limits, nowMs);
  const waiting = [...demand.waiting].map((wanted) => new Line(wanted, supply, nowMs));
  for (const line of fairOrder(waiting, supply)) {
    const verdict = budget.start(line.wanted, "call");
    if (verdict === "no-start-left") break;
    if (verdict === "started") continue;
    line.isPassedOver = true;
    const waitedMs = nowMs - line.oldestMs;
    // Small ones may go first for a while; then the room that becomes free is kept for the large one.
    if (waitedMs >= passedOverMsMax && waitedMs < heldMsMax) break;
    budget.lookAgainAt(line.oldestMs + passedOverMsMax);
  }
  for (const line of waiting) budget.lookAgainAt(line.againAtMs);
  for (const wanted of demand.ahead) budget.startAhead(wanted);
  budget.refill();
  return budget.plan();
}

/** The waiters of one key that nothing is coming for yet. */
class Line {
  readonly wanted: Waiting;
  isPassedOver = false;
  /** When waiters that busy environments should serve have waited too long for that. */
  readonly againAtMs: number | undefined;
  #place: number;
  #left: number;

  constructor(wanted: Waiting, supply: Supply, nowMs: number) {
    this.wanted = wanted;
    const { key, concurrency } = wanted;
    const environmentCount = supply.startsOf(key) + supply.idleOf(key);
    this.#place = environmentCount * concurrency + supply.returningOf(key);
    const { count, againAtMs } = drained(wanted, this.#place, nowMs);
    this.#left = wanted.count - this.#place - count;
    this.againAtMs = againAtMs;
  }

  get isOpen(): boolean {
    return this.#left > 0 && !this.isPassedOver;
  }

  get oldestMs(): number {
    return this.wanted.sinceMs(Math.min(this.#place, this.wanted.count - 1));
  }

  take(): void {
    this.#place += this.wanted.concurrency;
    this.#left -= this.wanted.concurrency;
  }
}

/**
 * How many waiters the busy environments will have served before a start could, so that a crowd in
 * front of a function of a millisecond does not start an environment each. Whoever has waited half as
 * long as a start takes, or `drainMsMax`, is no longer counted: the estimate was wrong.
 */
function drained(
  wanted: Waiting,
  coming: number,
  nowMs: number,
): { readonly count: number; readonly againAtMs: number | undefined } {
  const { busyCount, concurrency, callMs, startMs } = wanted;
  const none = { count: 0, againAtMs: undefined };
  if (callMs === undefined || busyCount === 0 || coming >= wanted.count) return none;
  const patienceMs = Math.min(startMs * drainPatience, drainMsMax);
  const overdueAtMs = wanted.sinceMs(coming) + patienceMs;
  if (overdueAtMs <= nowMs) return none;
  const count = Math.floor((patienceMs * busyCount * concurrency) / Math.max(callMs, 0.001));
  return count === 0 ? none : { count, againAtMs: overdueAtMs };
}

/** The key of every missing start, in the order they should be granted; lines may close in between. */
function* fairOrder(lines: readonly Line[], supply: Supply): Generator<Line> {
  const granted = { byAccount: new Map<string, number>(), byFunction: new Map<string, number>() };
  const rank = ({ wanted, oldestMs }: Line): readonly [number, number, number] => [
    supply.startsByAccount(wanted.accountId) + (granted.byAccount.get(wanted.accountId) ?? 0),
    supply.startsByFunction(wanted.functionArn) + (granted.byFunction.get(wanted.functionArn) ?? 0),
    oldestMs,
  ];
  for (;;) {
    let next: Line | undefined;
    let best: readonly [number, number, number] = [Infinity, Infinity, Infinity];
    for (const line of lines) {
      if (!line.isOpen) continue;
      const mine = rank(line);
      if (next && !comesBefore(mine, best)) continue;
      next = line;
      best = mine;
    }
    if (next === undefined) return;
    yield next;
    if (next.isPassedOver) continue;
    next.take();
    const { accountId, functionArn } = next.wanted;
    granted.byAccount.set(accountId, (granted.byAccount.get(accountId) ?? 0) + 1);
    granted.byFunction.set(functionArn, (granted.byFunction.get(functionArn) ?? 0) + 1);
  }
}

function comesBefore(
  a: readonly [number, number, number],
  b: readonly [number, number, number],
): boolean {
  if (a[0] !== b[0]) return a[0] < b[0];
  return a[1] === b[1] ? a[2] < b[2] : a[1] < b[1];
}

type Wanted = Omit<Ahead, "purpose" | "count">;

class Budget {
  readonly #limits: Limits;
  readonly #nowMs: number;
  readonly #generic: Map<string, number>;
  readonly #supply: Supply;
  /** Asked for when room has to be made and not before. */
  #evictable: Iterator<IdleEnvironment> | undefined;
  readonly #end: Plan["end"][number][] = [];
  readonly #endGeneric: string[] = [];
  readonly #startList: Plan["start"][number][] = [];
  readonly #boot: string[] = [];
  readonly #gone = new Set<string>();
  #evictableMiB: number;
  #freeMiB: number;
  #freeStarts: number;
  #freeAhead: number;
  #againAtMs: number | undefined;
  #starved = false;
  #unmetMiB = 0;

  constructor(supply: Supply, limits: Limits, nowMs: number) {
    this.#limits = limits;
    this.#nowMs = nowMs;
    this.#generic = new Map(supply.generic.map((row) => [row.kind, row.ready + row.booting]));
    const booting = supply.generic.reduce((sum, row) => sum + row.booting, 0);
    this.#freeMiB = limits.memoryMiBMax - supply.reservedMiB;
    this.#freeStarts = limits.startsMax - supply.startCount - booting;
    this.#freeAhead = Math.max(1, Math.floor(limits.startsMax * aheadStartsShare));
    this.#evictableMiB = supply.evictableMiB;
    this.#supply = supply;
    this.#endExpired(supply);
    if (limits.mustFit && this.#freeMiB < 0) {
      this.#evict(0);
      this.#endSpare(0, [...this.#generic]);
    }
  }

  #endExpired(supply: Supply): void {
    for (const one of supply.byExpiry()) {
      if (one.keepUntilMs > this.#nowMs) return this.lookAgainAt(one.keepUntilMs);
      this.#endIdle(one, "expired");
    }
  }

  /** What is over already needs no second look: it is in this plan, or waits for a change. */
  lookAgainAt(atMs: number | undefined): void {
    if (atMs === undefined || atMs <= this.#nowMs) return;
    this.#againAtMs = Math.min(this.#againAtMs ?? Infinity, atMs);
  }

  start(
    wanted: Wanted,
    purpose: Plan["start"][number]["purpose"],
  ): "started" | "does-not-fit" | "no-start-left" {
    if (this.#freeStarts <= 0) return "no-start-left";
    const ready = wanted.dedicated ? 0 : (this.#generic.get(wanted.kind) ?? 0);
    // A generic sandbox has been paid for; only what the function needs beyond it is missing.
    const owedMiB = wanted.memoryMiB - (ready > 0 ? this.#limits.genericMemoryMiB : 0);
    const fits = purpose === "prewarm" ? owedMiB <= this.#freeMiB : this.#makeRoom(owedMiB, wanted);
    if (!fits) {
      this.#starved = true;
      if (purpose !== "prewarm") this.#unmetMiB += owedMiB;
      return "does-not-fit";
    }
    this.#freeMiB -= owedMiB;
    this.#freeStarts--;
    if (ready > 0) this.#generic.set(wanted.kind, ready - 1);
    this.#startList.push({ key: wanted.key, generic: ready > 0, purpose });
    return "started";
  }

  /** Nobody waits for these: they leave some of the starts free for whoever calls next. */
  startAhead(wanted: Ahead): void {
    if (wanted.purpose === "prewarm" && this.#starved) return;
    for (let left = wanted.count; left > 0 && this.#freeAhead > 0; left--) {
      if (this.start(wanted, wanted.purpose) !== "started") return;
      this.#freeAhead--;
    }
  }

  refill(): void {
    if (this.#starved) return;
    for (const kind of this.#limits.kindsInUse) {
      const wanted = this.#limits.genericPerKind;
      for (let have = this.#generic.get(kind) ?? 0; have < wanted; have++) {
        if (this.#freeStarts <= 0 || this.#freeMiB < this.#limits.genericMemoryMiB) return;
        this.#freeStarts--;
        this.#freeMiB -= this.#limits.genericMemoryMiB;
        this.#boot.push(kind);
      }
    }
  }

  plan(): Plan {
    return {
      start: this.#startList,
      end: this.#end,
      endGeneric: this.#endGeneric,
      boot: this.#boot,
      againAtMs: this.#againAtMs,
      missingMiB: this.#missingMiB(),
    };
  }

  #missingMiB(): number {
    if (this.#unmetMiB === 0) return 0;
    const spareMiB = [...this.#generic.values()].reduce((sum, one) => sum + one, 0);
    const ownMiB = this.#freeMiB + this.#evictableMiB + spareMiB * this.#limits.genericMemoryMiB;
    return Math.max(0, this.#unmetMiB - ownMiB);
  }

  #makeRoom(owedMiB: number, wanted: Wanted): boolean {
    if (owedMiB <= this.#freeMiB) return true;
    const spare = [...this.#generic].filter(
      ([kind, number]) => number > 0 && (wanted.dedicated || kind !== wanted.kind),
    );
    const spareMiB = spare.reduce((sum, row) => sum + row[1] * this.#limits.genericMemoryMiB, 0);
    // Ending anything would not help.
    if (owedMiB > this.#freeMiB + this.#evictableMiB + spareMiB) return false;
    this.#evict(owedMiB);
    this.#endSpare(owedMiB, spare);
    return owedMiB <= this.#freeMiB;
  }

  #evict(wantedMiB: number): void {
    if (wantedMiB <= this.#freeMiB) return;
    this.#evictable ??= this.#supply.evictable()[Symbol.iterator]();
    while (wantedMiB > this.#freeMiB) {
      const { value: least, done } = this.#evictable.next();
      if (done === true) return;
      if (!this.#gone.has(least.id)) this.#endIdle(least, "evicted");
    }
  }

  #endSpare(wantedMiB: number, spare: readonly (readonly [string, number])[]): void {
    for (const [kind, number] of spare) {
      for (let left = number; left > 0 && wantedMiB > this.#freeMiB; left--) {
        this.#endGeneric.push(kind);
        this.#generic.set(kind, left - 1);
        this.#freeMiB += this.#limits.genericMemoryMiB;
      }
    }
  }

  #endIdle(
    environment: { readonly id: string; readonly memoryMiB: number },
    why: Plan["end"][number]["why"],
  ): void {
    this.#end.push({ id: environment.id, why });
    this.#gone.add(environment.id);
    this.#freeMiB += environment.memoryMiB;
    this.#evictableMiB -= environment.memoryMiB;
  }
}
