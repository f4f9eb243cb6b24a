import type {
  Alias,
  FunctionEntry,
  FunctionId,
  RegistryEdit,
  RegistryView,
} from "#functions/registry/registry.ts";
import { conflict, invalid } from "./errors.ts";
import { isVersionNumber } from "./reference.ts";

/**
 * Rules of provisioned concurrency that need no process: which versions a configuration is for, and
 * which configurations exclude each other. "Each version of a function can only have one provisioned
 * concurrency configuration. … Two aliases can't allocate provisioned concurrency for the same version.
 * Also, you can't allocate provisioned concurrency on an alias that points to the unpublished version"
 * (https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html). The messages are those
 * that tools which replay recorded answers of the service carry.
 */

/** The environments wanted of each version, from all configurations of the function. */
export function wantedVersions(
  view: RegistryView,
  id: FunctionId,
  entry: FunctionEntry,
): ReadonlyMap<string, number> {
  const wanted = new Map<string, number>();
  for (const [qualifier, { count }] of Object.entries(entry.provisioned ?? {}))
    for (const [version, share] of sharesOf(view, id, { qualifier, count }))
      wanted.set(version, (wanted.get(version) ?? 0) + share);
  return wanted;
}

/**
 * One configuration, by version. While an alias splits its traffic, the environments follow the weights:
 * the second version gets its share, rounded, and the first the rest.
 */
export function sharesOf(
  view: RegistryView,
  id: FunctionId,
  { qualifier, count }: { readonly qualifier: string; readonly count: number },
): readonly (readonly [version: string, count: number])[] {
  if (isVersionNumber(qualifier)) return [[qualifier, count]];
  const alias = view.aliases.get(id, qualifier);
  if (!alias) return [];
  const others = Object.entries(alias.weights).map(
    ([version, weight]) => [version, Math.round(count * weight)] as const,
  );
  const given = others.reduce((sum, [, share]) => sum + share, 0);
  return [[alias.version, count - given], ...others];
}

/** Refuses a configuration where another one has the same version already. */
export function checkProvisionedTarget(
  view: RegistryView,
  id: FunctionId,
  target: { readonly qualifier: string; readonly entry: FunctionEntry },
): void {
  const { qualifier, entry } = target;
  if (isVersionNumber(qualifier)) {
    if (aliasesOn(view, id, { entry, version: qualifier }).length > 0)
      throw conflict("Version is pointed by a Provisioned Concurrency alias");
    return;
  }
  const alias = view.aliases.get(id, qualifier);
  if (alias) checkAlias(view, id, { entry, alias });
}

/** Refuses to point an alias with a configuration at a version that cannot have it. */
export function checkProvisionedMove(view: RegistryView, id: FunctionId, alias: Alias): void {
  const entry = view.functions.get(id);
  if (entry?.provisioned?.[alias.name]) checkAlias(view, id, { entry, alias });
}

function checkAlias(
  view: RegistryView,
  id: FunctionId,
  { entry, alias }: { readonly entry: FunctionEntry; readonly alias: Alias },
): void {
  if (alias.version === "$LATEST") throw unpublished();
  const { version } = alias;
  const others = aliasesOn(view, id, { entry, version }).filter((name) => name !== alias.name);
  if (entry.provisioned?.[version] || others.length > 0)
    throw conflict(
      "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version",
    );
}

export function unpublished(): Error {
  return invalid(
    "Provisioned Concurrency Configs cannot be applied to unpublished function versions.",
  );
}

/** What was configured for an alias or version that is deleted. */
export function removeProvisioned(edit: RegistryEdit, id: FunctionId, qualifier: string): boolean {
  const entry = edit.functions.get(id);
  const { [qualifier]: removed, ...provisioned } = entry?.provisioned ?? {};
  if (!entry || !removed) return false;
  edit.functions.put(id, { ...entry, provisioned });
  return true;
}

/** Aliases with a configuration that point at this version. */
function aliasesOn(
  view: RegistryView,
  id: FunctionId,
  { entry, version }: { readonly entry: FunctionEntry; readonly version: string },
): readonly string[] {
  return Object.keys(entry.provisioned ?? {}).filter(
    (name) => !isVersionNumber(name) && view.aliases.get(id, name)?.version === version,
  );
}
