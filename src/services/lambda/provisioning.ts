import type { Logger } from "#base/context.ts";
import type { ProvisionedState, ProvisionedWish } from "#functions/pool/pool.ts";
import type { FunctionId, FunctionRegistry, Revision } from "#functions/registry/registry.ts";
import { sharesOf, wantedVersions } from "./provisioned.ts";
import { functionArn } from "./reference.ts";

/**
 * Tells the pool how many environments of which version are to be ready. The store holds what was
 * configured; what has been allocated of it is asked of the pool whenever somebody wants to know.
 */
export interface Provisioning extends AsyncDisposable {
  /** After anything changed that a configuration of this function depends on. */
  apply(id: FunctionId): Promise<void>;
  /** Allocates again what an earlier process had; call once at start. */
  resume(): Promise<void>;
  state(
    id: FunctionId,
    config: { readonly qualifier: string; readonly count: number },
  ): Promise<Allocation>;
}

export interface Allocation {
  readonly status: "IN_PROGRESS" | "READY" | "FAILED";
  readonly allocated: number;
  readonly available: number;
  readonly reason: string | undefined;
}

/** The pool, or the pools of several processes of which one has the function; see `EnvironmentPool`. */
export interface Provisioner {
  provision(functionArn: string, wanted: readonly ProvisionedWish[]): Promise<void>;
  provisioned(revision: Revision): Promise<ProvisionedState>;
}

interface Deps {
  readonly registry: FunctionRegistry;
  readonly pool: Provisioner;
  readonly log: Logger;
}

export function createProvisioning(deps: Deps): Provisioning {
  const { registry, log } = deps;
  const running = new Map<string, Promise<void>>();

  const apply = (id: FunctionId): Promise<void> => {
    const name = `${id.accountId}/${id.region}/${id.name}`;
    // One after the other, so that the pool ends up with what the store holds.
    const work = (running.get(name) ?? Promise.resolve())
      .then(() => carryOut(deps, id))
      .catch((error: unknown) =>
        log.event("lambda.provisioning-failed", { level: "error", name, error }),
      )
      .finally(() => {
        if (running.get(name) === work) running.delete(name);
      });
    running.set(name, work);
    return work;
  };
  return {
    apply,
    async resume() {
      for (const id of await registry.read((view) => view.functions.provisioned())) await apply(id);
    },
    async state(id, config) {
      const shares = await registry.read((view) => sharesOf(view, id, config));
      return allocationOf(deps, config.count, await wishesOf(deps, id, shares));
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(running.values());
    },
  };
}

async function carryOut(deps: Deps, id: FunctionId): Promise<void> {
  const wanted = await deps.registry.read((view) => {
    const entry = view.functions.get(id);
    return entry ? wantedVersions(view, id, entry) : new Map<string, number>();
  });
  const arn = functionArn({ ...id, qualifier: undefined });
  await deps.pool.provision(arn, await wishesOf(deps, id, wanted));
}

async function wishesOf(
  deps: Deps,
  id: FunctionId,
  shares: Iterable<readonly [version: string, count: number]>,
): Promise<readonly ProvisionedWish[]> {
  const wishes: ProvisionedWish[] = [];
  for (const [version, count] of shares) {
    const resolved = await deps.registry.resolve({ ...id, qualifier: version }, id);
    if (resolved && count > 0) wishes.push({ revision: resolved.revision, count });
  }
  return wishes;
}

async function allocationOf(
  deps: Deps,
  count: number,
  wishes: readonly ProvisionedWish[],
): Promise<Allocation> {
  let allocated = 0;
  let available = 0;
  let reason: string | undefined;
  for (const { revision } of wishes) {
    const state = await deps.pool.provisioned(revision);
    allocated += state.allocated;
    available += state.available;
    // `FUNCTION_ERROR_INIT_FAILURE` is what the service reports of functions that do not come up.
    if (state.failure)
      reason = state.failure.by === "init" ? "FUNCTION_ERROR_INIT_FAILURE" : state.failure.text;
  }
  if (allocated >= count) return { status: "READY", allocated, available, reason: undefined };
  return { status: reason === undefined ? "IN_PROGRESS" : "FAILED", allocated, available, reason };
}
