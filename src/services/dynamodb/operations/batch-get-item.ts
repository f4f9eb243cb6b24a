import type { KeysAndAttributes } from "@aws-sdk/client-dynamodb";
import type { Handler } from "#protocol/service/service.ts";
import type { DynamoDb, OperationDeps } from "../deps.ts";
import { type Path, project } from "../expressions/expressions.ts";
import { type Consumed, noneConsumed, readUnits } from "../items/capacity.ts";
import { decodeItem, storedItemBytes } from "../items/codec.ts";
import { type ItemPlace, placeOfKey } from "../items/keys.ts";
import { batchGetBytesMax, batchGetKeysMax } from "../limits.ts";
import type { Table } from "../tables/tables.ts";
import { checkedItem, type Item, validation } from "../values/values.ts";
import { costOfTables } from "./many-answers.ts";
import { byCallersName, checkCount, refuseDuplicates } from "./many-checks.ts";

interface Request {
  /** As the caller wrote it; answers are under it. */
  readonly asked: string;
  readonly input: KeysAndAttributes;
  readonly table: Table;
  readonly projection: readonly Path[] | undefined;
  readonly keys: readonly { readonly key: Item; readonly place: ItemPlace }[];
}

/** All of one snapshot. What does not fit into 16 MiB is handed back unprocessed. */
export function batchGetItem(deps: OperationDeps): Handler<DynamoDb, "BatchGetItem"> {
  return async (input, context) => {
    const entries = Object.entries(input.RequestItems);
    checkCount(input.RequestItems, { at: "requestItems", max: batchGetKeysMax });
    const total = entries.reduce((sum, [, { Keys = [] }]) => sum + Keys.length, 0);
    for (const [name, { Keys = [] }] of entries) {
      checkCount(Keys, { at: `requestItems.${name}.member.keys`, max: batchGetKeysMax });
    }
    if (total > batchGetKeysMax) {
      throw validation("Too many items requested for the BatchGetItem call");
    }
    const requests: Request[] = [];
    for (const [asked, one] of entries) {
      const { projection } = deps.expressions.read("GetItem", one);
      const keys = (one.Keys ?? []).map((key) => checkedItem(key));
      const table = await deps.tables.find(asked, context);
      const placed = keys.map((key) => ({ key, place: placeOfKey(table.primary, key) }));
      refuseDuplicates(placed.map(({ place }) => place));
      requests.push({ asked, input: one, table, projection, keys: placed });
    }
    const found = await deps.store.read((reader) => gather((key) => reader.get(key), requests));
    const cost = costOfTables(found.consumed, input.ReturnConsumedCapacity);
    return {
      Responses: found.items,
      UnprocessedKeys: found.unprocessed,
      ...(cost && { ConsumedCapacity: cost }),
    };
  };
}

function gather(get: (key: Uint8Array) => Uint8Array | undefined, requests: readonly Request[]) {
  const items = byCallersName<Item[]>();
  const unprocessed = byCallersName<KeysAndAttributes>();
  const consumed = new Map<Table, Consumed>();
  let bytesLeft = batchGetBytesMax;
  for (const { asked, input, table, projection, keys } of requests) {
    const found: Item[] = [];
    const left: Item[] = [];
    const cost = noneConsumed();
    for (const { key, place } of keys) {
      const stored = bytesLeft > 0 ? get(place.key) : undefined;
      const bytes = stored ? storedItemBytes(stored) : 0;
      if (bytesLeft <= 0 || bytes > bytesLeft) {
        bytesLeft = 0;
        left.push(key);
        continue;
      }
      bytesLeft -= bytes;
      cost.table += readUnits(bytes, input.ConsistentRead ? "consistent" : "eventual");
      if (!stored) continue;
      const item = decodeItem(stored);
      found.push(projection ? project(projection, item) : item);
    }
    items[asked] = found;
    consumed.set(table, cost);
    if (left.length > 0) unprocessed[asked] = { ...input, Keys: left };
  }
  return { items, unprocessed, consumed };
}
