import type { Revision } from "./registry.ts";

/** The newest state waits for its package, layers or runtime. */
export function isPreparing(revision: Revision): boolean {
  return revision.state.state === "Pending" || revision.state.lastUpdate === "InProgress";
}
