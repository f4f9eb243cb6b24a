import { DeleteTable$, DescribeTable$, ListTables$ } from "@aws-sdk/client-dynamodb";
import type { OperationTable } from "#protocol/service/service.ts";
import { keyAfter } from "#storage/keys.ts";
import type { DynamoDb, OperationDeps } from "../deps.ts";
import { tableNotFound } from "../errors.ts";
import { tableNamesMax } from "../limits.ts";
import { closeStream } from "../stream-records.ts";
import { createCounts } from "../tables/counts.ts";
import { describeTable } from "../tables/description.ts";
import { remainsCodec, tableCodec, tableKeys } from "../tables/records.ts";
import { placeOf, readTable, referenceOf } from "../tables/tables.ts";
import { validation } from "../values/values.ts";

/** What is asked of tables as wholes; making and changing them have files of their own. */
export function tableOperations(
  deps: OperationDeps,
): Pick<OperationTable<DynamoDb>, "DescribeTable" | "DeleteTable" | "ListTables"> {
  const counts = createCounts(deps);
  return {
    DescribeTable: [
      DescribeTable$,
      async (input, context) => {
        const reference = referenceOf(input.TableName, context);
        const table = await deps.tables.look(reference, reference.name);
        if (!table) throw tableNotFound(reference.name);
        return { Table: describeTable(table.record, { counts: await counts.of(table) }) };
      },
    ],
    /** The table is gone at once; its items and entries are removed behind the answer. */
    DeleteTable: [
      DeleteTable$,
      async (input, context) => {
        const { name, ...place } = referenceOf(input.TableName, context);
        const nowMs = deps.clock.nowMs();
        const table = await deps.tables.change((tx) => {
          const found = readTable(tx, place, name);
          if (!found) throw tableNotFound(name);
          if (found.isDeletionProtected) {
            throw validation(
              `Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.`,
            );
          }
          tx.delete(tableKeys.table(place, name));
          tx.delete(tableKeys.layout(found.storageId));
          const storageIds = [found.storageId, ...found.indexes.map((one) => one.storageId)];
          tx.put(tableKeys.remains(found.storageId), remainsCodec.encode({ storageIds }));
          if (found.stream && found.streamLabel !== undefined) {
            closeStream(tx, { ...place, tableName: name, label: found.streamLabel }, nowMs);
          }
          return found;
        });
        deps.sweeper.wake();
        return { TableDescription: describeDeleted(table) };
      },
    ],
    ListTables: [
      ListTables$,
      async (input, context) => {
        const { ExclusiveStartTableName: after, Limit: limit = tableNamesMax } = input;
        const place = placeOf(context);
        const whole = tableKeys.tables(place);
        const start = after === undefined ? whole.start : keyAfter(tableKeys.table(place, after));
        const names = await deps.store.read((reader) =>
          Array.from(
            reader.list({ start, end: whole.end }, { limit: limit + 1 }),
            ({ value }) => tableCodec.decode(value).name,
          ),
        );
        const page = names.slice(0, limit);
        const last = page.at(-1);
        return {
          TableNames: page,
          ...(names.length > limit && last !== undefined && { LastEvaluatedTableName: last }),
        };
      },
    ],
  };
}

/** "ItemCount" and the like are of a table that is no more. */
function describeDeleted(table: Parameters<typeof describeTable>[0]) {
  const {
    AttributeDefinitions: _,
    KeySchema: __,
    ...rest
  } = describeTable(table, {
    status: "DELETING",
  });
  return rest;
}
