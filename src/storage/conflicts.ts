import { PlatformError } from "#base/errors.ts";
import { conflictRetriesMax } from "./limits.ts";

/** What became of one try to commit. */
export type Attempt<T> =
  | { readonly kind: "committed"; readonly value: T }
  | { readonly kind: "conflict" };

/**
 * Tries until it commits. After its first conflict a transaction queues behind the other conflicted
 * ones of this process, so that many writers of one entry take turns instead of all but one failing
 * in every round.
 */
export function createConflictLane(): <T>(attempt: () => Promise<Attempt<T>>) => Promise<T> {
  let lane: Promise<unknown> = Promise.resolve();
  return async (attempt) => {
    const first = await attempt();
    if (first.kind === "committed") return first.value;
    const turn = lane.then(() => insist(attempt));
    lane = turn.catch(() => undefined);
    return turn;
  };
}

async function insist<T>(attempt: () => Promise<Attempt<T>>): Promise<T> {
  for (let retry = 1; retry <= conflictRetriesMax; retry++) {
    const outcome = await attempt();
    if (outcome.kind === "committed") return outcome.value;
  }
  throw new PlatformError(
    "storage.conflict",
    `a transaction met a concurrent change of what it had read ${conflictRetriesMax + 1} times; ` +
      "try again, or read less in one transaction",
  );
}
