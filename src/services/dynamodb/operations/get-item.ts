import type { Handler } from "#protocol/service/service.ts";
import type { DynamoDb, OperationDeps } from "../deps.ts";
import { project } from "../expressions/expressions.ts";
import { consumedCapacity, noneConsumed, readUnits } from "../items/capacity.ts";
import { decodeItem, storedItemBytes } from "../items/codec.ts";
import { placeOfKey } from "../items/keys.ts";
import { checkedItem } from "../values/values.ts";

/** One look into the store; every read is consistent, what it says it costs is what was asked for. */
export function getItem(deps: OperationDeps): Handler<DynamoDb, "GetItem"> {
  return async (input, context) => {
    const key = checkedItem(input.Key);
    const { projection } = deps.expressions.read("GetItem", input);
    const table = await deps.tables.find(input.TableName, context);
    const place = placeOfKey(table.primary, key);
    const found = await deps.store.read((reader) => {
      const bytes = reader.get(place.key);
      return bytes && { item: decodeItem(bytes), bytes: storedItemBytes(bytes) };
    });
    const consumed = noneConsumed();
    consumed.table = readUnits(found?.bytes ?? 0, input.ConsistentRead ? "consistent" : "eventual");
    const cost = consumedCapacity(table, consumed, input.ReturnConsumedCapacity);
    return {
      ...(found && { Item: projection ? project(projection, found.item) : found.item }),
      ...(cost && { ConsumedCapacity: cost }),
    };
  };
}
