import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { spread, type Spread } from "./harness.ts";

export interface OpenLoad {
  readonly perSecond: number;
  readonly seconds: number;
  readonly host?: string;
  /** Connections; a request beyond them waits for one, and the wait is in its time. */
  readonly connectionsMax: number;
}

export interface Opened {
  readonly sent: number;
  /** Status of an answer, or code of an error → how often. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Of answers with 200: from the moment each was due to its last byte. */
  readonly succeeded: Spread;
  /** The same of every other answer. */
  readonly refused: Spread;
  /** Successes per second, of those answered while the load was on. */
  readonly goodput: number;
  /** How late the most delayed request was sent: above a few milliseconds the load was not the one asked for. */
  readonly lateMsMax: number;
  /** The same at p99: what the load's own lateness adds to the times at most. */
  readonly lateMsP99: number;
}

/**
 * Requests at a fixed rate, whether or not earlier ones have been answered, by `node:http` with kept
 * connections in this process. Times count from when a request was due, so that a stall is charged with
 * every request that fell into it.
 */
export async function openLoop(url: string, load: OpenLoad): Promise<Opened> {
  const agent = new Agent({ keepAlive: true, maxSockets: load.connectionsMax });
  const { hostname, port, pathname, host } = new URL(url);
  const options = { agent, hostname, port, path: pathname, headers: { host: load.host ?? host } };
  const times = { succeeded: [] as number[], refused: [] as number[], late: [] as number[] };
  const outcomes: Record<string, number> = {};
  const startMs = performance.now();
  const endMs = startMs + load.seconds * 1_000;
  let answeredInTime = 0;
  const visit = (dueMs: number): Promise<void> =>
    new Promise((resolve) => {
      const settle = (outcome: string): void => {
        const nowMs = performance.now();
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
        times[outcome === "200" ? "succeeded" : "refused"].push(nowMs - dueMs);
        if (outcome === "200" && nowMs <= endMs) answeredInTime++;
        resolve();
      };
      request(options, (response) => {
        response.resume();
        response.on("end", () => settle(String(response.statusCode)));
        response.on("error", (error: NodeJS.ErrnoException) => settle(error.code ?? "error"));
      })
        .on("error", (error: NodeJS.ErrnoException) => settle(error.code ?? "error"))
        .end();
      times.late.push(performance.now() - dueMs);
    });
  const open = new Set<Promise<void>>();
  const total = Math.round(load.perSecond * load.seconds);
  for (let sent = 0; sent < total;) {
    const due = Math.ceil(((performance.now() - startMs) / 1_000) * load.perSecond);
    for (; sent < Math.min(due, total); sent++) {
      const visiting = visit(startMs + (sent * 1_000) / load.perSecond);
      open.add(visiting);
      void visiting.then(() => open.delete(visiting));
    }
    await sleep(1);
  }
  await Promise.all(open);
  agent.destroy();
  const late = spread(times.late);
  return {
    sent: total,
    outcomes,
    succeeded: spread(times.succeeded),
    refused: spread(times.refused),
    goodput: answeredInTime / load.seconds,
    lateMsMax: late.max,
    lateMsP99: late.p99,
  };
}
