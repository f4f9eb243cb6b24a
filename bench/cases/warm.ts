import { deploy, publish } from "../../test/support/functions.ts";
import { closedLoop, type Closed } from "../wrk.ts";
import { format, type Finding, interleave, pair, type Subject } from "../harness.ts";
import { startBareServer } from "../load.ts";
import { openLoop, type OpenLoad } from "../open-loop.ts";
import { type MeasuredServer, startMeasured } from "../server.ts";
import { sized } from "../settings.ts";

/** Connections kept busy, and seconds of one measurement. */
export const connections = 32;
export const seconds = sized(5, 1);

/** Code is compiled further and further for some ten seconds of load. */
export const warmUps = sized(3, 1);

/** Answers 256 bytes; so does `bare-server.mjs`, and so do the peers. */
export const answer256 = `const body = "x".repeat(256);
export const handler = async () => ({ statusCode: 200, headers: { "content-type": "text/plain" }, body });`;

/** A function behind its URL against a bare HTTP server that answers the same 256 bytes. */
export async function warm(): Promise<readonly Finding[]> {
  await using sides = await openSides();
  const load = { connections, seconds };
  const run = await interleave(sides.subjects(load), 5, warmUps);
  const about = `function URL, ${connections} connections (wrk, closed loop), 256 B`;
  return [
    pair(run, {
      name: `warm throughput, ${about}`,
      unit: "requests/s",
      reading: "perSecond",
      targets: ["warm-throughput"],
    }),
    pair(run, {
      name: `processor time per warm request, ${about}; every process of each side`,
      unit: "µs",
      reading: "cpuUs",
    }),
    pair(run, { name: `warm p99, ${about}`, unit: "ms", reading: "p99Ms" }),
  ];
}

/** What one caller at a time waits. */
export async function warmLatency(): Promise<readonly Finding[]> {
  await using sides = await openSides();
  const run = await interleave(sides.subjects({ connections: 1, seconds }), 7);
  const about = "function URL, one connection (wrk, closed loop), 256 B";
  return [
    pair(run, {
      name: `warm p50, ${about}`,
      unit: "ms",
      reading: "p50Ms",
      targets: ["warm-added-p50"],
    }),
    pair(run, { name: `warm p99, ${about}`, unit: "ms", reading: "p99Ms", targets: ["warm-p99"] }),
    pair(run, {
      name: `processor time per warm request, ${about}`,
      unit: "µs",
      reading: "cpuUs",
    }),
  ];
}

/** What callers wait that come at a fixed rate, far below what saturates. */
export async function warmOpenLoop(): Promise<readonly Finding[]> {
  await using sides = await openSides();
  const load = { perSecond: 500, seconds: sized(10, 1), connectionsMax: 64 };
  let lateMsP99 = 0;
  const visit = async (url: string, more: Partial<OpenLoad>): Promise<Record<Open, number>> => {
    const seen = await openLoop(url, { ...load, ...more });
    if (seen.refused.count > 0) throw new Error(`${url}: ${JSON.stringify(seen.outcomes)}`);
    lateMsP99 = Math.max(lateMsP99, seen.lateMsP99);
    return { p50Ms: seen.succeeded.median, p99Ms: seen.succeeded.p99 };
  };
  const { server, bare, host } = sides;
  const run = await interleave<Open>(
    [
      { name: "ours", measure: () => visit(`http://127.0.0.1:${server.port}/`, { host }) },
      { name: bareName, measure: () => visit(bare.url, {}) },
    ],
    5,
  );
  const about = `at ${load.perSecond} requests/s (node:http, open loop), 256 B`;
  const notes = [`the load itself was late by ${format(lateMsP99)} ms at p99, on either side`];
  return [
    pair(run, { name: `warm p50 ${about}`, unit: "ms", reading: "p50Ms", notes }),
    pair(run, { name: `warm p99 ${about}`, unit: "ms", reading: "p99Ms", notes }),
  ];
}

type Open = "p50Ms" | "p99Ms";

const bareName = "bare node:http, same answer, one process";

export interface Sides extends AsyncDisposable {
  readonly server: MeasuredServer;
  readonly host: string;
  readonly bare: Awaited<ReturnType<typeof startBareServer>>;
  /** Both under closed-loop load, ours first. */
  subjects(load: {
    readonly connections: number;
    readonly seconds: number;
  }): Subject<keyof Closed>[];
}

/** A platform with the function deployed, and the bare server. */
export async function openSides(flags: readonly string[] = []): Promise<Sides> {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startMeasured(flags));
  const bare = stack.use(await startBareServer());
  await deploy(server.lambda, "warm", { "index.mjs": answer256 }, { MemorySize: 1769 });
  const { host } = new URL(await publish(server.lambda, "warm"));
  const kept = stack.move();
  return {
    server,
    host,
    bare,
    subjects: (load) => [
      {
        name: "ours",
        measure: async () => ({
          ...(await closedLoop(`http://127.0.0.1:${server.port}/`, {
            ...load,
            host,
            pid: server.pid,
          })),
        }),
      },
      {
        name: bareName,
        measure: async () => ({ ...(await closedLoop(bare.url, { ...load, pid: bare.pid })) }),
      },
    ],
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
