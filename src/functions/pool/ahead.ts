import type { Revision } from "#functions/registry/registry.ts";
import type { Runtime } from "#functions/runtimes/runtimes.ts";
import type { Ahead, Prewarm, Waiting } from "#functions/scheduler/scheduler.ts";
import { functionsKnownMax, genericScratchMiB } from "./limits.ts";
import type { Provisioned } from "./provisioned.ts";
import type { Roster } from "./roster.ts";
import type { Waiter } from "./waiting-line.ts";

/** What an environment is made of. */
export interface Making {
  readonly key: string;
  readonly revision: Revision;
  readonly runtime: Runtime;
}

/** What is started before anybody calls: provisioned environments, and those for calls that are foreseen. */
export class StartsAhead {
  readonly #roster: Roster;
  readonly #provisioned: Provisioned;
  /** What a function ran last; a prewarm is for the same. */
  readonly #lastMade = new Map<string, Making>();
  #due = new Map<string, Making & { readonly prewarm: Prewarm | undefined }>();

  constructor(roster: Roster, provisioned: Provisioned) {
    this.#roster = roster;
    this.#provisioned = provisioned;
  }

  remember(making: Making): void {
    const { functionArn } = making.revision;
    if (this.#lastMade.get(functionArn)?.key === making.key) return;
    if (this.#lastMade.size >= functionsKnownMax)
      for (const oldest of this.#lastMade.keys()) {
        this.#lastMade.delete(oldest);
        break;
      }
    this.#lastMade.set(functionArn, making);
  }

  forget(functionArn: string, isForgotten: (revision: Revision) => boolean): void {
    const making = this.#lastMade.get(functionArn);
    if (making && isForgotten(making.revision)) this.#lastMade.delete(functionArn);
  }

  /** What should be begun now, and when there will be more. */
  demand(nowMs: number): {
    readonly ahead: readonly Ahead[];
    readonly againAtMs: number | undefined;
  } {
    this.#due = new Map();
    const missing = this.#provisioned.missing(nowMs);
    const ahead: Ahead[] = missing.wishes.map((wish) => {
      this.#due.set(`provisioned ${wish.key}`, { ...wish, prewarm: undefined });
      return { ...wantedOf(wish), purpose: "provisioned", count: wish.count };
    });
    const { forecast } = this.#roster;
    for (const prewarm of forecast.due(nowMs)) {
      const making = this.#lastMade.get(prewarm.functionArn);
      if (making && this.#roster.fleet.startsOf(making.key) > 0) continue;
      const isMissed = !making || prewarm.untilMs <= nowMs || this.#roster.of(making.key).size > 0;
      if (isMissed) {
        forecast.done(prewarm);
        continue;
      }
      this.#due.set(`prewarm ${making.key}`, { ...making, prewarm });
      ahead.push({ ...wantedOf(making), purpose: "prewarm", count: 1 });
    }
    const nextMs = forecast.nextDueMs(nowMs) ?? Infinity;
    const againAtMs = Math.min(missing.againAtMs ?? Infinity, nextMs);
    return { ahead, againAtMs: againAtMs === Infinity ? undefined : againAtMs };
  }

  /** What the last `demand` meant by this key. */
  find(
    purpose: Ahead["purpose"],
    key: string,
  ): (Making & { readonly prewarm: Prewarm | undefined }) | undefined {
    return this.#due.get(`${purpose} ${key}`);
  }
}

/** A line of waiters as the scheduler sees it. */
export function waitingOf(line: readonly Waiter[], roster: Roster): Waiting | undefined {
  const first = line[0];
  if (first === undefined) return undefined;
  const { key, revision } = first;
  const calls = roster.forecast.arrivals.of(revision.functionArn);
  const { durationMs, durationDeviationMs = 0, startCostMs = Infinity } = calls ?? {};
  return {
    ...wantedOf(first),
    count: line.length,
    sinceMs: (place) => line[place]?.sinceMs ?? Infinity,
    concurrency: revision.capacity?.concurrency ?? 1,
    busyCount: roster.of(key).size - roster.fleet.idleOf(key),
    // Twice the mean deviation above the mean, as retransmission timers do it.
    callMs: durationMs === undefined ? undefined : durationMs + 2 * durationDeviationMs,
    startMs: startCostMs,
  };
}

function wantedOf({ key, revision, runtime }: Making): Omit<Ahead, "purpose" | "count"> {
  const { functionArn, accountId, memoryMiB, scratchMiB } = revision;
  const dedicated = scratchMiB !== genericScratchMiB;
  return { key, functionArn, accountId, kind: runtime.kind, memoryMiB, dedicated };
}
