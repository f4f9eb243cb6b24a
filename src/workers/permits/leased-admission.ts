import { type Admission, ThrottledError } from "#functions/invoker/invoker.ts";
import type { ResolvedFunction } from "#functions/registry/registry.ts";
import type { FromWorker, ToWorker } from "./arbiter.ts";

/** Permits of one pool in this worker's hands. */
interface Pool {
  readonly scope: string;
  /** Empty: shared by all functions without a reservation. */
  readonly name: string;
  /** How many may be used: a reservation, or whatever can be had. */
  target: number;
  held: number;
  used: number;
  /** Who waits for the answer to an ask; the first `asked` of them are covered by it. */
  readonly waiting: PromiseWithResolvers<boolean>[];
  asked: number;
  /** An ask is under way; the grant that answers it belongs to those it covered. */
  isAsking: boolean;
}

export interface LeasedAdmission extends Admission {
  /** What the arbiter says, in the order in which it says it. */
  receive(message: ToWorker): void;
}

/**
 * Concurrency limits that hold across processes. Permits in this worker's hands are used without
 * asking anybody; the arbiter is asked for more. A function's reservation is taken from the account's
 * permits when it is first invoked, as `createAdmission` sets it aside; it is this worker's alone,
 * because the function is.
 */
export function createLeasedAdmission(deps: {
  readonly accountConcurrency: number;
  readonly send: (message: FromWorker) => void;
}): LeasedAdmission {
  return new Leases(deps.accountConcurrency, deps.send);
}

class Leases implements LeasedAdmission {
  readonly #limit: number;
  readonly #send: (message: FromWorker) => void;
  readonly #pools = new Map<string, Pool>();
  #runningCount = 0;

  constructor(limit: number, send: (message: FromWorker) => void) {
    this.#limit = limit;
    this.#send = send;
  }

  get runningCount(): number {
    return this.#runningCount;
  }

  async admit({ revision, reservedConcurrency }: ResolvedFunction): Promise<Disposable> {
    const scope = `${revision.accountId}:${revision.region}`;
    const { functionArn } = revision;
    const isReserved = reservedConcurrency !== undefined;
    if (isReserved || this.#pools.has(nameOf(scope, functionArn))) {
      const own = this.#pool(scope, functionArn);
      own.target = Math.min(reservedConcurrency ?? 0, this.#limit);
      this.#trim(own);
      if (isReserved) return this.#enter(own);
    }
    return this.#enter(this.#pool(scope, ""));
  }

  receive(message: ToWorker): void {
    if (message.kind === "grant")
      return this.#granted(this.#pool(message.scope, message.pool), message.count);
    const { scope } = message;
    const shared = this.#pool(scope, "");
    const count = shared.held - shared.used;
    shared.held = shared.used;

    this.#send({ kind: "give", scope, pool: "", count, isAnswer: true });
  }

  #pool(scope: string, name: string): Pool {
    const key = nameOf(scope, name);
    const known = this.#pools.get(key);
    if (known) return known;
    const target = name === "" ? this.#limit : 0;
    const made: Pool = {
      scope,
      name,
      target,
      held: 0,
      used: 0,
      waiting: [],
      asked: 0,
      isAsking: false,
    };
    this.#pools.set(key, made);
    return made;
  }

  /** Errors: `ThrottledError`. */
  async #enter(pool: Pool): Promise<Disposable> {
    if (pool.used >= pool.target) throw throttled(pool);
    if (pool.used < pool.held) pool.used++;
    else {
      const turn = Promise.withResolvers<boolean>();
      pool.waiting.push(turn);
      this.#ask(pool);
      if (!(await turn.promise)) throw throttled(pool);
    }
    this.#runningCount++;
    let left = false;
    return {
      [Symbol.dispose]: () => {
        if (left) return;
        left = true;
        this.#runningCount--;
        pool.used--;
        this.#hand(pool);
        this.#trim(pool);
      },
    };
  }

  /** One ask at a time, for everybody who waits; for a reservation, all that is missing of it. */
  #ask(pool: Pool): void {
    const { scope, name, waiting, target, held } = pool;
    if (pool.isAsking || waiting.length === 0) return;
    if (pool.used >= target) {
      for (const turn of waiting.splice(0)) turn.resolve(false);
      return;
    }
    pool.asked = waiting.length;
    pool.isAsking = true;
    const count = name === "" ? Math.min(waiting.length, target) : target - held;
    this.#send({ kind: "ask", scope, pool: name, count: Math.max(1, count) });
  }

  #granted(pool: Pool, count: number): void {
    pool.held += count;
    this.#hand(pool);
    // Those whom the grant did not reach are refused; who came after the ask is asked for next.
    for (const turn of pool.waiting.splice(0, pool.asked)) turn.resolve(false);
    pool.asked = 0;
    pool.isAsking = false;
    this.#ask(pool);
    this.#trim(pool);
  }

  #hand(pool: Pool): void {
    while (pool.used < Math.min(pool.held, pool.target)) {
      const next = pool.waiting.shift();
      if (!next) return;
      if (pool.asked > 0) pool.asked--;
      pool.used++;
      next.resolve(true);
    }
  }

  /** A reservation that became smaller, or went, gives back what is not in use any more. */
  #trim(pool: Pool): void {
    const { scope, name } = pool;
    if (name === "") return;
    const count = pool.held - Math.max(pool.used, pool.target);
    if (count > 0) {
      pool.held -= count;
      this.#send({ kind: "give", scope, pool: name, count, isAnswer: false });
    }
    const isOver = pool.target === 0 && pool.held === 0 && pool.waiting.length === 0;
    if (isOver && !pool.isAsking) this.#pools.delete(nameOf(scope, name));
  }
}

function nameOf(scope: string, pool: string): string {
  return `${scope} ${pool}`;
}

function throttled(pool: Pool): ThrottledError {
  return new ThrottledError(
    pool.name === ""
      ? "ConcurrentInvocationLimitExceeded"
      : "ReservedFunctionConcurrentInvocationLimitExceeded",
  );
}
