import { permitBlockMax } from "../limits.ts";

/** What a worker says about permits. A scope is whatever has a limit of its own: an account in a region. */
export type FromWorker =
  | {
      readonly kind: "ask";
      readonly scope: string;
      /** Empty: what everybody shares. Otherwise a function's own, set aside for it. */
      readonly pool: string;
      /** 1 … */
      readonly count: number;
    }
  | {
      readonly kind: "give";
      readonly scope: string;
      readonly pool: string;
      readonly count: number;
      /** In answer to a `reclaim`: as much of what is unused as others lack, or all of it. */
      readonly isAnswer: boolean;
    };

/** What it is told. A grant answers an ask, in order; 0 says that none was free anywhere. */
export type ToWorker =
  | {
      readonly kind: "grant";
      readonly scope: string;
      readonly pool: string;
      readonly count: number;
    }
  | {
      readonly kind: "reclaim";
      readonly scope: string;
      /** What others lack. */
      readonly count: number;
    };

/** One message and whom it is for. */
export interface Told {
  readonly worker: number;
  readonly message: ToWorker;
}

interface Ask {
  readonly worker: number;
  readonly pool: string;
  readonly count: number;
}

interface Scope {
  free: number;
  /** Held by each worker, used or not. */
  readonly held: Map<number, number>;
  /** Asks a round is being made for, and those that came too late for it. */
  waiting: Ask[];
  late: Ask[];
  /** Workers that have not answered the running round. */
  readonly unanswered: Set<number>;
}

/**
 * Who may have how many of a limited number of permits, exactly: a permit is free, or in one worker's
 * hands, or on its way, and counts as held until it has come back. What is free is handed out in
 * blocks. When nothing is, everybody gives back what they do not use, in rounds: all asks that come
 * during one share the next. An ask is refused only after a round that found nothing for it.
 *
 * Pure: takes what was said, returns what is to be said.
 */
export class Arbiter {
  readonly #limit: number;
  readonly #scopes = new Map<string, Scope>();
  readonly #silent = new Set<number>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  take(worker: number, message: FromWorker): readonly Told[] {
    const scope = this.#scope(message.scope);
    if (message.kind === "give") {
      scope.free += message.count;
      scope.held.set(worker, (scope.held.get(worker) ?? 0) - message.count);
      if (!message.isAnswer) return this.#go(message.scope, scope);
      scope.unanswered.delete(worker);
      return this.#go(message.scope, scope);
    }
    const { pool, count } = message;
    const ask = { worker, pool, count };
    if (scope.unanswered.size > 0) {
      scope.late.push(ask);
      return [];
    }
    if (scope.free >= count) return this.#serve(message.scope, scope, [ask]);
    scope.waiting.push(ask);
    return this.#reclaim(message.scope, scope);
  }

  /** It will say nothing more. Its permits stay taken: what it had begun may still be running. */
  silenced(worker: number): readonly Told[] {
    this.#silent.add(worker);
    return [...this.#scopes].flatMap(([name, scope]) => {
      scope.waiting = scope.waiting.filter((ask) => ask.worker !== worker);
      scope.late = scope.late.filter((ask) => ask.worker !== worker);
      return scope.unanswered.delete(worker) ? this.#go(name, scope) : [];
    });
  }

  /** Nothing that it had begun is left. */
  gone(worker: number): readonly Told[] {
    this.#silent.delete(worker);
    return [...this.#scopes].flatMap(([name, scope]) => {
      scope.free += scope.held.get(worker) ?? 0;
      scope.held.delete(worker);
      return this.#go(name, scope);
    });
  }

  #scope(name: string): Scope {
    const known = this.#scopes.get(name);
    if (known) return known;
    const made: Scope = {
      free: this.#limit,
      held: new Map(),
      waiting: [],
      late: [],
      unanswered: new Set(),
    };
    this.#scopes.set(name, made);
    return made;
  }

  /** After a round has ended: its asks are answered, the late ones get what is left or a round of their own. */
  #go(name: string, scope: Scope): readonly Told[] {
    const told: Told[] = [];
    while (scope.unanswered.size === 0 && scope.waiting.length + scope.late.length > 0) {
      if (scope.waiting.length > 0) told.push(...this.#serve(name, scope, scope.waiting));
      scope.waiting = scope.late;
      scope.late = [];
      const wanted = scope.waiting.reduce((sum, ask) => sum + ask.count, 0);
      if (wanted > scope.free) told.push(...this.#reclaim(name, scope));
    }
    return told;
  }

  #reclaim(name: string, scope: Scope): readonly Told[] {
    for (const [worker, count] of scope.held)
      if (count > 0 && !this.#silent.has(worker)) scope.unanswered.add(worker);
    if (scope.unanswered.size === 0) return this.#go(name, scope);
    const count = scope.waiting.reduce((sum, ask) => sum + ask.count, 0) - scope.free;
    return [...scope.unanswered].map((worker) => ({
      worker,
      message: { kind: "reclaim", scope: name, count },
    }));
  }

  /** Everybody what they asked for while it lasts, then a share of the rest to have at hand. */
  #serve(name: string, scope: Scope, asks: readonly Ask[]): readonly Told[] {
    const granted = asks.map((ask) => {
      const count = Math.min(ask.count, scope.free);
      scope.free -= count;
      return { ...ask, count };
    });
    const share = Math.min(permitBlockMax, Math.floor(scope.free / (2 * asks.length + 2)));
    return granted.map(({ worker, pool, count }) => {
      const spare = pool === "" && count > 0 ? share : 0;
      scope.free -= spare;
      scope.held.set(worker, (scope.held.get(worker) ?? 0) + count + spare);
      return { worker, message: { kind: "grant", scope: name, pool, count: count + spare } };
    });
  }
}
