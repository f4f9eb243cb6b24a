import type {
  BatchStatementError,
  BatchStatementErrorCodeEnum,
  BatchStatementRequest,
  BatchStatementResponse,
  ConsumedCapacity,
} from "@aws-sdk/client-dynamodb";
import type { RequestContext } from "#base/context.ts";
import type { Handler, OperationInput } from "#protocol/service/service.ts";
import type { DynamoDb, OperationDeps } from "../deps.ts";
import { parseStatement } from "../partiql/parser.ts";
import { planKey } from "../partiql/plan.ts";
import type { Select, Statement } from "../partiql/statement.ts";
import { validation, type Item } from "../values/values.ts";
import { executeStatement } from "./execute-statement.ts";

type Input = OperationInput<DynamoDb, "BatchExecuteStatement">;

interface Outcome {
  readonly response: BatchStatementResponse;
  readonly cost: ConsumedCapacity | undefined;
}

/** Each statement for itself: one that fails tells so in its place. https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchExecuteStatement.html */
export function batchExecuteStatement(
  deps: OperationDeps,
): Handler<DynamoDb, "BatchExecuteStatement"> {
  const execute = executeStatement(deps);

  async function runOne(
    one: BatchStatementRequest,
    asked: { readonly input: Input; readonly context: RequestContext },
  ): Promise<Outcome> {
    let statement: Statement | undefined;
    try {
      statement = parseStatement(one.Statement ?? "", one.Parameters);
      if (statement.kind === "select") await checkSingle(deps, statement, asked.context);
      const answer = await execute(
        {
          ...one,
          Statement: one.Statement ?? "",
          ReturnConsumedCapacity: asked.input.ReturnConsumedCapacity,
        },
        asked.context,
      );
      const [Item] = answer.Items ?? [];
      const response = { ...tableOf(statement), ...(Item && { Item }) };
      return { response, cost: answer.ConsumedCapacity };
    } catch (error) {
      return { response: { ...tableOf(statement), Error: errorOf(error) }, cost: undefined };
    }
  }

  return async (input, context) => {
    const outcomes: Outcome[] = [];
    for (const one of input.Statements) outcomes.push(await runOne(one, { input, context }));
    const costs = outcomes.flatMap(({ cost }) => (cost ? [cost] : []));
    return {
      Responses: outcomes.map(({ response }) => response),
      ...(costs.length > 0 && { ConsumedCapacity: costs }),
    };
  };
}

/** One item, by its key and nothing else. */
async function checkSingle(
  deps: OperationDeps,
  { source, where }: Select,
  context: RequestContext,
): Promise<void> {
  const table = await deps.tables.find(source.table, context);
  const plan = planKey(where, table.primary);
  if (plan && !plan.rest && source.index === undefined) return;
  throw validation(
    "Select statements within BatchExecuteStatement must specify the primary key in the where clause.",
  );
}

function tableOf(statement: Statement | undefined): { TableName?: string } {
  if (!statement) return {};
  const { source } = statement.kind === "exists" ? statement.select : statement;
  return { TableName: source.table };
}

const codes: Readonly<Partial<Record<string, BatchStatementErrorCodeEnum>>> = {
  ConditionalCheckFailedException: "ConditionalCheckFailed",
  DuplicateItemException: "DuplicateItem",
  ResourceNotFoundException: "ResourceNotFound",
  ValidationException: "ValidationError",
};

/** What is not about the statement is thrown again. */
function errorOf(error: unknown): BatchStatementError {
  const Code = error instanceof Error ? codes[error.name] : undefined;
  if (!(error instanceof Error) || Code === undefined) throw error;
  const { Item: item } = error as { Item?: Item }; // of ConditionalCheckFailedException, when it was asked for
  return { Code, Message: error.message, ...(item && { Item: item }) };
}
