import type { Clock } from "#base/clock.ts";

/**
 * A signal that fires when the caller hangs up or time is over; disposing lets go of both. A signal, its listener and
 * a timer cost more than a small operation does: they are made when somebody asks.
 */
export class LazyDeadline implements Disposable {
  readonly deadlineMs: number;
  readonly #clock: Clock;
  readonly #caller: { readonly signal: AbortSignal };
  #signal: AbortSignal | undefined;
  #end: (() => void) | undefined;

  constructor(clock: Clock, caller: { readonly signal: AbortSignal }, timeoutMs: number) {
    this.#clock = clock;
    this.#caller = caller;
    this.deadlineMs = clock.nowMs() + timeoutMs;
  }

  get signal(): AbortSignal {
    this.#signal ??= this.#begin();
    return this.#signal;
  }

  #begin(): AbortSignal {
    const caller = this.#caller.signal;
    const controller = new AbortController();
    const hangUp = (): void => controller.abort(caller.reason);
    if (caller.aborted) hangUp();
    else caller.addEventListener("abort", hangUp, { once: true });
    const timer = this.#clock.timer(this.deadlineMs - this.#clock.nowMs(), () =>
      controller.abort(new DOMException("The request's deadline has passed.", "TimeoutError")),
    );
    this.#end = () => {
      timer[Symbol.dispose]();
      caller.removeEventListener("abort", hangUp);
    };
    return controller.signal;
  }

  [Symbol.dispose](): void {
    this.#end?.();
  }
}

/**
 * The same stream, with `done` called once when it has been read, has failed or was given up. Not a
 * generator: one that is given up before its first piece would never run its `finally`.
 */
export function whenRead(
  body: AsyncIterable<Uint8Array>,
  done: (error: unknown) => void,
): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = body[Symbol.asyncIterator]();
      return {
        async next() {
          try {
            const result = await iterator.next();
            if (result.done) done(undefined);
            return result;
          } catch (error) {
            done(error);
            throw error;
          }
        },
        async return() {
          done(undefined);
          await iterator.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}
