import { hash } from "node:crypto";
import type { ParameterizedStatement } from "@aws-sdk/client-dynamodb";
import type { RequestContext } from "#base/context.ts";
import type { Handler, OperationInput, OperationOutput } from "#protocol/service/service.ts";
import type { DynamoDb, OperationDeps } from "../deps.ts";
import { noneConsumed, readUnits, type Consumed } from "../items/capacity.ts";
import { decodeItem, storedItemBytes } from "../items/codec.ts";
import { placeOfKey } from "../items/keys.ts";
import { parseStatement } from "../partiql/parser.ts";
import { planKey } from "../partiql/plan.ts";
import { fingerprintOf } from "../partiql/positions.ts";
import { shapeOf } from "../partiql/select.ts";
import type { Delete, Exists, Insert, Select, Statement, Update } from "../partiql/statement.ts";
import { prepareStatement } from "../partiql/writes.ts";
import { placeOf, referenceOf, type Table } from "../tables/tables.ts";
import { validation, type Item } from "../values/values.ts";
import { asksForCost, causeOf } from "./answers.ts";
import { costOfChanges, costOfTables } from "./many-answers.ts";
import { refuseDuplicates } from "./many-checks.ts";
import { carryOut } from "./transactions.ts";

type Input = OperationInput<DynamoDb, "ExecuteTransaction">;
type Output = OperationOutput<DynamoDb, "ExecuteTransaction">;
type Write = Insert | Update | Delete | Exists;

/** Only reads or only writes. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.multiplestatements.transactions.html */
export function executeTransaction(deps: OperationDeps): Handler<DynamoDb, "ExecuteTransaction"> {
  return async (input, context) => {
    const statements = input.TransactStatements.map(parsedOne);
    const reads = statements.filter((one) => one.kind === "select");
    const writes = statements.filter((one) => one.kind !== "select");
    if (reads.length > 0 && writes.length > 0) {
      throw validation("Unsupported operation in transaction.");
    }
    return reads.length > 0
      ? readAll(deps, reads, { input, context })
      : writeAll(deps, writes, { input, context });
  };
}

interface Request {
  readonly input: Input;
  readonly context: RequestContext;
}

function parsedOne({ Statement = "", Parameters }: ParameterizedStatement, at: number): Statement {
  const statement = within(at, () => parseStatement(Statement, Parameters));
  const said = complaintOf(statement);
  if (said === undefined) return statement;
  throw validation(`Validation failed in TransactStatements[${at}]: ${said}`);
}

function complaintOf(statement: Statement): string | undefined {
  if (statement.kind === "select") {
    return statement.source.index === undefined
      ? undefined
      : "Reads on indices are not supported within transactions.";
  }
  if (statement.kind === "exists") {
    return statement.select.source.index === undefined
      ? undefined
      : "Operations on indices are not supported in transactions";
  }
  if (statement.kind === "insert" || !statement.returning) return undefined;
  return "RETURNING clause is not supported in ExecuteTransaction.";
}

/** Says which statement it is about. */
function within<T>(at: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "ValidationException") throw error;
    throw validation(`Validation failed in TransactStatements[${at}]: ${error.message}`);
  }
}

async function readAll(
  deps: OperationDeps,
  selects: readonly Select[],
  { input, context }: Request,
): Promise<Output> {
  const wanted: { table: Table; place: ReturnType<typeof placeOfKey>; select: Select }[] = [];
  for (const [at, select] of selects.entries()) {
    const table = await deps.tables.find(select.source.table, context);
    const plan = planKey(select.where, table.primary);
    if (!plan || plan.rest) {
      throw validation(
        `Validation failed in TransactStatements[${at}]: Select statements within ExecuteTransaction must specify the primary key in the where clause.`,
      );
    }
    wanted.push({ table, place: placeOfKey(table.primary, plan.key), select });
  }
  refuseDuplicates(
    wanted.map(({ place }) => place),
    "Transaction request cannot include multiple operations on one item",
  );
  const consumed = new Map<Table, Consumed>();
  const items = await deps.store.read((reader) =>
    wanted.map(({ table, place, select }): Item | undefined => {
      const stored = reader.get(place.key);
      const cost = consumed.get(table) ?? noneConsumed();
      consumed.set(table, cost);
      cost.table += readUnits(stored ? storedItemBytes(stored) : 0, "transaction");
      return stored && shapeOf(select.paths)(decodeItem(stored));
    }),
  );
  const cost = costOfTables(consumed, input.ReturnConsumedCapacity);
  return {
    Responses: items.map((item) => (item ? { Item: item } : {})),
    ...(cost && { ConsumedCapacity: cost }),
  };
}

async function writeAll(
  deps: OperationDeps,
  writes: readonly Write[],
  { input, context }: Request,
): Promise<Output> {
  const parts = writes.map((statement, at) => {
    const { table: name } = (statement.kind === "exists" ? statement.select : statement).source;
    const asked = input.TransactStatements[at];
    const options = {
      showsItemOnFailure: asked?.ReturnValuesOnConditionCheckFailure === "ALL_OLD",
      needsBefore: asksForCost(input),
    };
    return {
      name,
      reference: referenceOf(name, context),
      prepare: (table: Table) => prepareStatement(table, statement, options),
    };
  });
  await checkKeys(deps, writes, context);
  const changes = await carryOut(deps, parts, {
    token: tokenOf(input, context),
    cause: causeOf(deps, context),
  });
  const cost = costOfChanges(changes, input.ReturnConsumedCapacity, 2);
  return { Responses: writes.map(() => ({})), ...(cost && { ConsumedCapacity: cost }) };
}

/** What the keys of a table say about a statement is no reason to cancel, it is no transaction. */
async function checkKeys(
  deps: OperationDeps,
  writes: readonly Write[],
  context: RequestContext,
): Promise<void> {
  for (const [at, statement] of writes.entries()) {
    const { source } = statement.kind === "exists" ? statement.select : statement;
    const table = await deps.tables.find(source.table, context);
    if (statement.kind === "insert") continue;
    const where = statement.kind === "exists" ? statement.select.where : statement.where;
    const plan = planKey(where, table.primary);
    const isEnough = plan && (statement.kind !== "exists" || plan.rest);
    if (isEnough) continue;
    within(at, () => {
      throw validation(
        statement.kind === "exists"
          ? "EXISTS() must contain a single item read with additional condition"
          : "Where clause does not contain a mandatory equality on all key attributes",
      );
    });
  }
}

function tokenOf(
  { ClientRequestToken: token, TransactStatements }: Input,
  context: RequestContext,
) {
  if (token === undefined) return undefined;
  const texts = TransactStatements.map(({ Statement = "", Parameters = [] }) =>
    fingerprintOf(Statement, Parameters),
  );
  return { ...placeOf(context), token, fingerprint: hash("sha256", texts.join("\n"), "hex") };
}
