import type { Handler, OperationInput, OperationOutput } from "#protocol/service/service.ts";
import type { RequestContext } from "#base/context.ts";
import type { DynamoDb, OperationDeps } from "../deps.ts";
import { addWrite, consumedCapacity, noneConsumed } from "../items/capacity.ts";
import { parseStatement } from "../partiql/parser.ts";
import { fingerprintOf, readPosition, writePosition } from "../partiql/positions.ts";
import { runSelect } from "../partiql/select.ts";
import type { Delete, Insert, Select, Update } from "../partiql/statement.ts";
import { prepareStatement, returnedOf } from "../partiql/writes.ts";
import { referenceOf } from "../tables/tables.ts";
import { validation } from "../values/values.ts";
import { asksForCost, causeOf } from "./answers.ts";

type Input = OperationInput<DynamoDb, "ExecuteStatement">;
type Output = OperationOutput<DynamoDb, "ExecuteStatement">;

/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExecuteStatement.html */
export function executeStatement(deps: OperationDeps): Handler<DynamoDb, "ExecuteStatement"> {
  return async (input, context) => {
    const statement = parseStatement(input.Statement, input.Parameters);
    if (statement.kind === "exists") {
      throw validation("EXISTS can only be used in ExecuteTransaction write requests.");
    }
    return statement.kind === "select"
      ? select(deps, statement, { input, context })
      : write(deps, statement, { input, context });
  };
}

interface Request {
  readonly input: Input;
  readonly context: RequestContext;
}

async function select(
  deps: OperationDeps,
  statement: Select,
  { input, context }: Request,
): Promise<Output> {
  const fingerprint = fingerprintOf(input.Statement, input.Parameters ?? []);
  const { NextToken: token } = input;
  const { table, items, next, consumed } = await runSelect(deps, statement, {
    context,
    limit: input.Limit,
    isConsistent: input.ConsistentRead === true,
    from: token === undefined ? undefined : readPosition(token, fingerprint),
  });
  const cost = consumedCapacity(table, consumed, input.ReturnConsumedCapacity);
  return {
    Items: [...items],
    ...(next && { NextToken: writePosition(next, fingerprint) }),
    ...(next?.key && { LastEvaluatedKey: next.key }),
    ...(cost && { ConsumedCapacity: cost }),
  };
}

async function write(
  deps: OperationDeps,
  statement: Insert | Update | Delete,
  { input, context }: Request,
): Promise<Output> {
  const reference = referenceOf(statement.source.table, context);
  const cause = causeOf(deps, context);
  const options = {
    showsItemOnFailure: input.ReturnValuesOnConditionCheckFailure === "ALL_OLD",
    needsBefore: asksForCost(input) || hasReturning(statement),
  };
  const { table, change } = await deps.tables.writeOne(reference, (found) => {
    const prepared = prepareStatement(found, statement, options);
    return (tx) => ({ table: found, change: prepared.run(tx, cause) });
  });
  const consumed = noneConsumed();
  addWrite(consumed, table, { change });
  const cost = consumedCapacity(table, consumed, input.ReturnConsumedCapacity);
  const shown = returnedOf(statement, change);
  return { Items: shown ? [shown] : [], ...(cost && { ConsumedCapacity: cost }) };
}

function hasReturning(statement: Insert | Update | Delete): boolean {
  return statement.kind !== "insert" && statement.returning !== undefined;
}
