import type {
  Constraint,
  Constraints,
  ConstraintTable,
  ConstraintWording,
} from "#protocol/constraints/constraints.ts";
import { segmentsMax, tableNamesMax, transactionItemsMax } from "./limits.ts";
import {
  batchStatementsMax,
  statementCharactersMax,
  transactStatementsMax,
} from "./partiql/limits.ts";
import { validation } from "./values/values.ts";

const indexName: Constraint = { min: 3, max: 255, pattern: "[a-zA-Z0-9_.-]+" };
const units: Constraint = { min: 1 };
const keySchema: Constraint = { min: 1, max: 2 };
const keyType: Constraint = { values: ["HASH", "RANGE"] };
const attributeType: Constraint = { values: ["B", "N", "S"] };
const projectionType: Constraint = { values: ["ALL", "INCLUDE", "KEYS_ONLY"] };
const nonKeyAttributes: Constraint = { min: 1, items: { min: 1, max: 255 } };
const returnValues: Constraint = {
  values: ["ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"],
};

/** Of one index, whose members are below `path`. */
function indexRows(path: string): Constraints {
  return {
    [`${path}.IndexName`]: indexName,
    [`${path}.KeySchema`]: keySchema,
    [`${path}.KeySchema[].AttributeName`]: { min: 1, max: 255 },
    [`${path}.KeySchema[].KeyType`]: keyType,
    [`${path}.Projection.ProjectionType`]: projectionType,
    [`${path}.Projection.NonKeyAttributes`]: nonKeyAttributes,
    [`${path}.ProvisionedThroughput.ReadCapacityUnits`]: units,
    [`${path}.ProvisionedThroughput.WriteCapacityUnits`]: units,
  };
}

const onTables: Constraints = {
  "AttributeDefinitions[].AttributeName": { min: 1, max: 255 },
  "AttributeDefinitions[].AttributeType": attributeType,
  BillingMode: { values: ["PROVISIONED", "PAY_PER_REQUEST"] },
  KeySchema: keySchema,
  "KeySchema[].AttributeName": { min: 1, max: 255 },
  "KeySchema[].KeyType": keyType,
  "ProvisionedThroughput.ReadCapacityUnits": units,
  "ProvisionedThroughput.WriteCapacityUnits": units,
  ...indexRows("LocalSecondaryIndexes[]"),
  ...indexRows("GlobalSecondaryIndexes[]"),
  "SSESpecification.SSEType": { values: ["AES256", "KMS"] },
  "StreamSpecification.StreamViewType": {
    values: ["NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES", "KEYS_ONLY"],
  },
  TableClass: { values: ["STANDARD", "STANDARD_INFREQUENT_ACCESS"] },
};

const onReturns: Constraints = {
  ReturnConsumedCapacity: { values: ["INDEXES", "TOTAL", "NONE"] },
  ReturnItemCollectionMetrics: { values: ["SIZE", "NONE"] },
  ReturnValuesOnConditionCheckFailure: { values: ["ALL_OLD", "NONE"] },
};

const onWrites: Constraints = {
  ...onReturns,
  ReturnValues: returnValues,
  ConditionalOperator: { values: ["OR", "AND"] },
};

const onReads: Constraints = {
  ...onReturns,
  AttributesToGet: { min: 1, items: { max: 65_535 } },
  ConditionalOperator: { values: ["OR", "AND"] },
  IndexName: indexName,
  Limit: { min: 1 },
  Select: {
    values: ["SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"],
  },
};

/**
 * What the model of DynamoDB demands of each member, as data. Source: the API reference, e.g.
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html (seen 2026-11). Names of tables are
 * checked where they are looked up.
 */
export const dynamodbConstraints: ConstraintTable = {
  everywhere: {},
  only: {
    CreateTable: onTables,
    UpdateTable: {
      ...onTables,
      ...indexRows("GlobalSecondaryIndexUpdates[].Create"),
      ...indexRows("GlobalSecondaryIndexUpdates[].Update"),
      "GlobalSecondaryIndexUpdates[].Delete.IndexName": indexName,
    },
    ListTables: {
      ExclusiveStartTableName: { min: 3, max: 255, pattern: "[a-zA-Z0-9_.-]+" },
      Limit: { min: 1, max: tableNamesMax },
    },
    PutItem: onWrites,
    DeleteItem: onWrites,
    UpdateItem: onWrites,
    GetItem: { ...onReturns, AttributesToGet: { min: 1 } },
    Query: onReads,
    Scan: {
      ...onReads,
      Segment: { min: 0, max: segmentsMax - 1 },
      TotalSegments: { min: 1, max: segmentsMax },
    },
    BatchGetItem: { ReturnConsumedCapacity: onReturns.ReturnConsumedCapacity ?? {} },
    BatchWriteItem: onReturns,
    TransactWriteItems: {
      ...onReturns,
      TransactItems: { min: 1, max: transactionItemsMax },
      ClientRequestToken: { min: 1, max: 36 },
    },
    TransactGetItems: { ...onReturns, TransactItems: { min: 1, max: transactionItemsMax } },
    ExecuteStatement: {
      Statement: { min: 1, max: statementCharactersMax },
      Parameters: { min: 1 },
      Limit: { min: 1 },
      NextToken: { min: 1, max: 32_768 },
      ...onReturns,
    },
    BatchExecuteStatement: {
      Statements: { min: 1, max: batchStatementsMax },
      "Statements[].Statement": { min: 1, max: statementCharactersMax },
      "Statements[].Parameters": { min: 1 },
      ...onReturns,
    },
    ExecuteTransaction: {
      TransactStatements: { min: 1, max: transactStatementsMax },
      "TransactStatements[].Statement": { min: 1, max: statementCharactersMax },
      "TransactStatements[].Parameters": { min: 1 },
      ClientRequestToken: { min: 1, max: 36 },
      ...onReturns,
    },
    TagResource: {
      ResourceArn: { min: 1, max: 1_283 },
      "Tags[].Key": { min: 1, max: 128 },
      "Tags[].Value": { min: 0, max: 256 },
    },
    UntagResource: {
      ResourceArn: { min: 1, max: 1_283 },
      TagKeys: { items: { min: 1, max: 128 } },
    },
    UpdateTimeToLive: { "TimeToLiveSpecification.AttributeName": { min: 1, max: 255 } },
    UpdateContinuousBackups: {
      "PointInTimeRecoverySpecification.RecoveryPeriodInDays": { min: 1, max: 35 },
    },
    UpdateContributorInsights: {
      ContributorInsightsAction: { values: ["ENABLE", "DISABLE"] },
      ContributorInsightsMode: { values: ["ACCESSED_AND_THROTTLED_KEYS", "THROTTLED_KEYS"] },
      IndexName: indexName,
    },
  },
};

/** How DynamoDB refuses what breaks them. */
export const dynamodbWording: ConstraintWording = {
  error: validation,
  reports: "each-demand",
  shown: { structures: "json", charactersMax: 1_024 },
  breachesMax: 10,
};
