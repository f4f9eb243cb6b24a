import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStorageBench } from "#storage/drivers/lmdb/lmdb.bench.ts";
import { compare, type Result } from "../harness.ts";

const measurementMs = 1_000;

/** Our store against the library below it, same disk, same durability. */
export async function store(): Promise<readonly Result[]> {
  const directory = await mkdtemp(join(tmpdir(), "skerry-bench-"));
  const results: Result[] = [];
  {
    await using bench = await openStorageBench(directory);
    for (const one of bench.cases) {
      results.push(
        await compare({
          name: `store: ${one.name}`,
          unit: "operations/s",
          rounds: 5,
          ours: () => one.ours(measurementMs),
          reference: { name: "lmdb-js directly", measure: () => one.raw(measurementMs) },
        }),
      );
    }
  }
  await rm(directory, { recursive: true, force: true });
  return results;
}
