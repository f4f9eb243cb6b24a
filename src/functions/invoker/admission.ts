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
  const scopes = new Map<string, Scope>();
  let runningCount = 0;
  return {
    get runningCount() {
      return runningCount;
    },
    admit({ revision, reservedConcurrency, provisionedConcurrency = 0 }) {
      const name = `${revision.accountId}:${revision.region}`;
      const scope = scopes.get(name) ?? newScope();
      scopes.set(name, scope);
      const leave = enter(scope, revision.functionArn, {
        reserved: reservedConcurrency,
        provisioned: provisionedConcurrency,
        limit: settings.accountConcurrency,
      });
      runningCount++;
      let left = false;
      return {
        [Symbol.dispose]() {
          if (left) return;
          left = true;
          runningCount--;
          leave();
        },
      };
    },
  };
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

function newScope(): Scope {
  return { shared: 0, running: new Map(), reserved: new Map(), setAside: 0 };
}

function enter(
  scope: Scope,
  functionArn: string,
  concurrency: {
    readonly reserved: number | undefined;
    readonly provisioned: number;
    readonly limit: number;
  },
): () => void {
  const { reserved, provisioned, limit } = concurrency;
  const own = reserved ?? provisioned;
  setAside(scope, functionArn, own === 0 && reserved === undefined ? undefined : own);
  const running = scope.running.get(functionArn) ?? 0;
  if (running < own) return enterOwn(scope, functionArn, running);
  if (reserved !== undefined)
    throw new ThrottledError("ReservedFunctionConcurrentInvocationLimitExceeded");
  if (scope.shared >= limit - scope.setAside)
    throw new ThrottledError("ConcurrentInvocationLimitExceeded");
  scope.shared++;
  return () => void scope.shared--;
}

function enterOwn(scope: Scope, functionArn: string, running: number): () => void {
  scope.running.set(functionArn, running + 1);
  return () => {
    const left = (scope.running.get(functionArn) ?? 1) - 1;
    if (left === 0) scope.running.delete(functionArn);
    else scope.running.set(functionArn, left);
  };
}

function setAside(scope: Scope, functionArn: string, reserved: number | undefined): void {
  scope.setAside += (reserved ?? 0) - (scope.reserved.get(functionArn) ?? 0);
  if (reserved === undefined) scope.reserved.delete(functionArn);
  else scope.reserved.set(functionArn, reserved);
}
