import type { Clock } from "#base/clock.ts";
import { ignore } from "#base/ignore.ts";

/**
 * `work`, or a rejection with the signal's reason as soon as it aborts; `onAbort` then stops what
 * still runs.
 */
export async function abortable<T>(
  work: Promise<T>,
  signal: AbortSignal,
  onAbort?: () => void,
): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => {
    onAbort?.();
    aborted.reject(signal.reason as Error);
  };
  if (signal.aborted) abort();
  else signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
    ignore(work, "an abort has already been reported in its place");
  }
}

/** What `work` resolves with, or undefined after `timeoutMs`. */
export async function within<T>(
  work: Promise<T>,
  timeoutMs: number,
  clock: Clock,
): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>();
  const timer = clock.timer(timeoutMs, () => late.resolve(undefined));
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    timer[Symbol.dispose]();
    ignore(work, "too late to matter");
  }
}
