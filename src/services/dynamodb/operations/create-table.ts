import { uuid } from "#base/ids.ts";
import type { Reader } from "#storage/storage.ts";
import type { Handler } from "#protocol/service/service.ts";
import type { DynamoDb, OperationDeps } from "../deps.ts";
import { resourceInUse } from "../errors.ts";
import { tablesMax } from "../limits.ts";
import { openStream } from "../stream-records.ts";
import { newTable, tooManyTables } from "../tables/creation.ts";
import { describeTable } from "../tables/description.ts";
import { tableKeys, type TableRecord } from "../tables/records.ts";
import { streamChoice, streamLabelAt } from "../tables/stream-setting.ts";
import { checkTableName, placeOf, putTable, readTable } from "../tables/tables.ts";

/**
 * The table is usable as soon as this answers, although the answer says CREATING as the service's does: the
 * next DescribeTable says ACTIVE.
 */
export function createTable(deps: OperationDeps): Handler<DynamoDb, "CreateTable"> {
  return async (input, context) => {
    const place = placeOf(context);
    const name = input.TableName;
    checkTableName(name);
    const nowMs = deps.clock.nowMs();
    const viewType = streamChoice(input.StreamSpecification);
    const bare = newTable(input, { place, name, nowMs, random: deps.random });
    const streamId = uuid(deps.random);
    const table: TableRecord = viewType
      ? { ...bare, stream: { id: streamId, viewType }, streamLabel: streamLabelAt(nowMs) }
      : bare;
    // Before the transaction, which would otherwise depend on every table there is.
    if ((await deps.store.read((reader) => countTables(reader, table))) >= tablesMax) {
      throw tooManyTables(tablesMax);
    }
    await deps.tables.change((tx) => {
      if (readTable(tx, place, name)) throw resourceInUse(`Table already exists: ${name}`);
      putTable(tx, table);
      if (!table.stream || table.streamLabel === undefined) return;
      openStream(tx, {
        streamId,
        ...place,
        tableName: name,
        label: table.streamLabel,
        viewType: table.stream.viewType,
        keySchema: table.keySchema,
        createdMs: nowMs,
      });
    });
    return { TableDescription: describeTable(table, { status: "CREATING" }) };
  };
}

function countTables(reader: Reader, place: TableRecord): number {
  let count = 0;
  for (const _ of reader.list(tableKeys.tables(place), { limit: tablesMax })) count++;
  return count;
}
