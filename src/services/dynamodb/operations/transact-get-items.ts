import type { Handler } from "#protocol/service/service.ts";
import type { DynamoDb, OperationDeps } from "../deps.ts";
import { transactionCanceled } from "../errors.ts";
import { type Path, project } from "../expressions/expressions.ts";
import { type Consumed, noneConsumed, readUnits } from "../items/capacity.ts";
import { decodeItem, storedItemBytes } from "../items/codec.ts";
import { type ItemPlace, placeOfKey } from "../items/keys.ts";
import { transactionBytesMax } from "../limits.ts";
import type { Table } from "../tables/tables.ts";
import { checkedItem, type Item, validation } from "../values/values.ts";
import { costOfTables } from "./many-answers.ts";
import { refuseDuplicates } from "./many-checks.ts";
import { noReason, reasonOf } from "./transact-reasons.ts";

interface Request {
  readonly table: Table;
  readonly place: ItemPlace;
  readonly projection: readonly Path[] | undefined;
}

/** All items as they were at one moment, between any two transactions. */
export function transactGetItems(deps: OperationDeps): Handler<DynamoDb, "TransactGetItems"> {
  return async (input, context) => {
    const asked = input.TransactItems.map(({ Get }) => {
      if (!Get) throw validation("TransactItems can only contain Get");
      const key = checkedItem(Get.Key ?? {});
      const { projection } = deps.expressions.read("GetItem", Get);
      return { name: Get.TableName ?? "", key, projection };
    });
    const requests: Request[] = [];
    const reasons = [];
    for (const { name, key, projection } of asked) {
      const table = await deps.tables.find(name, context);
      try {
        requests.push({ table, projection, place: placeOfKey(table.primary, key) });
        reasons.push(noReason);
      } catch (error) {
        reasons.push(reasonOf(error));
      }
    }
    if (reasons.some((reason) => reason !== noReason)) throw transactionCanceled(reasons);
    refuseDuplicates(
      requests.map(({ place }) => place),
      "Transaction request cannot include multiple operations on one item",
    );
    const { items, consumed } = await deps.store.read((reader) =>
      gather((key) => reader.get(key), requests),
    );
    const cost = costOfTables(consumed, input.ReturnConsumedCapacity);
    return {
      Responses: items.map((item) => (item ? { Item: item } : {})),
      ...(cost && { ConsumedCapacity: cost }),
    };
  };
}

function gather(get: (key: Uint8Array) => Uint8Array | undefined, requests: readonly Request[]) {
  const consumed = new Map<Table, Consumed>();
  let total = 0;
  const items = requests.map(({ table, place, projection }): Item | undefined => {
    const stored = get(place.key);
    const bytes = stored ? storedItemBytes(stored) : 0;
    total += bytes;
    const cost = consumed.get(table) ?? noneConsumed();
    consumed.set(table, cost);
    cost.table += readUnits(bytes, "transaction");
    const item = stored && decodeItem(stored);
    return item && projection ? project(projection, item) : item;
  });
  if (total > transactionBytesMax) {
    throw validation("Aggregated size of the items in the transaction exceeds 4 MB");
  }
  return { items, consumed };
}
