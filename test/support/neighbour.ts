import { Agent, request } from "node:http";
import { systemClock } from "#base/clock.ts";

/** What callers of one function saw during a while. */
export interface Service {
  readonly calls: number;
  /** Answers that were no 200, and connections that broke. */
  readonly errors: readonly string[];
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly worstMs: number;
}

export interface Visitors {
  /** Resolves after this many further answers: the neighbour lives. */
  answers(count: number): Promise<void>;
  /** Calls no more, waits for the answers to come and says how it was. */
  stop(): Promise<Service>;
}

/**
 * Calls a function through its URL at a fixed rate, whether or not earlier calls have been answered (an
 * open loop), and counts each call's time from the moment it was due: a server that stands still for a
 * second is charged with every call of that second.
 */
export function visit(
  url: string,
  rate: { readonly perSecond: number; readonly connectionsMax: number },
): Visitors {
  const { port, host, pathname } = new URL(url);
  const agent = new Agent({ keepAlive: true, maxSockets: rate.connectionsMax });
  const times: number[] = [];
  const errors: string[] = [];
  const open = new Set<Promise<void>>();
  const listeners = new Set<() => void>();
  const intervalMs = 1_000 / rate.perSecond;
  const startedMs = systemClock.monotonicMs();
  let sent = 0;

  const call = (dueMs: number): Promise<void> =>
    new Promise((resolve) => {
      const settle = (error?: string): void => {
        if (error === undefined) times.push(systemClock.monotonicMs() - dueMs);
        else errors.push(error);
        resolve();
        for (const listener of listeners) listener();
      };
      const asked = request(
        { agent, host: "127.0.0.1", port, path: pathname, headers: { host } },
        (response) => {
          response.resume();
          response.on("end", () =>
            settle(response.statusCode === 200 ? undefined : `status ${response.statusCode}`),
          );
        },
      );
      asked.on("error", (error) => settle(String(error)));
      asked.end();
    });
  const tick = (): void => {
    const due = 1 + Math.floor((systemClock.monotonicMs() - startedMs) / intervalMs);
    for (; sent < due; sent++) {
      const calling = call(startedMs + sent * intervalMs);
      open.add(calling);
      void calling.then(() => open.delete(calling));
    }
  };
  const timer = setInterval(tick, Math.min(5, intervalMs));
  return {
    answers: (count) =>
      new Promise((resolve) => {
        let left = count;
        const listener = (): void => {
          if (--left > 0) return;
          listeners.delete(listener);
          resolve();
        };
        listeners.add(listener);
      }),
    async stop() {
      clearInterval(timer);
      await Promise.all(open);
      agent.destroy();
      return { calls: times.length + errors.length, errors, ...quantiles(times) };
    },
  };
}

function quantiles(times: readonly number[]): Pick<Service, "p50Ms" | "p99Ms" | "worstMs"> {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
  return { p50Ms: at(0.5), p99Ms: at(0.99), worstMs: sorted.at(-1) ?? NaN };
}
