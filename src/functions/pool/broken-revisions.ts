import type { Revision } from "#functions/registry/registry.ts";
import { afterFailure, type InitFailures } from "#functions/scheduler/scheduler.ts";
import { brokenRevisionsMax, initFailurePolicy } from "./limits.ts";
import type { LogPump } from "./log-pump.ts";
import type { InitFailed } from "./pool.ts";
import type { WaitingLine } from "./waiting-line.ts";

interface Failure {
  readonly revision: Revision;
  readonly failure: InitFailed;
  readonly log: LogPump;
}

interface Broken extends Failure {
  readonly row: InitFailures;
}

/**
 * Revisions whose last inits all failed. While starts of one are held back its calls are told what
 * the last start came to, so that neither starts nor places in the waiting line are spent on it.
 */
export class BrokenRevisions {
  readonly #broken = new Map<string, Broken>();

  /** What to answer instead of a start; undefined when there may be one. */
  verdict(key: string, nowMs: number): InitFailed | undefined {
    const broken = this.#broken.get(key);
    if (!broken || nowMs >= broken.row.heldUntilMs) return undefined;
    return { ...broken.failure, initMs: 0, log: broken.log.forAnother(broken.revision) };
  }

  /** Times are monotonic. */
  failed(
    key: string,
    start: Failure & { readonly beganMs: number; readonly endedMs: number },
  ): void {
    const { revision, failure, log } = start;
    // One that was too slow has held itself back; and the next call gives it all of its time.
    if (failure.cause === "timeout") return;
    const row = afterFailure(this.#broken.get(key)?.row, start, initFailurePolicy);
    this.#broken.delete(key);
    this.#broken.set(key, { row, revision, failure, log });
    const [oldest] = this.#broken.keys();
    if (this.#broken.size > brokenRevisionsMax && oldest !== undefined) this.#broken.delete(oldest);
  }

  /** Nobody waits for a start that will not be. */
  tellAll(line: WaitingLine, key: string, nowMs: number): void {
    for (;;) {
      const verdict = this.verdict(key, nowMs);
      const waiter = verdict && line.next(key);
      if (!waiter) return;
      waiter.answer(verdict);
    }
  }

  succeeded(key: string): void {
    this.#broken.delete(key);
  }
}
