import { parseArn } from "#base/arn.ts";
import { assert } from "#base/assert.ts";
import type { Logger, RequestContext } from "#base/context.ts";
import { PlatformError } from "#base/errors.ts";
import type { Store, Transaction } from "#storage/storage.ts";
import { resourceNotFound } from "../errors.ts";
import { staleRetriesMax } from "../limits.ts";
import { validation } from "../values/values.ts";
import {
  jobCodec,
  layoutBytes,
  tableCodec,
  tableKeys,
  type Place,
  type TableRecord,
} from "./records.ts";
import { createTableCache } from "./cache.ts";
import type { Table } from "./table.ts";

/**
 * Which tables there are. Descriptions are kept in memory: a read of an item asks the store for the item
 * alone, and a write proves in its transaction that the description it was prepared with is still the newest.
 */
export interface Tables extends AsyncDisposable {
  /** Throws ResourceNotFoundException. `reference` is a name or an ARN. */
  find(reference: string, context: RequestContext): Promise<Table>;
  /** Of a place that is known; undefined when there is none. */
  look(place: Place, name: string): Promise<Table | undefined>;
  /** `write` for one table. */
  writeOne<T>(table: TableReference, prepare: (table: Table) => (tx: Transaction) => T): Promise<T>;
  /**
   * A transaction over items of these tables. `prepare` is given their descriptions, in order, and returns
   * what is run in the transaction; it is called again when one of them has changed meanwhile.
   */
  write<T>(
    tables: readonly TableReference[],
    prepare: (tables: readonly Table[]) => (tx: Transaction) => T,
  ): Promise<T>;
  /** For changes of what tables are: when it resolves, every process knows. */
  change<T>(work: (tx: Transaction) => T): Promise<T>;
}

export interface TableReference extends Place {
  readonly name: string;
}

/** The table meant by `TableName`, which may be an ARN. Throws ValidationException. */
export function referenceOf(reference: string, context: RequestContext): TableReference {
  const place = placeOf(context);
  if (!reference.startsWith("arn:")) {
    checkTableName(reference);
    return { ...place, name: reference };
  }
  const arn = parseArn(reference);
  const name = arn && /^table\/([^/]+)$/.exec(arn.resource)?.[1];
  if (!arn || arn.service !== "dynamodb" || name === undefined) {
    throw validation(`Invalid table ARN: ${reference}`);
  }
  if (arn.accountId !== place.accountId || arn.region !== place.region) throw resourceNotFound();
  return { ...place, name };
}

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html */
export function checkTableName(name: string): void {
  if (name.length < 3 || name.length > 255) {
    throw validation(
      "TableName must be at least 3 characters long and at most 255 characters long",
    );
  }
  if (!/^[a-zA-Z0-9_.-]+$/.test(name)) {
    throw validation(
      `1 validation error detected: Value '${name}' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+`,
    );
  }
}

export function placeOf(context: RequestContext): Place {
  return { accountId: context.principal.accountId, region: context.region };
}

/** Thrown inside a transaction that was prepared with an outdated description. */
class StaleTable extends Error {
  override readonly name = "StaleTable";
}

export function createTables(deps: {
  readonly store: Store;
  readonly shared: Store;
  readonly log: Logger;
}): Tables {
  const { store, shared } = deps;
  const cache = createTableCache(deps);

  async function demand(reference: TableReference): Promise<Table> {
    const table = await cache.look(reference, reference.name);
    if (!table) throw resourceNotFound();
    return table;
  }

  async function write<T>(
    references: readonly TableReference[],
    prepare: (tables: readonly Table[]) => (tx: Transaction) => T,
  ): Promise<T> {
    for (let attempt = 0; attempt <= staleRetriesMax; attempt++) {
      const found: Table[] = [];
      for (const reference of references) found.push(await demand(reference));
      const work = prepare(found);
      try {
        return await store.write((tx) => {
          for (const table of found) assertCurrent(tx, table);
          return work(tx);
        });
      } catch (error) {
        if (!(error instanceof StaleTable)) throw error;
        cache.forget();
      }
    }
    throw new PlatformError(
      "storage.conflict",
      `the table ${references[0]?.name} was changed again and again while it was written to; try again`,
    );
  }

  return {
    look: (place, name) => cache.look(place, name),
    find: (reference, context) => demand(referenceOf(reference, context)),
    write,
    writeOne: (reference, prepare) =>
      write([reference], ([table]) => {
        assert(table, "each reference has its table");
        return prepare(table);
      }),
    async change(work) {
      const result = await shared.write(work);
      cache.forget();
      return result;
    },
    [Symbol.asyncDispose]: () => cache[Symbol.asyncDispose](),
  };
}

function assertCurrent(tx: Transaction, table: Table): void {
  const current = tx.get(table.layoutKey);
  if (!current || Buffer.compare(current, table.layout) !== 0) throw new StaleTable();
}

/** Within `Tables.change`. Writers of items notice only when the layout is another. */
export function putTable(tx: Transaction, table: TableRecord): void {
  const { accountId, region, name } = table;
  tx.put(tableKeys.layout(table.storageId), layoutBytes(table.layout));
  tx.put(tableKeys.table(table, name), tableCodec.encode(table));
  const mark = tableKeys.job(table, name);
  if (table.jobs && table.jobs.length > 0)
    tx.put(mark, jobCodec.encode({ accountId, region, name }));
  else tx.delete(mark);
}

export { readTable } from "./cache.ts";
export type { Place, TableRecord } from "./records.ts";
export type { Index, KeyAttribute, Keyed, Primary, Table } from "./table.ts";
