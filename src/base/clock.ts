/**
 * Time as a dependency. Wall time (`nowMs`) is for display, signatures and schedules; durations,
 * leases and timeouts use `monotonicMs`, which never jumps. Tests own a virtual clock.
 */
export interface Clock {
  /** Epoch milliseconds, integer. */
  nowMs(): number;
  /** Milliseconds since an arbitrary origin, fractional, never decreasing. */
  monotonicMs(): number;
  /** Calls `fire` once after `delayMs`; disposing before that cancels it. Never keeps the process alive. */
  timer(delayMs: number, fire: () => void): Disposable;
  /** Resolves after `delayMs`; rejects with the signal's reason as soon as it aborts. Nothing remains. */
  sleep(delayMs: number, signal: AbortSignal): Promise<void>;
}

/** Node caps timers at 2^31-1 ms; longer waits are chained. */
const timerMaxMs = 2 ** 31 - 1;

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  timer: systemTimer,
  sleep: (delayMs, signal) => sleepWith(systemTimer, delayMs, signal),
};

function systemTimer(delayMs: number, fire: () => void): Disposable {
  let remainingMs = Math.max(0, delayMs);
  let handle: NodeJS.Timeout;
  const arm = (): void => {
    const stepMs = Math.min(remainingMs, timerMaxMs);
    remainingMs -= stepMs;
    handle = setTimeout(() => (remainingMs > 0 ? arm() : fire()), stepMs);
    handle.unref();
  };
  arm();
  return { [Symbol.dispose]: () => clearTimeout(handle) };
}

/** `Clock.sleep` for whoever has a `Clock.timer`. */
export function sleepWith(
  timer: Clock["timer"],
  delayMs: number,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    const onAbort = (): void => {
      armed[Symbol.dispose]();
      reject(signal.reason as Error);
    };
    const armed = timer(delayMs, () => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    });
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

export interface VirtualClock extends Clock {
  /** Moves time forward, firing due timers in order of their time, each at its own moment. */
  advance(ms: number): Promise<void>;
  /** Moves the wall clock alone (a jump back or ahead); monotonic time does not follow. */
  jumpWall(ms: number): void;
  /** Timers not yet fired or cancelled; tests assert that work left none behind. */
  readonly pendingCount: number;
}

/** A clock that moves only when told to. `startMs` is epoch milliseconds. */
export function createVirtualClock(startMs: number): VirtualClock {
  let monotonic = 0;
  let wallOffset = startMs;
  let sequence = 0;
  const pending = new Map<number, { readonly atMs: number; readonly fire: () => void }>();

  const timer: Clock["timer"] = (delayMs, fire) => {
    const id = sequence++;
    pending.set(id, { atMs: monotonic + Math.max(0, delayMs), fire });
    return { [Symbol.dispose]: () => void pending.delete(id) };
  };
  const nextDue = (limitMs: number): [number, { atMs: number; fire: () => void }] | undefined => {
    let best: [number, { atMs: number; fire: () => void }] | undefined;
    for (const entry of pending) {
      if (entry[1].atMs <= limitMs && (!best || entry[1].atMs < best[1].atMs)) best = entry;
    }
    return best;
  };
  return {
    nowMs: () => Math.floor(wallOffset + monotonic),
    monotonicMs: () => monotonic,
    timer,
    sleep: (delayMs, signal) => sleepWith(timer, delayMs, signal),
    jumpWall: (ms) => void (wallOffset += ms),
    get pendingCount() {
      return pending.size;
    },
    async advance(ms) {
      const limitMs = monotonic + ms;
      for (let due = nextDue(limitMs); due; due = nextDue(limitMs)) {
        pending.delete(due[0]);
        monotonic = due[1].atMs;
        due[1].fire();
        // Let what was waiting for this timer run before the next one fires, as real time would.
        await new Promise((resolve) => setImmediate(resolve));
      }
      monotonic = limitMs;
    },
  };
}
