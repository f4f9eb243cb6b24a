import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { cpuUs } from "./processes.ts";

export interface ClosedLoop {
  readonly connections: number;
  readonly seconds: number;
  /** Sent as the Host header. */
  readonly host?: string;
  /** A Lua file that makes the requests. */
  readonly script?: string;
  /** Process whose family's processor time is charged. */
  readonly pid: number;
}

/** One measurement with every connection kept busy: what saturates, and how long answers take then. */
export interface Closed {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Processor time of every process of the server, per request; the load's own is not in it. */
  readonly cpuUs: number;
}

/**
 * Closed-loop load by `wrk`, one thread. Fails when wrk is absent, when an answer was not a success and
 * when a connection broke.
 */
export async function closedLoop(url: string, load: ClosedLoop): Promise<Closed> {
  const header = load.host === undefined ? [] : ["-H", `Host: ${load.host}`];
  const script = load.script === undefined ? [] : ["-s", load.script];
  const before = cpuUs(load.pid);
  // A slow answer is a latency, not a broken connection; wrk would give up after two seconds.
  const size = [
    "--timeout",
    "20s",
    "-t",
    "1",
    "-c",
    String(load.connections),
    "-d",
    `${load.seconds}s`,
  ];
  const args = ["--latency", ...size, ...script, ...header, url];
  const { stdout } = await promisify(execFile)("wrk", args).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") throw new Error("wrk is not installed", { cause: error });
      throw error;
    },
  );
  const used = cpuUs(load.pid) - before;
  const failed = /Non-2xx or 3xx responses: (\d+)|Socket errors: (.*)/.exec(stdout)?.[0];
  if (failed !== undefined) throw new Error(`${url}: ${failed}`);
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1]);
  return {
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]),
    p50Ms: latencyOf(stdout, "50%"),
    p99Ms: latencyOf(stdout, "99%"),
    cpuUs: used / requests,
  };
}

/** "     50%  812.00us" */
function latencyOf(report: string, percentile: string): number {
  const line = report.split("\n").find((each) => each.trim().startsWith(percentile)) ?? "";
  const [, value, unit] = /([\d.]+)(us|ms|s)\s*$/.exec(line) ?? [];
  const msOf: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000 };
  return Number(value) * (msOf[unit ?? ""] ?? NaN);
}
