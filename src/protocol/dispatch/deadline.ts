import type { Clock } from "#base/clock.ts";

/** A signal that fires when the caller hangs up or time is over; disposing lets go of both. */
export interface Deadline extends Disposable {
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

export function startDeadline(clock: Clock, caller: AbortSignal, timeoutMs: number): Deadline {
  const controller = new AbortController();
  const hangUp = (): void => controller.abort(caller.reason);
  if (caller.aborted) hangUp();
  else caller.addEventListener("abort", hangUp, { once: true });
  const timer = clock.timer(timeoutMs, () =>
    controller.abort(new DOMException("The request's deadline has passed.", "TimeoutError")),
  );
  return {
    deadlineMs: clock.nowMs() + timeoutMs,
    signal: controller.signal,
    [Symbol.dispose]() {
      timer[Symbol.dispose]();
      caller.removeEventListener("abort", hangUp);
    },
  };
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
