import type { Demand, Limits, Plan, Supply } from "./scheduler.ts";

/**
 * One pass over the whole state. Starts are shared fairly: the function with the fewest starts under
 * way comes first, then whoever waits longest. A waiter that does not fit the memory budget evicts
 * idle environments, least recently used first, then generic sandboxes of other kinds; what still does
 * not fit waits. Generic sandboxes are refilled only from memory and starts nobody waits for.
 */
export function plan(
  demand: readonly Demand[],
  supply: Supply,
  limits: Limits,
  nowMs: number,
): Plan {
  const budget = new Budget(supply, limits, nowMs);
  for (const wanted of fairOrder(demand, supply)) if (!budget.start(wanted)) break;
  budget.refill(limits);
  return budget.plan();
}

/**
 * Every missing start, in the order they should be granted. A waiter already covered by a start under
 * way, or by an environment that is idle or about to be, needs none.
 */
function fairOrder(demand: readonly Demand[], supply: Supply): readonly Demand[] {
  const underWay = count(supply.starting.map((start) => start.functionArn));
  const open = demand.map((wanted) => {
    const coming =
      supply.starting.filter((start) => start.key === wanted.key).length +
      supply.idle.filter((environment) => environment.key === wanted.key).length +
      supply.returning.filter((key) => key === wanted.key).length;
    return { wanted, waiting: wanted.waitingSinceMs.slice(coming) };
  });
  const order: Demand[] = [];
  for (;;) {
    let next: (typeof open)[number] | undefined;
    for (const candidate of open) {
      if (candidate.waiting.length === 0) continue;
      if (next === undefined || comesBefore(candidate, next, underWay)) next = candidate;
    }
    if (next === undefined) return order;
    next.waiting.shift();
    order.push(next.wanted);
    underWay.set(next.wanted.functionArn, (underWay.get(next.wanted.functionArn) ?? 0) + 1);
  }
}

interface Waiting {
  readonly wanted: Demand;
  readonly waiting: readonly number[];
}

function comesBefore(a: Waiting, b: Waiting, underWay: ReadonlyMap<string, number>): boolean {
  const difference =
    (underWay.get(a.wanted.functionArn) ?? 0) - (underWay.get(b.wanted.functionArn) ?? 0);
  if (difference !== 0) return difference < 0;
  return (a.waiting[0] ?? Infinity) < (b.waiting[0] ?? Infinity);
}

class Budget {
  readonly #limits: Limits;
  readonly #generic: Map<string, number>;
  readonly #evictable: Supply["idle"][number][];
  readonly #end: string[] = [];
  readonly #endGeneric: string[] = [];
  readonly #startList: Plan["start"][number][] = [];
  readonly #boot: string[] = [];
  #freeMiB: number;
  #freeStarts: number;
  #againAtMs: number | undefined;
  #starved = false;

  constructor(supply: Supply, limits: Limits, nowMs: number) {
    this.#limits = limits;
    this.#generic = new Map(supply.generic.map((row) => [row.kind, row.ready + row.booting]));
    const booting = supply.generic.reduce((sum, row) => sum + row.booting, 0);
    this.#freeMiB = limits.memoryMiBMax - supply.reservedMiB;
    this.#freeStarts = limits.startsMax - supply.starting.length - booting;
    const expired = supply.idle.filter((one) => nowMs - one.lastUsedMs >= limits.idleTimeoutMs);
    for (const one of expired) this.#endIdle(one);
    this.#evictable = supply.idle
      .filter((one) => !expired.includes(one))
      .toSorted((a, b) => b.lastUsedMs - a.lastUsedMs);
    const oldest = this.#evictable.at(-1);
    if (oldest) this.#againAtMs = oldest.lastUsedMs + limits.idleTimeoutMs;
  }

  /** False when starts have run out: nobody behind can be served either. */
  start(wanted: Demand): boolean {
    const ready = wanted.dedicated ? 0 : (this.#generic.get(wanted.kind) ?? 0);
    // A generic sandbox has been paid for; only what the function needs beyond it is missing.
    const owedMiB = wanted.memoryMiB - (ready > 0 ? this.#limits.genericMemoryMiB : 0);
    if (this.#freeStarts <= 0) return false;
    if (!this.#makeRoom(owedMiB, wanted)) {
      this.#starved = true;
      return true;
    }
    this.#freeMiB -= owedMiB;
    this.#freeStarts--;
    if (ready > 0) this.#generic.set(wanted.kind, ready - 1);
    this.#startList.push({ key: wanted.key, generic: ready > 0 });
    return true;
  }

  refill(limits: Limits): void {
    if (this.#starved) return;
    for (const kind of limits.kindsInUse) {
      for (let have = this.#generic.get(kind) ?? 0; have < limits.genericPerKind; have++) {
        if (this.#freeStarts <= 0 || this.#freeMiB < limits.genericMemoryMiB) return;
        this.#freeStarts--;
        this.#freeMiB -= limits.genericMemoryMiB;
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
    };
  }

  #makeRoom(owedMiB: number, wanted: Demand): boolean {
    if (owedMiB <= this.#freeMiB) return true;
    const spare = [...this.#generic].filter(
      ([kind, number]) => number > 0 && (wanted.dedicated || kind !== wanted.kind),
    );
    const idleMiB = this.#evictable.reduce((sum, one) => sum + one.memoryMiB, 0);
    const spareMiB = spare.reduce((sum, row) => sum + row[1] * this.#limits.genericMemoryMiB, 0);
    if (owedMiB > this.#freeMiB + idleMiB + spareMiB) return false; // ending anything would not help
    while (owedMiB > this.#freeMiB) {
      const oldest = this.#evictable.pop();
      if (oldest === undefined) break;
      this.#endIdle(oldest);
    }
    for (const [kind, number] of spare) {
      for (let left = number; left > 0 && owedMiB > this.#freeMiB; left--) {
        this.#endGeneric.push(kind);
        this.#generic.set(kind, left - 1);
        this.#freeMiB += this.#limits.genericMemoryMiB;
      }
    }
    return owedMiB <= this.#freeMiB;
  }

  #endIdle(environment: Supply["idle"][number]): void {
    this.#end.push(environment.id);
    this.#freeMiB += environment.memoryMiB;
  }
}

function count(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
