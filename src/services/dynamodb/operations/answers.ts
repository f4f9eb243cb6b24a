import type {
  ConsumedCapacity,
  ItemCollectionMetrics,
  ReturnConsumedCapacity,
  ReturnItemCollectionMetrics,
} from "@aws-sdk/client-dynamodb";
import type { RequestContext } from "#base/context.ts";
import type { OperationDeps } from "../deps.ts";
import { addWrite, consumedCapacity, noneConsumed } from "../items/capacity.ts";
import type { Cause, Change } from "../items/changes.ts";
import { collectionMetrics } from "../items/collections.ts";
import type { Table } from "../tables/tables.ts";
import type { Item } from "../values/values.ts";

interface Asked {
  readonly ReturnConsumedCapacity?: ReturnConsumedCapacity | undefined;
  readonly ReturnItemCollectionMetrics?: ReturnItemCollectionMetrics | undefined;
}

export function asksForCost({ ReturnConsumedCapacity: asked }: Asked): boolean {
  return asked !== undefined && asked !== "NONE";
}

export function causeOf(deps: Pick<OperationDeps, "clock">, context: RequestContext): Cause {
  return { nowMs: deps.clock.nowMs(), trace: context.trace };
}

interface WriteAnswer {
  Attributes?: Item;
  ConsumedCapacity?: ConsumedCapacity;
  ItemCollectionMetrics?: ItemCollectionMetrics;
}

/** What PutItem, UpdateItem and DeleteItem answer; `shown` are the attributes the caller asked back. */
export function answerOf(
  { store }: Pick<OperationDeps, "store">,
  made: {
    readonly table: Table;
    readonly change: Change;
    readonly input: Asked;
    readonly shown: Item | undefined;
  },
): WriteAnswer | Promise<WriteAnswer> {
  const { table, change, input, shown } = made;
  const answer: WriteAnswer = {};
  if (shown) answer.Attributes = shown;
  if (asksForCost(input)) {
    const consumed = noneConsumed();
    addWrite(consumed, table, { change });
    const cost = consumedCapacity(table, consumed, input.ReturnConsumedCapacity);
    if (cost) answer.ConsumedCapacity = cost;
  }
  if (input.ReturnItemCollectionMetrics !== "SIZE") return answer;
  return store.read((reader) => {
    const metrics = collectionMetrics(reader, table, change);
    return metrics ? { ...answer, ItemCollectionMetrics: metrics } : answer;
  });
}
