import { IdleHistogram } from "./idle-histogram.ts";
import {
  deviationWeight,
  durationWeight,
  frequencyHalfLifeMs,
  frequencyStepMs,
  functionsRemembered,
  minuteMs,
  secondChancesMax,
  startCostMsDefault,
} from "./limits.ts";

/** What was observed of one function's calls. Times are monotonic milliseconds. */
export interface CallStatistics {
  /** Calls under way. */
  readonly running: number;
  /** Calls, each counting half of what it did ten minutes later. */
  frequency(nowMs: number): number;
  /** Smoothed duration and its mean deviation; undefined before the first call has ended. */
  readonly durationMs: number | undefined;
  readonly durationDeviationMs: number;
  /** Smoothed time a cold start took. */
  readonly startCostMs: number;
  /** Idle times between calls that no schedule announced; undefined before there was one. */
  readonly idleTimes: IdleHistogram | undefined;
  readonly announcedCount: number;
  readonly unannouncedCount: number;
  /** Share of the minutes with a call that had more than one, 0 … 1. */
  readonly repeatShare: number;
}

/**
 * Rates and durations per function, for at most `functionsRemembered` of them: about a kilobyte each.
 * Kept in memory only. They are observations: after a restart they are made again, and until then the
 * fixed idle time applies.
 */
export class Arrivals {
  readonly #functions = new Map<string, Calls>();

  /** One call begins. `isAnnounced`: a schedule had told of it, so it says nothing about habits. */
  arrived(functionArn: string, nowMs: number, isAnnounced = false): void {
    this.#touch(functionArn).arrived(nowMs, isAnnounced);
  }

  /** A call that arrived has ended, however it ended. */
  left(functionArn: string, nowMs: number, durationMs: number): void {
    this.#functions.get(functionArn)?.left(nowMs, durationMs);
  }

  started(functionArn: string, costMs: number): void {
    this.#touch(functionArn).started(costMs);
  }

  of(functionArn: string): CallStatistics | undefined {
    return this.#functions.get(functionArn);
  }

  forget(functionArn: string): void {
    this.#functions.delete(functionArn);
  }

  get size(): number {
    return this.#functions.size;
  }

  #touch(functionArn: string): Calls {
    const known = this.#functions.get(functionArn);
    if (known) return known;
    if (this.#functions.size >= functionsRemembered) this.#forgetOne();
    const calls = new Calls();
    this.#functions.set(functionArn, calls);
    return calls;
  }

  /**
   * The first in the row that was not called since it was put there; those before it, that were, go to the
   * back. To keep all in the order of their last call would cost more than a warm call may.
   */
  #forgetOne(): void {
    let looked = 0;
    for (const [functionArn, calls] of this.#functions) {
      this.#functions.delete(functionArn);
      if (calls.placedMs === calls.lastArrivalMs || ++looked >= secondChancesMax) return;
      calls.placedMs = calls.lastArrivalMs;
      this.#functions.set(functionArn, calls);
    }
  }
}

class Calls implements CallStatistics {
  running = 0;
  durationMs: number | undefined;
  durationDeviationMs = 0;
  startCostMs = startCostMsDefault;
  idleTimes: IdleHistogram | undefined;
  announcedCount = 0;
  unannouncedCount = 0;
  lastArrivalMs = -Infinity;
  /** `lastArrivalMs` when it was put where it stands in the row; the first call counts as that. */
  placedMs = -Infinity;
  #lastLeftMs = -Infinity;
  #frequency = 0;
  #frequencyAtMs = 0;
  #isStartMeasured = false;
  #minutes = 0;
  #minutesRepeated = 0;
  #isMinuteRepeated = false;

  arrived(nowMs: number, isAnnounced: boolean): void {
    if (nowMs - this.#frequencyAtMs > frequencyStepMs) {
      this.#frequency = this.frequency(nowMs);
      this.#frequencyAtMs = nowMs;
    }
    this.#frequency++;
    if (isAnnounced) this.announcedCount++;
    else {
      this.unannouncedCount++;
      this.#addIdleTime(nowMs);
    }
    if (this.lastArrivalMs === -Infinity) this.placedMs = nowMs;
    this.lastArrivalMs = nowMs;
    this.running++;
  }

  get repeatShare(): number {
    return this.#minutes === 0 ? 0 : this.#minutesRepeated / this.#minutes;
  }

  /**
   * One idle time per minute at most: the thousand pauses inside a busy minute need no decision, and
   * would drown the few that do.
   */
  #addIdleTime(nowMs: number): void {
    if (Math.floor(this.lastArrivalMs / minuteMs) === Math.floor(nowMs / minuteMs)) {
      if (this.#isMinuteRepeated) return;
      this.#isMinuteRepeated = true;
      this.#minutesRepeated++;
      return;
    }
    this.#minutes++;
    this.#isMinuteRepeated = false;
    if (this.running > 0 || this.#lastLeftMs === -Infinity) return;
    this.idleTimes ??= new IdleHistogram();
    this.idleTimes.add(nowMs - this.#lastLeftMs);
  }

  left(nowMs: number, durationMs: number): void {
    this.running = Math.max(0, this.running - 1);
    this.#lastLeftMs = nowMs;
    if (this.durationMs === undefined) {
      this.durationMs = durationMs;
      this.durationDeviationMs = durationMs / 2;
      return;
    }
    const difference = durationMs - this.durationMs;
    this.durationMs += durationWeight * difference;
    this.durationDeviationMs += deviationWeight * (Math.abs(difference) - this.durationDeviationMs);
  }

  started(costMs: number): void {
    const weight = this.#isStartMeasured ? deviationWeight : 1;
    this.#isStartMeasured = true;
    this.startCostMs += weight * (costMs - this.startCostMs);
  }

  frequency(nowMs: number): number {
    const agoMs = nowMs - this.#frequencyAtMs;
    return this.#frequency === 0 ? 0 : this.#frequency * 0.5 ** (agoMs / frequencyHalfLifeMs);
  }
}
