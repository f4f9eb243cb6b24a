import type { ReturnValue } from "@aws-sdk/client-dynamodb";
import { unreachable } from "#base/assert.ts";
import type { Handler } from "#protocol/service/service.ts";
import type { DynamoDb, OperationDeps } from "../deps.ts";
import { type BoundUpdate, pathsWritten, project } from "../expressions/expressions.ts";
import type { Change } from "../items/changes.ts";
import { prepareWrite } from "../items/writes.ts";
import { referenceOf } from "../tables/tables.ts";
import { checkedItem, type Item } from "../values/values.ts";
import { answerOf, causeOf } from "./answers.ts";

export function updateItem(deps: OperationDeps): Handler<DynamoDb, "UpdateItem"> {
  return async (input, context) => {
    const key = checkedItem(input.Key);
    const { condition, update } = deps.expressions.read("UpdateItem", input);
    const reference = referenceOf(input.TableName, context);
    const cause = causeOf(deps, context);
    const made = await deps.tables.writeOne(reference, (table) => {
      const { run } = prepareWrite(table, {
        kind: "update",
        key,
        update,
        condition,
        showsItemOnFailure: input.ReturnValuesOnConditionCheckFailure === "ALL_OLD",
      });
      return (tx) => ({ table, change: run(tx, cause) });
    });
    const shown = returnedOf(made.change, update, input.ReturnValues);
    return answerOf(deps, { ...made, input, shown });
  };
}

/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html, ReturnValues. */
function returnedOf(
  { before, after }: Change,
  update: BoundUpdate | undefined,
  asked: ReturnValue | undefined,
): Item | undefined {
  switch (asked) {
    case "ALL_OLD":
      return before;
    case "ALL_NEW":
      return after;
    case "UPDATED_OLD":
      return updatedPart(before, update);
    case "UPDATED_NEW":
      return updatedPart(after, update);
    case "NONE":
    case undefined:
      return undefined;
  }
  return unreachable(asked);
}

function updatedPart(item: Item | undefined, update: BoundUpdate | undefined): Item | undefined {
  const part = item && update && project(pathsWritten(update), item);
  return part && Object.keys(part).length > 0 ? part : undefined;
}
