import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLogsBench } from "#services/cloudwatch-logs/logs.bench.ts";
import { openLmdbStore } from "#storage/drivers/lmdb/lmdb.ts";
import { compare, type Result } from "../harness.ts";

const perSecond = 25_000;
const seconds = 1;

/** What logs cost the thread that serves warm calls, for few and for many environments. */
export async function logs(): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const streamCount of [4, 32, 250]) results.push(await measure(streamCount));
  return results;
}

async function measure(streamCount: number): Promise<Result> {
  const directory = await mkdtemp(join(tmpdir(), "skerry-bench-"));
  try {
    await using store = await openLmdbStore({ path: directory, bytesMax: 8 * 2 ** 30 });
    await using bench = openLogsBench(store, streamCount);
    const count = perSecond * seconds;
    let last: Awaited<ReturnType<typeof bench.write>> | undefined;
    const result = await compare({
      name: `logs: ${perSecond} invocations/s over ${streamCount} environments`,
      unit: "µs of the main thread per invocation",
      rounds: 3,
      ours: async () => (last = await bench.write(count, perSecond)).mainThreadUs,
      reference: {
        name: "the lines joined, one put per 50 ms",
        measure: () => bench.writeBare(count, perSecond),
      },
    });
    const [lines, stored] = [last?.lineBytes ?? 0, last?.storedBytes ?? 0].map(Math.round);
    const late = (last?.lateMs ?? 0).toFixed(1);
    return {
      ...result,
      name: `${result.name} (${lines} bytes of lines, ${stored} stored; loop late by ${late} ms at most)`,
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
