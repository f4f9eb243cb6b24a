import type { WriteRequest } from "@aws-sdk/client-dynamodb";
import type { Handler } from "#protocol/service/service.ts";
import type { DynamoDb, OperationDeps } from "../deps.ts";
import { prepareWrite, type Write } from "../items/writes.ts";
import { batchWriteRequestsMax } from "../limits.ts";
import { referenceOf } from "../tables/tables.ts";
import { checkedItem, validation } from "../values/values.ts";
import { asksForCost, causeOf } from "./answers.ts";
import { costOfChanges, metricsOfChanges } from "./many-answers.ts";
import { checkCount, refuseDuplicates } from "./many-checks.ts";

/**
 * One transaction for all of it: the service promises less ("BatchWriteItem as a whole is not" atomic), and one
 * flush is cheaper than many. Nothing is ever left unprocessed.
 */
export function batchWriteItem(deps: OperationDeps): Handler<DynamoDb, "BatchWriteItem"> {
  return async (input, context) => {
    const entries = Object.entries(input.RequestItems);
    checkCount(input.RequestItems, { at: "requestItems", max: batchWriteRequestsMax });
    const total = entries.reduce((sum, [, requests]) => sum + requests.length, 0);
    if (total > batchWriteRequestsMax) {
      throw validation("Too many items requested for the BatchWriteItem call");
    }
    for (const [name, requests] of entries) {
      checkCount(requests, { at: `requestItems.${name}.member`, max: batchWriteRequestsMax });
    }
    const needsBefore = asksForCost(input);
    const asked = entries.map(([name, requests]) => ({
      name,
      writes: requests.map((request): Write => ({ ...writeOf(request), needsBefore })),
    }));
    const references = asked.map(({ name }) => referenceOf(name, context));
    const cause = causeOf(deps, context);
    const changes = await deps.tables.write(references, (tables) => {
      const prepared = asked.flatMap(({ name, writes }, at) => {
        const table = tables[at];
        if (!table) return [];
        const runs = writes.map((write) => prepareWrite(table, write));
        refuseDuplicates(runs.map(({ place }) => place));
        return runs.map((write) => ({ name, table, write }));
      });
      return (tx) =>
        prepared.map(({ name, table, write }) => ({
          asked: name,
          table,
          change: write.run(tx, cause),
        }));
    });
    const cost = costOfChanges(changes, input.ReturnConsumedCapacity);
    return {
      UnprocessedItems: {},
      ...(cost && { ConsumedCapacity: cost }),
      ...(input.ReturnItemCollectionMetrics === "SIZE" && {
        ItemCollectionMetrics: await metricsOfChanges(deps, changes),
      }),
    };
  };
}

function writeOf({ PutRequest: put, DeleteRequest: remove }: WriteRequest): Write {
  if (put && remove) {
    throw validation(
      "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes",
    );
  }
  if (put) return { kind: "put", item: checkedItem(put.Item ?? {}) };
  if (remove) return { kind: "delete", key: checkedItem(remove.Key ?? {}) };
  throw validation(
    "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
  );
}
