import type { Transaction } from "#storage/storage.ts";
import { keyAfter } from "#storage/keys.ts";
import { fillEntry } from "../items/changes.ts";
import { decodeItem } from "../items/codec.ts";
import { changeExpiry } from "../items/expiry.ts";
import { placeOfItem } from "../items/keys.ts";
import { startingWith } from "../items/places.ts";
import { stepItemsMax } from "../limits.ts";
import { type Job, jobCodec, tableKeys, type TableRecord } from "../tables/records.ts";
import { compileTable, type Table } from "../tables/table.ts";
import { putTable, readTable } from "../tables/tables.ts";
import type { SweeperDeps } from "./sweeper.ts";

/**
 * One step for the items that were there before an index was added or time to live was turned on. Writers have known of
 * the change since it was made, so a step that reads items and writes what they lack is all there is to do,
 * in any number of processes. False when there is nothing to do.
 */
export async function stepJobs({ store, tables }: SweeperDeps): Promise<boolean> {
  const [waiting] = await store.read((reader) =>
    Array.from(reader.list(tableKeys.everyJob(), { limit: 1 }), ({ value }) =>
      jobCodec.decode(value),
    ),
  );
  if (!waiting) return false;
  await tables.change((tx) => {
    const table = readTable(tx, waiting, waiting.name);
    const job = table?.jobs?.[0];
    if (table && job) putTable(tx, step(tx, table, job));
  });
  return true;
}

/** The record as it is after the step. */
function step(tx: Transaction, record: TableRecord, job: Job): TableRecord {
  const table = compileTable(record);
  const whole = startingWith(table.primary.prefix);
  const start = job.after === undefined ? whole.start : keyAfter(Buffer.from(job.after, "base64"));
  let count = 0;
  let last: Uint8Array | undefined;
  for (const { key, value } of tx.list({ start, end: whole.end }, { limit: stepItemsMax })) {
    count++;
    last = key;
    fill(tx, table, { job, value });
  }
  const others = (record.jobs ?? []).slice(1);
  if (count === stepItemsMax && last) {
    return {
      ...record,
      jobs: [{ ...job, after: Buffer.from(last).toString("base64") }, ...others],
    };
  }
  return finished({ ...record, jobs: others }, job);
}

function fill(
  tx: Transaction,
  table: Table,
  { job, value }: { readonly job: Job; readonly value: Uint8Array },
): void {
  const item = decodeItem(value);
  const place = placeOfItem(table.primary, item);
  if (job.kind === "expiry") {
    return changeExpiry(tx, table, { place, before: undefined, after: item });
  }
  const index = table.indexes.find(({ name }) => name === job.name);
  if (index) fillEntry(tx, index, { place, item });
}

function finished(record: TableRecord, job: Job): TableRecord {
  if (job.kind !== "index") return record;
  const indexes = record.indexes.map((index) => {
    if (index.name !== job.name) return index;
    const { isBackfilling: _, ...rest } = index;
    return rest;
  });
  return { ...record, indexes };
}
