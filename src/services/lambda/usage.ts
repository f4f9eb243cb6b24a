import { CodeStorageExceededException } from "@aws-sdk/client-lambda";
import type { FunctionEntry, RegistryView, Scope } from "#functions/registry/registry.ts";
import { codeStorageBytesMax } from "./limits.ts";

/** What an account has in a region. */
export interface Usage {
  readonly codeByteCount: number;
  readonly functionCount: number;
  /** Concurrency set aside by all functions together: reserved, or provisioned without a reservation. */
  readonly reserved: number;
}

const everything = { after: undefined, limit: Number.POSITIVE_INFINITY };

/** Read whole at each deployment: a few hundred functions take about a millisecond. */
export function usageOf(view: RegistryView, place: Scope): Usage {
  let codeByteCount = view.layers.byteCount(place);
  let reserved = 0;
  const entries = view.functions.list(place, everything);
  for (const entry of entries) {
    const { latest } = entry;
    reserved += entry.reservedConcurrency ?? provisionedTotal(entry);
    const versions = view.versions.list(latest, everything);
    for (const revision of [latest, ...versions]) codeByteCount += revision.codeByteCount;
  }
  return { codeByteCount, functionCount: entries.length, reserved };
}

/** Of all qualifiers, leaving out one that is about to get another number. */
export function provisionedTotal(
  { provisioned = {} }: Pick<FunctionEntry, "provisioned">,
  except?: string,
): number {
  let total = 0;
  for (const [qualifier, { count }] of Object.entries(provisioned))
    if (qualifier !== except) total += count;
  return total;
}

/** Refuses more code than an account may store; call in the transaction that adds it. */
export function checkCodeStorage(view: RegistryView, place: Scope, addedByteCount: number): void {
  if (usageOf(view, place).codeByteCount + addedByteCount <= codeStorageBytesMax) return;
  throw new CodeStorageExceededException({
    message: "Code storage limit exceeded.",
    Type: "User",
    $metadata: {},
  });
}
