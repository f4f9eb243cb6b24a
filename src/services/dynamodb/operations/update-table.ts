import { uuid } from "#base/ids.ts";
import type { Handler } from "#protocol/service/service.ts";
import type { Transaction } from "#storage/storage.ts";
import type { DynamoDb, OperationDeps } from "../deps.ts";
import { resourceInUse, resourceNotFound } from "../errors.ts";
import { closeStream, openStream } from "../stream-records.ts";
import { describeTable } from "../tables/description.ts";
import { remainsCodec, tableKeys, type TableRecord } from "../tables/records.ts";
import { streamChoice, streamLabelAt } from "../tables/stream-setting.ts";
import { putTable, readTable, referenceOf } from "../tables/tables.ts";
import { checkUpdateInput, updatedTable } from "../tables/update.ts";
import { validation } from "../values/values.ts";

/**
 * Everything takes effect with the answer, which says UPDATING as the service's does. Only a new index takes its
 * time: it is filled behind the answer, and cannot be read until it is.
 */
export function updateTable(deps: OperationDeps): Handler<DynamoDb, "UpdateTable"> {
  return async (input, context) => {
    checkUpdateInput(input);
    const viewType = streamChoice(input.StreamSpecification);
    const { name, ...place } = referenceOf(input.TableName, context);
    const nowMs = deps.clock.nowMs();
    const streamId = uuid(deps.random);
    const table = await deps.tables.change((tx) => {
      const found = readTable(tx, place, name);
      if (!found) throw resourceNotFound();
      const { table: next, remains } = updatedTable(found, input, { nowMs, random: deps.random });
      const [first] = remains;
      if (first !== undefined) {
        tx.put(tableKeys.remains(first), remainsCodec.encode({ storageIds: remains }));
      }
      const changed = input.StreamSpecification
        ? withStream(tx, next, { viewType, nowMs, streamId })
        : next;
      putTable(tx, changed);
      return changed;
    });
    deps.sweeper.wake();
    return { TableDescription: describeTable(table, { status: "UPDATING" }) };
  };
}

function withStream(
  tx: Transaction,
  table: TableRecord,
  asked: {
    readonly viewType: ReturnType<typeof streamChoice>;
    readonly nowMs: number;
    readonly streamId: string;
  },
): TableRecord {
  const { accountId, region, name, stream, streamLabel } = table;
  const { viewType, nowMs, streamId } = asked;
  const layout = table.layout + 1;
  if (!viewType) {
    if (!stream || streamLabel === undefined) {
      throw validation("Table is already has stream disabled");
    }
    closeStream(tx, { accountId, region, tableName: name, label: streamLabel }, nowMs);
    const { stream: _, ...rest } = table;
    return { ...rest, layout };
  }
  if (stream) throw resourceInUse(`Table already has an enabled stream: TableName: ${name}`);
  const label = streamLabelAt(nowMs);
  openStream(tx, {
    streamId,
    accountId,
    region,
    tableName: name,
    label,
    viewType,
    keySchema: table.keySchema,
    createdMs: nowMs,
  });
  return { ...table, layout, stream: { id: streamId, viewType }, streamLabel: label };
}
