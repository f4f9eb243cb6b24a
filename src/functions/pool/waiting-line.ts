import type { TraceContext } from "#base/context.ts";
import { PlatformError } from "#base/errors.ts";
import type { Revision } from "#functions/registry/registry.ts";
import type { Runtime } from "#functions/runtimes/runtimes.ts";
import { waitersMax, waitersPerFunctionMax } from "./limits.ts";
import type { Acquired } from "./pool.ts";

/** One invocation that waits for an environment. */
export interface Waiter {
  readonly key: string;
  readonly revision: Revision;
  readonly runtime: Runtime;
  readonly trace: TraceContext;
  readonly sinceMs: number;
  /** Wants an environment without anybody beside it. */
  readonly isExclusive: boolean;
  readonly answer: (acquired: Acquired) => void;
  readonly refuse: (error: unknown) => void;
}

/** Who waits for what, first come first served per key; bounded. */
export class WaitingLine {
  readonly #lines = new Map<string, Waiter[]>();
  #count = 0;

  /** Rejects with the signal's reason as soon as it aborts. Errors: `line.full`. */
  join(
    wanted: Pick<Waiter, "key" | "revision" | "runtime" | "trace" | "sinceMs" | "isExclusive">,
    signal: AbortSignal,
  ): Promise<Acquired> {
    if (this.#count >= waitersMax)
      throw new PlatformError("line.full", `${waitersMax} invocations wait for an environment`);
    if ((this.#lines.get(wanted.key)?.length ?? 0) >= waitersPerFunctionMax)
      throw new PlatformError(
        "line.full",
        `${waitersPerFunctionMax} invocations of ${wanted.revision.name} wait for an environment`,
      );
    return new Promise((resolve, reject) => {
      const abandon = (): void => {
        this.#leave(waiter);
        reject(signal.reason);
      };
      const settled = (): void => signal.removeEventListener("abort", abandon);
      const waiter: Waiter = {
        ...wanted,
        answer: (acquired) => (settled(), resolve(acquired)),
        refuse: (error) => (settled(), reject(error)),
      };
      signal.addEventListener("abort", abandon, { once: true });
      const line = this.#lines.get(wanted.key) ?? [];
      this.#lines.set(wanted.key, line);
      line.push(waiter);
      this.#count++;
    });
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** Takes the one who waits longest out of the line. */
  next(key: string): Waiter | undefined {
    const waiter = this.#lines.get(key)?.[0];
    if (waiter) this.#leave(waiter);
    return waiter;
  }

  /** The first who would share an environment. */
  peekSharing(key: string): Waiter | undefined {
    return this.#lines.get(key)?.find((waiter) => !waiter.isExclusive);
  }

  take(waiter: Waiter): void {
    this.#leave(waiter);
  }

  /** Looks without taking; the last one if there are fewer. */
  peek(key: string, place: number): Waiter | undefined {
    const line = this.#lines.get(key);
    return line?.[place] ?? line?.at(-1);
  }

  /** Each key's waiters, the oldest first; not to be changed. */
  lines(): Iterable<readonly Waiter[]> {
    return this.#lines.values();
  }

  refuseAll(error: unknown): void {
    const everyone = [...this.#lines.values()].flat();
    this.#lines.clear();
    this.#count = 0;
    for (const waiter of everyone) waiter.refuse(error);
  }

  #leave(waiter: Waiter): void {
    const line = this.#lines.get(waiter.key);
    const at = line?.indexOf(waiter) ?? -1;
    if (!line || at < 0) return;
    line.splice(at, 1);
    this.#count--;
    if (line.length === 0) this.#lines.delete(waiter.key);
  }
}
