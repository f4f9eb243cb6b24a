import { isPlatformError, type PlatformError } from "#base/errors.ts";
import type { Revision } from "#functions/registry/registry.ts";
import type { Runtime } from "#functions/runtimes/runtimes.ts";
import { retryDelayMs } from "#functions/scheduler/scheduler.ts";
import type { Environment } from "./environment.ts";
import type { ProvisionedState } from "./pool.ts";
import type { Roster } from "./roster.ts";

/** A number of environments that somebody wants alive at all times. */
export interface Wish {
  readonly key: string;
  readonly revision: Revision;
  readonly runtime: Runtime;
  readonly count: number;
}

interface Standing extends Wish {
  failureCount: number;
  failure: ProvisionedState["failure"];
  retryAtMs: number;
}

const untried = { failureCount: 0, failure: undefined, retryAtMs: 0 };

/**
 * Which environments are wanted before anybody calls, and how far that has come. Every revision has at
 * most one wish, as the service has it: "Each version of a function can only have one provisioned
 * concurrency configuration" (https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html).
 */
export class Provisioned {
  readonly #roster: Roster;
  readonly #wishes = new Map<string, Standing>();
  readonly #underWay = new Map<string, number>();
  /** What this host can never do, and why. */
  readonly #refused = new Map<string, string>();
  /** By function. */
  readonly #keysOf = new Map<string, readonly string[]>();

  constructor(roster: Roster) {
    this.#roster = roster;
  }

  /** All wishes of one function, in place of those before. Gives the environments that are too many now. */
  set(
    functionArn: string,
    wishes: readonly (Omit<Wish, "runtime"> & { readonly runtime: Runtime | PlatformError })[],
  ): readonly Environment[] {
    const before = this.#keysOf.get(functionArn) ?? [];
    const counts = new Map<string, number>();
    for (const key of before) this.#forget(key);
    for (const { runtime, ...wish } of wishes) {
      if (isPlatformError(runtime)) this.#refused.set(wish.key, runtime.message);
      else this.#wishes.set(wish.key, { ...wish, runtime, ...untried });
      counts.set(wish.key, isPlatformError(runtime) ? 0 : wish.count);
    }
    if (counts.size > 0) this.#keysOf.set(functionArn, [...counts.keys()]);
    else this.#keysOf.delete(functionArn);
    return [...before].flatMap((key) => this.#alive(key).slice(counts.get(key) ?? 0));
  }

  #forget(key: string): void {
    this.#wishes.delete(key);
    this.#refused.delete(key);
  }

  /** What is missing and may be tried now, and when to look again for what may not. */
  missing(nowMs: number): {
    readonly wishes: readonly Wish[];
    readonly againAtMs: number | undefined;
  } {
    const wishes: Wish[] = [];
    let againAtMs: number | undefined;
    for (const wish of this.#wishes.values()) {
      const have = this.#alive(wish.key).length + (this.#underWay.get(wish.key) ?? 0);
      if (have >= wish.count) continue;
      if (wish.retryAtMs <= nowMs) wishes.push({ ...wish, count: wish.count - have });
      else againAtMs = Math.min(againAtMs ?? Infinity, wish.retryAtMs);
    }
    return { wishes, againAtMs };
  }

  begun(key: string): void {
    this.#underWay.set(key, (this.#underWay.get(key) ?? 0) + 1);
  }

  /** One of its starts has ended; `failure` says why it gave nothing. */
  ended(key: string, failure: ProvisionedState["failure"], nowMs: number): void {
    const left = (this.#underWay.get(key) ?? 1) - 1;
    if (left === 0) this.#underWay.delete(key);
    else this.#underWay.set(key, left);
    const wish = this.#wishes.get(key);
    if (!wish) return;
    wish.failure = failure;
    wish.failureCount = failure === undefined ? 0 : wish.failureCount + 1;
    wish.retryAtMs = failure === undefined ? 0 : nowMs + retryDelayMs(wish.failureCount);
  }

  state(key: string): ProvisionedState {
    const alive = this.#alive(key);
    const available = alive.filter((one) => one.state === "idle").length;
    const refusal = this.#refused.get(key);
    const failure: ProvisionedState["failure"] =
      refusal === undefined ? this.#wishes.get(key)?.failure : { by: "platform", text: refusal };
    return { allocated: alive.length, available, failure };
  }

  #alive(key: string): Environment[] {
    return [...this.#roster.of(key)].filter((one) => one.isProvisioned && !one.spoiled);
  }
}
