import type { Clock } from "#base/clock.ts";
import type { Logger } from "#base/context.ts";
import { isPlatformError } from "#base/errors.ts";
import { ignore } from "#base/ignore.ts";
import type { Packages } from "#functions/packages/packages.ts";
import type { EnvironmentPool } from "#functions/pool/pool.ts";
import {
  type FunctionEntry,
  type FunctionId,
  type FunctionRegistry,
  isPreparing,
  type RegistryEdit,
  type Revision,
  type RevisionState,
} from "#functions/registry/registry.ts";
import { preparationsMax, preparationWaitMs } from "./limits.ts";

/**
 * The work between `Pending` and `Active`, `InProgress` and `Successful`: unpacking code and layers.
 * What has to be done is in the store, so a process that dies in between is continued by the next.
 */
export interface Preparation extends AsyncDisposable {
  /** Starts preparing the newest state of a function, unless that is already going on here. */
  begin(id: FunctionId): void;
  /**
   * Resolves when nothing is being prepared for the function, or after a bounded wait; look again.
   * Rejects only when the signal aborts; the work goes on.
   */
  settled(id: FunctionId, signal: AbortSignal): Promise<void>;
  /** Continues what an earlier process left; call once at start. */
  resume(): Promise<void>;
  /** Resolves when nothing is being prepared by this process. */
  idle(): Promise<void>;
}

export const creatingState: RevisionState = {
  state: "Pending",
  reason: "The function is being created.",
  reasonCode: "Creating",
  lastUpdate: "InProgress",
  lastUpdateReason: undefined,
  lastUpdateReasonCode: undefined,
};

export const updatingState: RevisionState = {
  state: "Active",
  reason: undefined,
  reasonCode: undefined,
  lastUpdate: "InProgress",
  lastUpdateReason: "The function is being created.",
  lastUpdateReasonCode: "Creating",
};

const readyState: RevisionState = {
  state: "Active",
  reason: undefined,
  reasonCode: undefined,
  lastUpdate: "Successful",
  lastUpdateReason: undefined,
  lastUpdateReasonCode: undefined,
};

export function createPreparation(deps: {
  readonly registry: FunctionRegistry;
  readonly packages: Pick<Packages, "unpack" | "mergeLayers">;
  readonly pool: Pick<EnvironmentPool, "retire" | "expect" | "compile">;
  readonly clock: Clock;
  readonly log: Logger;
}): Preparation {
  const { registry, clock, log } = deps;
  const running = new Map<string, Promise<void>>();
  const slots = createSlots(preparationsMax);
  let stopping = false;

  const begin = (id: FunctionId): void => {
    const name = `${id.accountId}/${id.region}/${id.name}`;
    if (stopping || running.has(name)) return;
    const work = slots
      .use(() => (stopping ? Promise.resolve() : prepare(deps, id)))
      .catch((error: unknown) =>
        log.event("lambda.preparation-failed", { name, error: String(error) }),
      )
      .finally(() => running.delete(name));
    running.set(name, work);
  };
  return {
    begin,
    async settled(id, signal) {
      const entry = await registry.read((view) => view.functions.get(id));
      if (!entry || !isPreparing(entry.latest)) return;
      begin(id);
      const work = running.get(`${id.accountId}/${id.region}/${id.name}`);
      const enough = new AbortController();
      const pause = clock.sleep(preparationWaitMs, AbortSignal.any([signal, enough.signal]));
      try {
        await Promise.race([work, pause]);
      } finally {
        enough.abort();
        ignore(pause, "the work ended first, or the rejection has already been passed on");
      }
    },
    async resume() {
      for (const id of await registry.read((view) => view.functions.preparing())) begin(id);
    },
    async idle() {
      while (running.size > 0) await Promise.all(running.values());
    },
    async [Symbol.asyncDispose]() {
      stopping = true;
      await Promise.all(running.values());
    },
  };
}

/** Until the state that was prepared is still the newest one when its outcome is written. */
async function prepare(
  deps: Parameters<typeof createPreparation>[0],
  id: FunctionId,
): Promise<void> {
  for (;;) {
    const entry = await deps.registry.read((view) => view.functions.get(id));
    if (!entry || !isPreparing(entry.latest)) return;
    const { latest } = entry;
    const failure = await unpackAll(deps, latest);
    const isDone = await deps.registry.write((edit) => settle(edit, id, { latest, failure }));
    if (!isDone) continue;
    deps.log.event("lambda.prepared", { functionArn: latest.functionArn, failure });
    if (failure === undefined) {
      deps.pool.expect(latest.runtime);
      deps.pool.compile(latest);
      await retireOthers(deps, id);
    }
    return;
  }
}

/** Idle environments of what ran before end; those of what runs now stay. */
async function retireOthers(
  deps: Pick<Parameters<typeof createPreparation>[0], "registry" | "pool">,
  id: FunctionId,
): Promise<void> {
  const current = await deps.registry.resolve({ ...id, qualifier: undefined }, id);
  if (current) deps.pool.retire(current.revision.functionArn, current.revision.revisionId);
}

/** The reason in words if something cannot be unpacked, whoever is to blame. */
async function unpackAll(
  deps: { readonly packages: Pick<Packages, "unpack" | "mergeLayers"> },
  revision: Revision,
): Promise<string | undefined> {
  try {
    await deps.packages.unpack(revision.codeSha256);
    const layers = revision.layers.map((layer) => layer.codeSha256);
    if (layers.length > 0) await deps.packages.mergeLayers(layers);
    return undefined;
  } catch (error) {
    return isPlatformError(error) ? error.message : String(error);
  }
}

function settle(
  edit: RegistryEdit,
  id: FunctionId,
  outcome: { readonly latest: Revision; readonly failure: string | undefined },
): boolean {
  const entry = edit.functions.get(id);
  if (!entry || entry.latest.revisionId !== outcome.latest.revisionId) return false;
  if (!isPreparing(entry.latest)) return true; // another process was faster, and its word stands
  const state = settledState(entry.latest.state, outcome.failure);
  const next: FunctionEntry = {
    ...entry,
    latest: { ...entry.latest, state },
    serving: outcome.failure === undefined ? undefined : entry.serving,
  };
  edit.functions.put(id, next);
  const published = entry.published && edit.versions.get(id, entry.published.version);
  if (published && isPreparing(published)) {
    const versionState = settledState(published.state, outcome.failure);
    edit.versions.put(id, { ...published, state: versionState });
  }
  return true;
}

/** A first version that cannot be prepared is Failed; a failed update leaves what was running. */
function settledState(before: RevisionState, failure: string | undefined): RevisionState {
  if (failure === undefined) return readyState;
  if (before.state === "Pending") {
    return {
      ...readyState,
      state: "Failed",
      reason: failure,
      reasonCode: "InvalidConfiguration",
      lastUpdate: "Failed",
      lastUpdateReason: failure,
      lastUpdateReasonCode: "InvalidConfiguration",
    };
  }
  return {
    ...readyState,
    lastUpdate: "Failed",
    lastUpdateReason: failure,
    lastUpdateReasonCode: "InvalidConfiguration",
  };
}

/** At most `count` pieces of work at once; the others wait in order. */
function createSlots(count: number): { use<T>(work: () => Promise<T>): Promise<T> } {
  let free = count;
  const waiting: (() => void)[] = [];
  return {
    async use(work) {
      if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve));
      else free--;
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        if (next) next();
        else free++;
      }
    },
  };
}
