import {
  BatchExecuteStatement$,
  BatchGetItem$,
  BatchWriteItem$,
  CreateTable$,
  DeleteItem$,
  ExecuteStatement$,
  ExecuteTransaction$,
  GetItem$,
  PutItem$,
  Query$,
  Scan$,
  TransactGetItems$,
  TransactWriteItems$,
  UpdateItem$,
  UpdateTable$,
} from "@aws-sdk/client-dynamodb";
import { createConstraintCheck } from "#protocol/constraints/constraints.ts";
import { defineService, type Service } from "#protocol/service/service.ts";
import { dynamodbConstraints, dynamodbWording } from "./constraints.ts";
import type { DynamoDb, OperationDeps } from "./deps.ts";
import { bodyBytesMax } from "./limits.ts";
import { batchExecuteStatement } from "./operations/batch-execute-statement.ts";
import { batchGetItem } from "./operations/batch-get-item.ts";
import { batchWriteItem } from "./operations/batch-write-item.ts";
import { createTable } from "./operations/create-table.ts";
import { deleteItem } from "./operations/delete-item.ts";
import { descriptionOperations } from "./operations/descriptions.ts";
import { executeStatement } from "./operations/execute-statement.ts";
import { executeTransaction } from "./operations/execute-transaction.ts";
import { getItem } from "./operations/get-item.ts";
import { putItem } from "./operations/put-item.ts";
import { query } from "./operations/query.ts";
import { resourcePolicyOperations } from "./operations/resource-policies.ts";
import { scan } from "./operations/scan.ts";
import { tableOperations } from "./operations/tables.ts";
import { tagOperations } from "./operations/tags.ts";
import { timeToLiveOperations } from "./operations/time-to-live.ts";
import { transactGetItems } from "./operations/transact-get-items.ts";
import { transactWriteItems } from "./operations/transact-write-items.ts";
import { updateTable } from "./operations/update-table.ts";
import { updateItem } from "./operations/update-item.ts";

/** The table. What has no row is answered by the protocol as not implemented. */
export function defineDynamodb(deps: OperationDeps): Service {
  const options = { bodyBytesMax };
  const service = defineService<DynamoDb>(
    {
      sdkId: "DynamoDB",
      signingName: "dynamodb",
      endpointPrefix: "dynamodb",
      protocols: ["awsJson1_0"],
      targetPrefix: "DynamoDB_20120810",
      apiVersion: "2012-08-10",
      model: () => import("@aws-sdk/client-dynamodb"),
      missingMembers,
      sendsCrc32: true,
    },
    {
      ...tableOperations(deps),
      ...tagOperations(deps),
      ...timeToLiveOperations(deps),
      ...resourcePolicyOperations(deps),
      ...descriptionOperations(deps),
      UpdateTable: [UpdateTable$, updateTable(deps)],
      BatchGetItem: [BatchGetItem$, batchGetItem(deps)],
      BatchWriteItem: [BatchWriteItem$, batchWriteItem(deps), options],
      TransactGetItems: [TransactGetItems$, transactGetItems(deps)],
      TransactWriteItems: [TransactWriteItems$, transactWriteItems(deps), options],
      CreateTable: [CreateTable$, createTable(deps)],
      PutItem: [PutItem$, putItem(deps), options],
      GetItem: [GetItem$, getItem(deps)],
      UpdateItem: [UpdateItem$, updateItem(deps), options],
      Query: [Query$, query(deps)],
      Scan: [Scan$, scan(deps)],
      DeleteItem: [DeleteItem$, deleteItem(deps), options],
      ExecuteStatement: [ExecuteStatement$, executeStatement(deps)],
      BatchExecuteStatement: [BatchExecuteStatement$, batchExecuteStatement(deps)],
      ExecuteTransaction: [ExecuteTransaction$, executeTransaction(deps)],
    },
  );
  return createConstraintCheck(dynamodbConstraints, dynamodbWording).guard(service);
}

/** A missing table name is told before and apart from all else that is missing. */
function missingMembers(paths: readonly string[]) {
  const code = "ValidationException";
  if (!paths.includes("tableName")) return { code };
  const message = "The parameter 'TableName' is required but was not present in the request";
  return { code, message };
}
