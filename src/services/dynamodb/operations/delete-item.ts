import type { Handler } from "#protocol/service/service.ts";
import type { DynamoDb, OperationDeps } from "../deps.ts";
import { prepareWrite } from "../items/writes.ts";
import { referenceOf } from "../tables/tables.ts";
import { checkedItem, validation } from "../values/values.ts";
import { answerOf, asksForCost, causeOf } from "./answers.ts";

export function deleteItem(deps: OperationDeps): Handler<DynamoDb, "DeleteItem"> {
  return async (input, context) => {
    const { ReturnValues: returned = "NONE" } = input;
    if (returned !== "ALL_OLD" && returned !== "NONE") {
      throw validation("ReturnValues can only be ALL_OLD or NONE");
    }
    const key = checkedItem(input.Key);
    const { condition } = deps.expressions.read("DeleteItem", input);
    const reference = referenceOf(input.TableName, context);
    const cause = causeOf(deps, context);
    const made = await deps.tables.writeOne(reference, (table) => {
      const { run } = prepareWrite(table, {
        kind: "delete",
        key,
        condition,
        showsItemOnFailure: input.ReturnValuesOnConditionCheckFailure === "ALL_OLD",
        needsBefore: returned === "ALL_OLD" || asksForCost(input),
      });
      return (tx) => ({ table, change: run(tx, cause) });
    });
    const shown = returned === "ALL_OLD" ? made.change.before : undefined;
    return answerOf(deps, { ...made, input, shown });
  };
}
