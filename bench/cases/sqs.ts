import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqsBench } from "#services/sqs/sqs.bench.ts";
import { openLmdbStore } from "#storage/drivers/lmdb/lmdb.ts";
import {
  type Absence,
  compare,
  type Finding,
  interleave,
  pair,
  type Result,
  type Subject,
} from "../harness.ts";
import { type QueuePeer, queuePeers } from "../peers/queues.ts";
import type { RunningPeer } from "../peers/running.ts";
import { makeQueue, type QueueCycles, queueCycles } from "../queue-load.ts";
import { startMeasured } from "../server.ts";
import { sized } from "../settings.ts";

const connections = 32;
const seconds = sized(5, 1);

/** Messages sent, received and deleted; ours are on disk when they are answered, the peers' are in memory. */
export async function sqs(): Promise<readonly Finding[]> {
  await using stack = new AsyncDisposableStack();
  const ours = stack.use(await startMeasured());
  const absences: Absence[] = [];
  const subjects: Subject<keyof QueueCycles>[] = [await subjectOf("ours", ours)];
  const started: QueuePeer[] = [];
  for (const peer of queuePeers) {
    try {
      const running: RunningPeer = stack.use(await peer.start());
      subjects.push(await subjectOf(`${peer.name} (${peer.what})`, running));
      started.push(peer);
    } catch (error) {
      absences.push({ absent: peer.name, why: textOf(error) });
    }
  }
  const run = await interleave(subjects, 5, 3);
  const findings = started.flatMap((peer, index): readonly Finding[] => {
    const against = index + 1;
    const failure = run.series[against]?.failure;
    if (failure !== undefined) return [{ absent: peer.name, why: failure }];
    const about = `${peer.name}, ${connections} connections, 256 B, ours durable`;
    const name = `send + receive + delete beside ${about}`;
    const targets = [peer.target];
    return [
      pair(run, { name, unit: "messages/s", reading: "perSecond", against, targets }),
      pair(run, {
        name: `processor time per message beside ${about}`,
        unit: "µs",
        reading: "cpuUs",
        against,
      }),
    ];
  });
  return [...findings, ...absences, await growth()];
}

async function subjectOf(
  name: string,
  { url, pid }: { readonly url: string; readonly pid: number },
): Promise<Subject<keyof QueueCycles>> {
  const queueUrl = await makeQueue(url, "bench");
  const load = { queueUrl, connections, seconds, pid };
  return { name, measure: async () => ({ ...(await queueCycles(url, load)) }) };
}

/** The same with a thousand and with a million messages waiting, without HTTP, so that only the queue is seen. */
async function growth(): Promise<Result> {
  const directory = await mkdtemp(join(tmpdir(), "skerry-bench-"));
  try {
    await using store = await openLmdbStore({ path: directory, bytesMax: 16 * 2 ** 30 });
    await using bench = await openSqsBench(store);
    await bench.fill("few", 1_000);
    await bench.fill("many", sized(1_000_000, 10_000));
    const cycles = sized(5_000, 500);
    return await compare({
      name: `sending, receiving and deleting with ${sized(1_000_000, 10_000).toLocaleString("en")} messages waiting`,
      unit: "µs per message",
      rounds: 5,
      ours: () => bench.cycleUs("many", cycles),
      reference: { name: "with 1,000 waiting", measure: () => bench.cycleUs("few", cycles) },
      targets: ["sqs-growth"],
    });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
