import { removeFrom } from "#base/lists.ts";
import type { Revision } from "#functions/registry/registry.ts";
import { pickWarm, ServiceTimes } from "#functions/scheduler/scheduler.ts";
import type { Environment } from "./environment.ts";

/** Environments of one deployable state that could take an invocation. */
interface Warm {
  readonly idle: Environment[];
  readonly busy: Environment[];
  readonly times: ServiceTimes;
}

/** Which environments are idle, which have room in their inbox, and how long their functions take. */
export class WarmEnvironments {
  readonly #byKey = new Map<string, Warm>();
  readonly #keys = new WeakMap<Revision, string>();

  /** One deployable state; a change of the network setting needs an environment of its own too. */
  keyOf(revision: Revision): string {
    let key = this.#keys.get(revision);
    if (key === undefined) {
      const { functionArn, version, revisionId, egress } = revision;
      key = `${functionArn}:${version}:${revisionId}:${egress}`;
      this.#keys.set(revision, key);
    }
    return key;
  }

  /** Shared by all environments of the key, and forgotten with the last of them. */
  timesOf(key: string): ServiceTimes {
    return this.#warm(key).times;
  }

  /**
   * The inbox of a busy environment while its function is fast, else the idle one used last: few busy
   * environments answer more than many that wake in turn. Undefined when all have their hands full.
   */
  find(key: string, isExclusive: boolean): Environment | undefined {
    const warm = this.#byKey.get(key);
    if (!warm) return undefined;
    const inbox = isExclusive ? undefined : this.#withRoom(warm);
    return inbox ?? pickWarm(warm.idle);
  }

  setIdle(environment: Environment): void {
    const warm = this.#warm(environment.parts.key);
    removeFrom(warm.busy, environment);
    if (!warm.idle.includes(environment)) warm.idle.push(environment);
  }

  setBusy(environment: Environment): void {
    const warm = this.#warm(environment.parts.key);
    removeFrom(warm.idle, environment);
    if (!warm.busy.includes(environment)) warm.busy.push(environment);
  }

  remove(environment: Environment): void {
    const { key } = environment.parts;
    const warm = this.#byKey.get(key);
    if (!warm) return;
    removeFrom(warm.idle, environment);
    removeFrom(warm.busy, environment);
    if (warm.idle.length === 0 && warm.busy.length === 0) this.#byKey.delete(key);
  }

  /** Whether one more invocation may run beside others in this environment, or wait in its inbox. */
  hasRoom(environment: Environment): boolean {
    const { guest, times } = environment.parts;
    const { inboxMax } = guest;
    return (
      !environment.spoiled &&
      !environment.isExclusive &&
      environment.loanCount < (environment.together ? inboxMax : times.depth(inboxMax))
    );
  }

  /** The fullest that has room: what is spread over several wakes several, again and again. */
  #withRoom(warm: Warm): Environment | undefined {
    let fullest: Environment | undefined;
    for (const environment of warm.busy) {
      if (fullest && fullest.loanCount >= environment.loanCount) continue;
      if (this.hasRoom(environment)) fullest = environment;
    }
    return fullest;
  }

  #warm(key: string): Warm {
    let warm = this.#byKey.get(key);
    if (!warm) {
      warm = { idle: [], busy: [], times: new ServiceTimes() };
      this.#byKey.set(key, warm);
    }
    return warm;
  }
}
