import { closedLoop, type Closed } from "../wrk.ts";
import { type Absence, type Finding, interleave, pair, type Subject } from "../harness.ts";
import { peers as all, type Peer } from "../peers/peers.ts";
import type { RunningPeer } from "../peers/running.ts";
import { connections, openSides, seconds, warmUps } from "./warm.ts";

/**
 * Other programs that run functions, with the same answer under the same load, each in turn with ours.
 * They are installed at first use. All run at once, but only one is under load.
 */
export async function peers(): Promise<readonly Finding[]> {
  await using sides = await openSides();
  await using stack = new AsyncDisposableStack();
  const absences: Absence[] = [];
  const started: Peer[] = [];
  const load = { connections, seconds };
  const subjects: Subject<keyof Closed>[] = sides.subjects(load);
  const others = subjects.length;
  for (const peer of all) {
    let running: RunningPeer;
    try {
      running = stack.use(await peer.start());
    } catch (error) {
      absences.push({ absent: peer.name, why: textOf(error) });
      continue;
    }
    started.push(peer);
    const { url, pid, host } = running;
    const target = { ...load, pid, ...(host !== undefined && { host }) };
    const name = `${peer.name} (${peer.what})`;
    subjects.push({ name, measure: async () => ({ ...(await closedLoop(url, target)) }) });
  }
  const run = await interleave(subjects, 5, warmUps);
  const findings = started.flatMap((peer, index): readonly Finding[] => {
    const against = others + index;
    const failure = run.series[against]?.failure;
    if (failure !== undefined) return [{ absent: peer.name, why: failure }];
    const about = `${peer.name}, ${connections} connections, 256 B`;
    return [
      pair(run, {
        name: `warm throughput beside ${about}`,
        unit: "requests/s",
        reading: "perSecond",
        against,
        targets: peer.target && [peer.target],
      }),
      pair(run, { name: `warm p99 beside ${about}`, unit: "ms", reading: "p99Ms", against }),
      pair(run, {
        name: `processor time per request beside ${about}`,
        unit: "µs",
        reading: "cpuUs",
        against,
      }),
    ];
  });
  return [...findings, ...absences];
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
