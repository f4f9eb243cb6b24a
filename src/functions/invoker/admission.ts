import type { ResolvedFunction } from "#functions/registry/registry.ts";
import { ThrottledError } from "./errors.ts";

/** A place among the concurrent invocations; disposing twice is harmless. */
export interface Admission {
  /** `ThrottledError` when there is none; a promise where others have to be asked. */
  admit(target: ResolvedFunction): Disposable | Promise<Disposable>;
  /** Invocations running now, of all accounts. */
  readonly runningCount: number;
}

/** Nobody else has to be asked. */
export interface LocalAdmission extends Admission {
  admit(target: ResolvedFunction): Disposable;
}

/**
 * Concurrency is counted per account and region. A function with reserved concurrency has its own
 * places, which nobody else may use; the others share what is left. Provisioned concurrency without a
 * reservation sets places aside too, and what goes beyond them takes from the shared ones
 * (https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html). Reservations are learnt from
 * the functions that are invoked: one nobody invokes sets nothing aside until it is.
 */
export function createAdmission(settings: { readonly accountConcurrency: number }): LocalAdmission {
  return new Counts(settings.accountConcurrency);
}

class Counts implements LocalAdmission {
  readonly #limit: number;
  /** By account and then region. */
  readonly #scopes = new Map<string, Map<string, Scope>>();
  runningCount = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  admit(target: ResolvedFunction): Disposable {
    const { revision, reservedConcurrency: reserved, provisionedConcurrency = 0 } = target;
    const { functionArn } = revision;
    const scope = this.#scope(revision.accountId, revision.region);
    const own = reserved ?? provisionedConcurrency;
    setAside(scope, functionArn, own === 0 && reserved === undefined ? undefined : own);
    const running = own > 0 ? (scope.running.get(functionArn) ?? 0) : 0;
    if (running < own) {
      scope.running.set(functionArn, running + 1);
      return new Place(this, scope, functionArn);
    }
    if (reserved !== undefined)
      throw new ThrottledError("ReservedFunctionConcurrentInvocationLimitExceeded");
    if (scope.shared >= this.#limit - scope.setAside)
      throw new ThrottledError("ConcurrentInvocationLimitExceeded");
    scope.shared++;
    return new Place(this, scope, undefined);
  }

  #scope(accountId: string, region: string): Scope {
    const regions = this.#scopes.get(accountId) ?? new Map<string, Scope>();
    const known = regions.get(region);
    if (known) return known;
    const scope = { shared: 0, running: new Map(), reserved: new Map(), setAside: 0 };
    this.#scopes.set(accountId, regions.set(region, scope));
    return scope;
  }
}

interface Scope {
  /** Running invocations in no place of their function's own. */
  shared: number;
  /** Running invocations in their function's own places. */
  readonly running: Map<string, number>;
  readonly reserved: Map<string, number>;
  /** Sum of the above. */
  setAside: number;
}

class Place implements Disposable {
  readonly #counts: Counts;
  readonly #scope: Scope;
  /** Set where the place is the function's own. */
  readonly #functionArn: string | undefined;
  #isLeft = false;

  constructor(counts: Counts, scope: Scope, functionArn: string | undefined) {
    counts.runningCount++;
    this.#counts = counts;
    this.#scope = scope;
    this.#functionArn = functionArn;
  }

  [Symbol.dispose](): void {
    if (this.#isLeft) return;
    this.#isLeft = true;
    this.#counts.runningCount--;
    if (this.#functionArn === undefined) this.#scope.shared--;
    else leaveOwn(this.#scope.running, this.#functionArn);
  }
}

function leaveOwn(running: Map<string, number>, functionArn: string): void {
  const left = (running.get(functionArn) ?? 1) - 1;
  if (left === 0) running.delete(functionArn);
  else running.set(functionArn, left);
}

function setAside(scope: Scope, functionArn: string, reserved: number | undefined): void {
  const before = scope.reserved.get(functionArn);
  if (before === reserved) return;
  scope.setAside += (reserved ?? 0) - (before ?? 0);
  if (reserved === undefined) scope.reserved.delete(functionArn);
  else scope.reserved.set(functionArn, reserved);
}
