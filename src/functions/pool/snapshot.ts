import type { Revision } from "#functions/registry/registry.ts";
import type { Environment } from "./environment.ts";
import type { PoolSnapshot } from "./pool.ts";

/** What is there, in the form shown to operators. */
export function snapshotOf(
  environments: Iterable<Environment>,
  starting: Iterable<{ readonly revision: Revision; readonly sinceMs: number }>,
): PoolSnapshot["environments"] {
  const started = Array.from(environments, (environment) => ({
    id: environment.parts.id,
    functionArn: environment.parts.revision.functionArn,
    version: environment.parts.revision.version,
    state: environment.shownState(),
    sinceMs: environment.sinceMs,
  }));
  const begun = Array.from(starting, ({ revision, sinceMs }) => ({
    id: "",
    functionArn: revision.functionArn,
    version: revision.version,
    state: "starting" as const,
    sinceMs,
  }));
  return [...started, ...begun];
}
