import type { Clock } from "#base/clock.ts";
import type { Logger } from "#base/context.ts";
import type { Environment } from "./environment.ts";
import type { Freezer } from "./freezing.ts";
import { evictionPauseMs } from "./limits.ts";
import type { Roster } from "./roster.ts";
import type { WarmEnvironments } from "./warm-environments.ts";

export interface EndsDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly warm: WarmEnvironments;
  readonly freezer: Freezer<Environment>;
  readonly roster: Roster;
  /** The pool stops: nothing is put off any more. */
  readonly signal: AbortSignal;
  /** Something has ended. */
  readonly changed: () => void;
}

/** Ends environments and keeps account of it until they are gone. */
export class Ends {
  readonly #deps: EndsDeps;
  readonly #underWay = new Map<Environment, Promise<void>>();

  constructor(deps: EndsDeps) {
    this.#deps = deps;
  }

  /** Resolves when nothing is ending. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay.values());
  }

  /** Resolves when this one, which is ending, is gone. Never rejects. */
  async gone(environment: Environment): Promise<void> {
    await this.#underWay.get(environment);
  }

  /**
   * Nobody gets it any more; a failure to end it is told in the log. With `isUnhurried` its processes are
   * left alone for a moment: what it makes room for has a sandbox already, and killing would take the
   * processors from the very call it is done for.
   */
  end(environment: Environment, how?: { readonly isUnhurried: boolean }): void {
    if (this.#underWay.has(environment)) return;
    const { log, warm, freezer, roster, changed } = this.#deps;
    warm.remove(environment);
    freezer.taken(environment, { thaw: false });
    roster.ending(environment);
    const ended = how?.isUnhurried === true ? this.#afterPause(environment) : environment.end();
    const ending = ended
      .catch((error: unknown) => log.event("environment.end-failed", { level: "error", error }))
      .finally(() => {
        this.#underWay.delete(environment);
        roster.remove(environment);
        changed();
      });
    this.#underWay.set(environment, ending);
  }

  async #afterPause(environment: Environment): Promise<void> {
    const { clock, signal } = this.#deps;
    environment.setState("ending");
    await clock.sleep(evictionPauseMs, signal).catch(() => undefined); // the end follows all the same
    await environment.end();
  }
}
