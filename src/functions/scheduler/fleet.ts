import { Heap } from "./heap.ts";
import type { IdleEnvironment, Supply } from "./scheduler.ts";

/** A cold start under way. */
export interface StartUnderWay {
  readonly key: string;
  readonly functionArn: string;
  readonly accountId: string;
}

/** What the fleet has to ask of whoever owns the environments. */
export interface FleetOwner extends Pick<
  Supply,
  "generic" | "reservedMiB" | "returningOf" | "idleOf"
> {
  /** Frequency × cost of a start ÷ size: what ending this idle environment would lose. */
  worthOf(environment: IdleEnvironment, nowMs: number): number;
}

/**
 * What is alive, in the orders in which decisions ask for it. A warm call only writes down that an
 * environment is idle or not; the orders are put right when somebody looks.
 */
export class Fleet implements Supply {
  readonly #owner: FleetOwner;
  /** What has ever rested, until it ends: an entry per environment and not one per call. */
  readonly #known = new Map<string, Known>();
  /**
   * Ranked by when an environment may expire, at the earliest. Those in use stay in it until their turn
   * comes, so that a busy function does not pay for its place in the order with every call.
   */
  readonly #byExpiry = new Heap<string>();
  readonly #startsOf = new Map<string, number>();
  readonly #startsByFunction = new Map<string, number>();
  readonly #startsByAccount = new Map<string, number>();
  #startCount = 0;
  #evictableMiB = 0;
  /** The inflation of greedy-dual: rises to the worth of what was evicted last. */
  #floor = 0;
  #nowMs = 0;

  constructor(owner: FleetOwner) {
    this.#owner = owner;
  }

  get generic(): Supply["generic"] {
    return this.#owner.generic;
  }

  get reservedMiB(): number {
    return this.#owner.reservedMiB;
  }

  returningOf(key: string): number {
    return this.#owner.returningOf(key);
  }

  idleOf(key: string): number {
    return this.#owner.idleOf(key);
  }

  get startCount(): number {
    return this.#startCount;
  }

  get evictableMiB(): number {
    return this.#evictableMiB;
  }

  startsOf(key: string): number {
    return this.#startsOf.get(key) ?? 0;
  }

  startsByFunction(functionArn: string): number {
    return this.#startsByFunction.get(functionArn) ?? 0;
  }

  startsByAccount(accountId: string): number {
    return this.#startsByAccount.get(accountId) ?? 0;
  }

  /** Before a plan: puts the order of expiry right as far as this moment. */
  look(nowMs: number): void {
    this.#nowMs = nowMs;
    for (let first = this.#byExpiry.first; first && first.rank <= nowMs;) {
      const idle = this.#idle(first.value);
      if (idle && idle.environment.keepUntilMs <= first.rank) break;
      if (idle) this.#byExpiry.set(first.value, idle.environment.keepUntilMs, first.value);
      else this.#byExpiry.delete(first.value);
      first = this.#byExpiry.first;
    }
  }

  *byExpiry(): Generator<IdleEnvironment> {
    for (const id of this.#byExpiry.ascending()) {
      const idle = this.#idle(id);
      if (idle) yield idle.environment;
    }
  }

  /** Worth least first. Sorted when memory is short and not before. */
  *evictable(): Generator<IdleEnvironment> {
    const ranked: { readonly environment: IdleEnvironment; readonly rank: number }[] = [];
    for (const idle of this.#known.values())
      if (idle.isResting && !idle.isProvisioned)
        ranked.push({ environment: idle.environment, rank: this.#rankOf(idle) });
    ranked.sort((a, b) => a.rank - b.rank);
    for (const { environment } of ranked) yield environment;
  }

  /**
   * An environment is idle from now on. What it is worth follows FaasCache (ASPLOS 2021, section 4):
   * floor + frequency × cost / size. Provisioned ones are not ended for room.
   */
  rest(environment: IdleEnvironment, isProvisioned: boolean): void {
    const { id, memoryMiB, keepUntilMs } = environment;
    this.wake(id);
    const known = this.#known.get(id);
    const floor = this.#floor;
    if (known) {
      known.environment = environment;
      known.isProvisioned = isProvisioned;
      known.floor = floor;
      known.isResting = true;
    } else this.#known.set(id, { environment, isProvisioned, floor, isResting: true });
    if (!isProvisioned) this.#evictableMiB += memoryMiB;
    const rank = this.#byExpiry.rankOf(id);
    if (rank === undefined || keepUntilMs < rank) this.#byExpiry.set(id, keepUntilMs, id);
  }

  /** It is in use; one that was not idle is ignored. */
  wake(id: string): void {
    const idle = this.#idle(id);
    if (!idle) return;
    idle.isResting = false;
    if (!idle.isProvisioned) this.#evictableMiB -= idle.environment.memoryMiB;
  }

  /** It ends. If that is to make room, what comes after is worth at least as much. */
  leave(id: string, why: "evicted" | "other"): void {
    const idle = this.#idle(id);
    if (idle && why === "evicted") this.#floor = Math.max(this.#floor, this.#rankOf(idle));
    this.wake(id);
    this.#known.delete(id);
    this.#byExpiry.delete(id);
  }

  begin(start: StartUnderWay): void {
    this.#count(start, 1);
  }

  finish(start: StartUnderWay): void {
    this.#count(start, -1);
  }

  #idle(id: string): Known | undefined {
    const known = this.#known.get(id);
    return known?.isResting === true ? known : undefined;
  }

  #rankOf({ environment, floor }: Known): number {
    return floor + this.#owner.worthOf(environment, this.#nowMs);
  }

  #count({ key, functionArn, accountId }: StartUnderWay, step: 1 | -1): void {
    this.#startCount += step;
    add(this.#startsOf, key, step);
    add(this.#startsByFunction, functionArn, step);
    add(this.#startsByAccount, accountId, step);
  }
}

interface Known {
  environment: IdleEnvironment;
  isProvisioned: boolean;
  /** What the floor was when it became idle. */
  floor: number;
  isResting: boolean;
}

/** Zero is not kept, so that the maps hold only what exists. */
function add(counts: Map<string, number>, name: string, step: number): void {
  const next = (counts.get(name) ?? 0) + step;
  if (next === 0) counts.delete(name);
  else counts.set(name, next);
}
