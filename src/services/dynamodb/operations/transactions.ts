import type { CancellationReason } from "@aws-sdk/client-dynamodb";
import type { Transaction } from "#storage/storage.ts";
import type { OperationDeps } from "../deps.ts";
import { transactionCanceled } from "../errors.ts";
import type { Cause } from "../items/changes.ts";
import type { PreparedWrite } from "../items/writes.ts";
import type { Table, TableReference } from "../tables/tables.ts";
import { validation } from "../values/values.ts";
import type { TableChange } from "./many-answers.ts";
import { refuseDuplicates } from "./many-checks.ts";
import { noReason, reasonOf } from "./transact-reasons.ts";
import { rememberToken } from "./transact-tokens.ts";

/** One write of a transaction, by whichever operation it was asked for. */
export interface TransactionPart {
  /** The table as the caller names it. */
  readonly name: string;
  readonly reference: TableReference;
  /** What it throws about the item becomes the reason of this part. */
  readonly prepare: (table: Table) => PreparedWrite;
}

type Prepared =
  | { readonly table: Table; readonly asked: string; readonly write: PreparedWrite }
  | { readonly reason: CancellationReason };

/**
 * All parts or none, in one transaction of the store with their token. Throws TransactionCanceledException with
 * a reason for every part; nothing when the token says that it was done already.
 */
export function carryOut(
  { tables }: Pick<OperationDeps, "tables">,
  parts: readonly TransactionPart[],
  asked: { readonly token: Parameters<typeof rememberToken>[1] | undefined; readonly cause: Cause },
): Promise<readonly (TableChange & { readonly asked: string })[]> {
  const { token, cause } = asked;
  const references = new Map(parts.map(({ reference }) => [reference.name, reference]));
  return tables.write([...references.values()], (found) => {
    const byName = new Map(found.map((table) => [table.record.name, table]));
    const prepared = parts.map((part) => preparedOne(byName.get(part.reference.name), part));
    refuseTwice(prepared);
    return (tx) => {
      if (token && !rememberToken(tx, token, cause.nowMs)) return [];
      return runAll(tx, prepared, cause);
    };
  });
}

function preparedOne(table: Table | undefined, { name, prepare }: TransactionPart): Prepared {
  try {
    if (!table) throw validation(`The table ${name} is not there`);
    return { table, asked: name, write: prepare(table) };
  } catch (error) {
    return { reason: reasonOf(error) };
  }
}

function refuseTwice(prepared: readonly Prepared[]): void {
  const places = prepared.flatMap((one) => ("write" in one ? [one.write.place] : []));
  refuseDuplicates(places, "Transaction request cannot include multiple operations on one item");
}

/** Every item says its reason, also behind the first that fails. */
function runAll(tx: Transaction, prepared: readonly Prepared[], cause: Cause) {
  const reasons: CancellationReason[] = [];
  const changes = prepared.flatMap((one) => {
    if ("reason" in one) {
      reasons.push(one.reason);
      return [];
    }
    try {
      const change = one.write.run(tx, cause);
      reasons.push(noReason);
      return [{ table: one.table, asked: one.asked, change }];
    } catch (error) {
      reasons.push(reasonOf(error));
      return [];
    }
  });
  if (reasons.some((reason) => reason !== noReason)) throw transactionCanceled(reasons);
  return changes;
}
