import type { Random } from "#base/random.ts";
import type { Soon } from "#base/soon.ts";
import type { Reader, Store } from "#storage/storage.ts";
import { cachedFunctionsMax, cachedQualifiersMax } from "./limits.ts";
import type { FunctionId } from "./records.ts";
import type { FunctionEntry, FunctionReference, ResolvedFunction, Revision } from "./registry.ts";
import { createView } from "./view.ts";

/** One thing a name may lead to; several when an alias splits its traffic. */
interface Choice {
  readonly target: ResolvedFunction;
  /** 0 … 1; the first choice takes what the others leave. */
  readonly weight: number;
}

export interface CachedResolver {
  readonly resolve: (reference: FunctionReference) => Soon<ResolvedFunction | undefined>;
  /** Keys as made by `functionKeyOf`. */
  forget(functionKeys: ReadonlySet<string>): void;
  forgetAll(): void;
}

export function functionKeyOf(id: FunctionId): string {
  return `${id.accountId}/${id.region}/${id.name}`;
}

/**
 * Names to revisions, from memory once loaded. A load that began before something was forgotten is
 * used but not kept, so a stale answer cannot outlive the change that made it stale.
 */
export function createResolver(deps: {
  readonly store: Store;
  readonly random: Random;
}): CachedResolver {
  const cache = new Map<string, Map<string, readonly Choice[]>>();
  let generation = 0;

  const remember = (functionKey: string, qualifier: string, choices: readonly Choice[]): void => {
    let byQualifier = cache.get(functionKey);
    if (!byQualifier || byQualifier.size >= cachedQualifiersMax) {
      if (cache.size >= cachedFunctionsMax) dropOldest(cache);
      byQualifier = new Map();
      cache.set(functionKey, byQualifier);
    }
    byQualifier.set(qualifier, choices);
  };
  const load = async (reference: FunctionReference): Promise<ResolvedFunction | undefined> => {
    const began = generation;
    const choices = await deps.store.read((reader) => choicesFor(reader, reference));
    if (choices.length > 0 && began === generation) {
      remember(functionKeyOf(reference), reference.qualifier ?? "", choices);
    }
    return draw(choices, deps.random);
  };
  return {
    resolve(reference) {
      const choices = cache.get(functionKeyOf(reference))?.get(reference.qualifier ?? "");
      return choices ? draw(choices, deps.random) : load(reference);
    },
    forget(functionKeys) {
      generation++;
      for (const functionKey of functionKeys) cache.delete(functionKey);
    },
    forgetAll() {
      generation++;
      cache.clear();
    },
  };
}

function draw(choices: readonly Choice[], random: Random): ResolvedFunction | undefined {
  const [first] = choices;
  if (choices.length < 2) return first?.target;
  let point = random.fraction();
  for (const other of choices.slice(1)) {
    if (point < other.weight) return other.target;
    point -= other.weight;
  }
  return first?.target;
}

function choicesFor(reader: Reader, reference: FunctionReference): readonly Choice[] {
  const view = createView(reader);
  const entry = view.functions.get(reference);
  if (!entry) return [];
  const { qualifier } = reference;
  const provisionedConcurrency = Object.values(entry.provisioned ?? {}).reduce(
    (sum, { count }) => sum + count,
    0,
  );
  const choice = (version: string, weight: number): readonly Choice[] => {
    const revision = revisionOf(entry, version, (number) => view.versions.get(reference, number));
    if (!revision) return [];
    const target = { revision, qualifier, reservedConcurrency: entry.reservedConcurrency };
    return [{ target: { ...target, provisionedConcurrency }, weight }];
  };
  if (qualifier === undefined || qualifier === "$LATEST") return choice("$LATEST", 1);
  if (/^\d+$/.test(qualifier)) return choice(qualifier, 1);
  const alias = view.aliases.get(reference, qualifier);
  if (!alias) return [];
  const others = Object.entries(alias.weights).flatMap(([version, weight]) =>
    choice(version, weight),
  );
  return [...choice(alias.version, 1), ...others];
}

function revisionOf(
  entry: FunctionEntry,
  version: string,
  published: (version: number) => Revision | undefined,
): Revision | undefined {
  const found =
    version === "$LATEST" ? (entry.serving ?? entry.latest) : published(Number(version));
  if (!found) return undefined;
  const { egress } = entry;
  // Environments are told apart by this id in every process, so a changed setting never meets an old one.
  const revisionId = egress === "platform" ? found.revisionId : `${found.revisionId}+${egress}`;
  return { ...found, egress, revisionId };
}

function dropOldest(cache: Map<string, unknown>): void {
  for (const oldest of cache.keys()) {
    cache.delete(oldest);
    return;
  }
}
