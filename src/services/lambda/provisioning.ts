import type { Logger } from "#base/context.ts";
import type { ProvisionedState } from "#functions/pool/pool.ts";
import type { FunctionId, FunctionRegistry, Revision } from "#functions/registry/registry.ts";
import { sharesOf, wantedVersions } from "./provisioned.ts";

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
  provision(revision: Revision, count: number): Promise<void>;
  provisioned(revision: Revision): Promise<ProvisionedState>;
}

interface Deps {
  readonly registry: FunctionRegistry;
  readonly pool: Provisioner;
  readonly log: Logger;
}

export function createProvisioning(deps: Deps): Provisioning {
  const { registry, log } = deps;
  /** By function: what the pool was told last, by version. */
  const told = new Map<string, ReadonlyMap<string, Revision>>();
  const running = new Map<string, Promise<void>>();

  const apply = (id: FunctionId): Promise<void> => {
    const name = `${id.accountId}/${id.region}/${id.name}`;
    // One after the other, so that the pool ends up with what the store holds.
    const work = (running.get(name) ?? Promise.resolve())
      .then(() => carryOut(deps, { id, name, told }))
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
      const known = told.get(`${id.accountId}/${id.region}/${id.name}`);
      return allocationOf(
        deps,
        config.count,
        shares.flatMap(([version]) => known?.get(version) ?? []),
      );
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(running.values());
    },
  };
}

async function carryOut(
  deps: Deps,
  work: {
    readonly id: FunctionId;
    readonly name: string;
    readonly told: Map<string, ReadonlyMap<string, Revision>>;
  },
): Promise<void> {
  const { id, name, told } = work;
  const wanted = await deps.registry.read((view) => {
    const entry = view.functions.get(id);
    return entry ? wantedVersions(view, id, entry) : new Map<string, number>();
  });
  const before = told.get(name) ?? new Map<string, Revision>();
  const after = new Map<string, Revision>();
  for (const [version, count] of wanted) {
    const resolved = await deps.registry.resolve({ ...id, qualifier: version }, id);
    if (!resolved) continue;
    after.set(version, resolved.revision);
    await deps.pool.provision(resolved.revision, count);
  }
  for (const [version, revision] of before)
    if (after.get(version)?.revisionId !== revision.revisionId)
      await deps.pool.provision(revision, 0);
  if (after.size > 0) told.set(name, after);
  else told.delete(name);
}

async function allocationOf(
  deps: Deps,
  count: number,
  targets: readonly Revision[],
): Promise<Allocation> {
  let allocated = 0;
  let available = 0;
  let reason: string | undefined;
  for (const revision of targets) {
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
