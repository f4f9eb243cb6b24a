import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { unreachable } from "#base/assert.ts";
import { duplicateItem } from "../errors.ts";
import { pathsWritten, project, type BoundCondition } from "../expressions/expressions.ts";
import type { Change } from "../items/changes.ts";
import { prepareWrite, type PreparedWrite } from "../items/writes.ts";
import type { Table } from "../tables/tables.ts";
import { validation, type Item } from "../values/values.ts";
import { planKey, type KeyPlan } from "./plan.ts";
import type { Delete, Exists, Insert, Update } from "./statement.ts";

/**
 * A statement that writes, as a write of items. Throws ValidationException; when it runs,
 * ConditionalCheckFailedException, or DuplicateItemException for an INSERT of an item that is there.
 */
export function prepareStatement(
  table: Table,
  statement: Insert | Update | Delete | Exists,
  options: { readonly showsItemOnFailure: boolean; readonly needsBefore: boolean },
): PreparedWrite {
  const isThere: BoundCondition = { kind: "attribute_exists", path: [table.primary.hash.name] };
  const isAbsent: BoundCondition = { ...isThere, kind: "attribute_not_exists" };
  switch (statement.kind) {
    case "insert":
      return withDuplicates(
        prepareWrite(table, { kind: "put", item: statement.item, condition: isAbsent }),
        statement,
      );
    case "update": {
      const { key, rest } = keyOf(table, statement.where);
      const condition = rest ? ({ kind: "and", left: isThere, right: rest } as const) : isThere;
      return prepareWrite(table, {
        kind: "update",
        key,
        update: statement.update,
        condition,
        ...options,
      });
    }
    case "delete": {
      const { key, rest } = keyOf(table, statement.where);
      // Of an item that is not there nothing is asked.
      const condition = rest && ({ kind: "or", left: isAbsent, right: rest } as const);
      return prepareWrite(table, { kind: "delete", key, condition, ...options });
    }
    case "exists":
      return prepareWrite(table, { ...checkOf(table, statement), ...options });
  }
  return unreachable(statement);
}

function checkOf(table: Table, { select }: Exists) {
  const plan = planKey(select.where, table.primary);
  if (plan?.rest) return { kind: "check", key: plan.key, condition: plan.rest } as const;
  throw validation("EXISTS() must contain a single item read with additional condition");
}

function keyOf(table: Table, where: BoundCondition | undefined): KeyPlan {
  const plan = planKey(where, table.primary);
  if (plan) return plan;
  throw validation("Where clause does not contain a mandatory equality on all key attributes");
}

function withDuplicates(write: PreparedWrite, { ignoresDuplicate }: Insert): PreparedWrite {
  const { place } = write;
  return {
    place,
    run(tx, cause) {
      try {
        return write.run(tx, cause);
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        if (ignoresDuplicate) return { place, before: undefined, after: undefined };
        throw duplicateItem();
      }
    },
  };
}

/** What RETURNING shows of a change; undefined: no row. */
export function returnedOf(
  statement: Insert | Update | Delete,
  { before, after }: Change,
): Item | undefined {
  if (statement.kind === "insert" || !statement.returning) return undefined;
  const { attributes, image } = statement.returning;
  const item = image === "OLD" ? before : after;
  if (statement.kind === "delete" || attributes === "ALL" || !item) return item;
  const part = project(pathsWritten(statement.update), item);
  return Object.keys(part).length > 0 ? part : undefined;
}
