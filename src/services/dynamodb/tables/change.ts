import type { RequestContext } from "#base/context.ts";
import type { OperationDeps } from "../deps.ts";
import type { TableRecord } from "./records.ts";
import { putTable, readTable, referenceOf } from "./tables.ts";

/** Which table is meant, and what to throw when there is none. */
export interface Asked {
  /** Name or ARN. */
  readonly reference: string;
  readonly context: RequestContext;
  readonly absent: () => Error;
}

/** One change of a table's record; returns it as it is afterwards. */
export async function changeRecord(
  { tables }: Pick<OperationDeps, "tables">,
  asked: Asked,
  work: (table: TableRecord) => TableRecord,
): Promise<TableRecord> {
  const { name, ...place } = referenceOf(asked.reference, asked.context);
  return tables.change((tx) => {
    const table = readTable(tx, place, name);
    if (!table) throw asked.absent();
    const changed = work(table);
    putTable(tx, changed);
    return changed;
  });
}

export async function lookUp(
  { tables }: Pick<OperationDeps, "tables">,
  asked: Asked,
): Promise<TableRecord> {
  const { name, ...place } = referenceOf(asked.reference, asked.context);
  const table = await tables.look(place, name);
  if (!table) throw asked.absent();
  return table.record;
}
