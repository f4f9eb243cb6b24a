import { hash } from "node:crypto";
import type { TransactWriteItem } from "@aws-sdk/client-dynamodb";
import type { Handler } from "#protocol/service/service.ts";
import type { DynamoDb, OperationDeps } from "../deps.ts";
import { prepareWrite, type Write } from "../items/writes.ts";
import { transactionBytesMax } from "../limits.ts";
import { referenceOf, type Table, type TableReference } from "../tables/tables.ts";
import { checkedItem, itemBytes, validation } from "../values/values.ts";
import { asksForCost, causeOf } from "./answers.ts";
import { costOfChanges, metricsOfChanges } from "./many-answers.ts";
import { carryOut } from "./transactions.ts";

interface Asked {
  readonly name: string;
  readonly reference: TableReference;
  readonly write: Write;
}

/**
 * All or nothing, serializable with everything else. Two transactions that meet are run one after the other
 * instead of one of them being cancelled with TransactionConflict.
 */
export function transactWriteItems(deps: OperationDeps): Handler<DynamoDb, "TransactWriteItems"> {
  return async (input, context) => {
    const needsBefore = asksForCost(input);
    const asked = input.TransactItems.map((item): Asked => {
      const { name, write } = askedOf(deps, item);
      return { name, reference: referenceOf(name, context), write: { ...write, needsBefore } };
    });
    checkTotal(asked);
    const token = tokenOf(input, {
      accountId: context.principal.accountId,
      region: context.region,
    });
    const cause = causeOf(deps, context);
    const parts = asked.map(({ name, reference, write }) => ({
      name,
      reference,
      prepare: (table: Table) => prepareWrite(table, write),
    }));
    const changes = await carryOut(deps, parts, { token, cause });
    const cost = costOfChanges(changes, input.ReturnConsumedCapacity, 2);
    return {
      ...(cost && { ConsumedCapacity: cost }),
      ...(input.ReturnItemCollectionMetrics === "SIZE" && {
        ItemCollectionMetrics: await metricsOfChanges(deps, changes),
      }),
    };
  };
}

function askedOf(
  { expressions }: OperationDeps,
  item: TransactWriteItem,
): { readonly name: string; readonly write: Write } {
  const { Put, Update, Delete, ConditionCheck } = item;
  const [given, ...others] = [Put, Update, Delete, ConditionCheck].filter(
    (one) => one !== undefined,
  );
  if (!given || others.length > 0) {
    throw validation("TransactItems can only contain one of Check, Put, Update or Delete");
  }
  const name = given.TableName ?? "";
  const showsItemOnFailure = given.ReturnValuesOnConditionCheckFailure === "ALL_OLD";
  if (Put) {
    const { condition } = expressions.read("PutItem", Put);
    const write = { kind: "put", item: checkedItem(Put.Item ?? {}), condition } as const;
    return { name, write: { ...write, showsItemOnFailure } };
  }
  if (Update) {
    const { condition, update } = expressions.read("UpdateItem", Update);
    const write = {
      kind: "update",
      key: checkedItem(Update.Key ?? {}),
      update,
      condition,
    } as const;
    return { name, write: { ...write, showsItemOnFailure } };
  }
  const kind = Delete ? "delete" : "check";
  const one = Delete ?? ConditionCheck;
  const { condition } = expressions.read(Delete ? "DeleteItem" : "ConditionCheck", one ?? {});
  const key = checkedItem(one?.Key ?? {});
  return { name, write: { kind, key, condition, showsItemOnFailure } };
}

function checkTotal(asked: readonly Asked[]): void {
  let bytes = 0;
  for (const { write } of asked) bytes += itemBytes(write.kind === "put" ? write.item : write.key);
  if (bytes <= transactionBytesMax) return;
  throw validation("Aggregated size of the items in the transaction exceeds 4 MB");
}

function tokenOf(
  {
    ClientRequestToken: token,
    TransactItems,
  }: {
    readonly ClientRequestToken?: string | undefined;
    readonly TransactItems: readonly TransactWriteItem[];
  },
  place: { readonly accountId: string; readonly region: string },
) {
  if (token === undefined) return undefined;
  return { ...place, token, fingerprint: hash("sha256", JSON.stringify(TransactItems), "hex") };
}
