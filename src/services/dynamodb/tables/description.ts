import type {
  GlobalSecondaryIndexDescription,
  KeySchemaElement,
  LocalSecondaryIndexDescription,
  ProvisionedThroughputDescription,
  TableDescription,
  TableStatus,
} from "@aws-sdk/client-dynamodb";
import {
  tableArn,
  type IndexRecord,
  type OnDemandMaximum,
  type StoredKeySchema,
  type StoredThroughput,
  type TableRecord,
  type WarmUnits,
} from "./records.ts";

/** Items and bytes of a table or index. */
export interface Count {
  readonly items: number;
  readonly bytes: number;
}

/** What DescribeTable and its relatives answer. `counts` by index name, `""` for the table. */
export function describeTable(
  table: TableRecord,
  shown: {
    readonly status?: TableStatus;
    readonly counts?: ReadonlyMap<string, Count>;
  } = {},
): TableDescription {
  const arn = tableArn(table, table.name);
  const count = shown.counts?.get("");
  const local = table.indexes.filter(({ kind }) => kind === "local");
  const global = table.indexes.filter(({ kind }) => kind === "global");
  const status = shown.status ?? "ACTIVE";
  return {
    AttributeDefinitions: Object.entries(table.attributes).map(([name, type]) => ({
      AttributeName: name,
      AttributeType: type,
    })),
    TableName: table.name,
    KeySchema: describeKeys(table.keySchema),
    TableStatus: status,
    CreationDateTime: new Date(table.createdMs),
    ProvisionedThroughput: describeThroughput(table.throughput),
    TableSizeBytes: count?.bytes ?? 0,
    ItemCount: count?.items ?? 0,
    TableArn: arn,
    TableId: table.tableId,
    ...(table.billing.onDemandSinceMs !== undefined && {
      BillingModeSummary: {
        BillingMode: table.billing.mode,
        LastUpdateToPayPerRequestDateTime: new Date(table.billing.onDemandSinceMs),
      },
    }),
    ...(table.onDemand && { OnDemandThroughput: describeOnDemand(table.onDemand) }),
    ...(table.warm && { WarmThroughput: describeWarm(table.warm) }),
    ...(local.length > 0 && {
      LocalSecondaryIndexes: local.map((index) => describeLocal(index, arn, shown.counts)),
    }),
    ...(global.length > 0 && {
      GlobalSecondaryIndexes: global.map((index) =>
        describeGlobal(index, arn, { ...shown, isNew: status === "CREATING" }),
      ),
    }),
    ...describeStream(table, arn),
    ...(table.encryption && {
      SSEDescription: {
        Status: "ENABLED",
        SSEType: table.encryption.type,
        KMSMasterKeyArn: table.encryption.keyArn,
      },
    }),
    ...(table.tableClass && {
      TableClassSummary: {
        TableClass: table.tableClass.name,
        ...(table.tableClass.updatedMs !== undefined && {
          LastUpdateDateTime: new Date(table.tableClass.updatedMs),
        }),
      },
    }),
    DeletionProtectionEnabled: table.isDeletionProtected,
  };
}

function streamArn(tableArn: string, label: string): string {
  return `${tableArn}/stream/${label}`;
}

function describeStream(table: TableRecord, arn: string): Partial<TableDescription> {
  const { stream, streamLabel } = table;
  return {
    ...(stream && {
      StreamSpecification: { StreamEnabled: true, StreamViewType: stream.viewType },
    }),
    ...(streamLabel !== undefined && {
      LatestStreamLabel: streamLabel,
      LatestStreamArn: streamArn(arn, streamLabel),
    }),
  };
}

function describeKeys({ hash, range }: StoredKeySchema): KeySchemaElement[] {
  const elements: KeySchemaElement[] = [{ AttributeName: hash, KeyType: "HASH" }];
  if (range !== undefined) elements.push({ AttributeName: range, KeyType: "RANGE" });
  return elements;
}

function describeThroughput(throughput: StoredThroughput): ProvisionedThroughputDescription {
  const { increasedMs, decreasedMs } = throughput;
  return {
    ...(increasedMs !== undefined && { LastIncreaseDateTime: new Date(increasedMs) }),
    ...(decreasedMs !== undefined && { LastDecreaseDateTime: new Date(decreasedMs) }),
    NumberOfDecreasesToday: throughput.decreasesToday ?? 0,
    ReadCapacityUnits: throughput.read,
    WriteCapacityUnits: throughput.write,
  };
}

function describeOnDemand({ read, write }: OnDemandMaximum) {
  return { MaxReadRequestUnits: read ?? -1, MaxWriteRequestUnits: write ?? -1 };
}

function describeWarm({ read, write }: WarmUnits) {
  return { ReadUnitsPerSecond: read, WriteUnitsPerSecond: write, Status: "ACTIVE" as const };
}

function describeProjection({ projection }: IndexRecord) {
  const { type, attributes } = projection;
  return { ProjectionType: type, ...(attributes && { NonKeyAttributes: [...attributes] }) };
}

function describeLocal(
  index: IndexRecord,
  arn: string,
  counts: ReadonlyMap<string, Count> | undefined,
): LocalSecondaryIndexDescription {
  return {
    IndexName: index.name,
    KeySchema: describeKeys(index.keySchema),
    Projection: describeProjection(index),
    IndexSizeBytes: counts?.get(index.name)?.bytes ?? 0,
    ItemCount: counts?.get(index.name)?.items ?? 0,
    IndexArn: `${arn}/index/${index.name}`,
  };
}

function describeGlobal(
  index: IndexRecord,
  arn: string,
  shown: { readonly counts?: ReadonlyMap<string, Count>; readonly isNew: boolean },
): GlobalSecondaryIndexDescription {
  const isBackfilling = index.isBackfilling === true;
  return {
    IndexName: index.name,
    KeySchema: describeKeys(index.keySchema),
    Projection: describeProjection(index),
    IndexStatus: isBackfilling || shown.isNew ? "CREATING" : "ACTIVE",
    ...(isBackfilling && { Backfilling: true }),
    ProvisionedThroughput: describeThroughput(index.throughput ?? { read: 0, write: 0 }),
    IndexSizeBytes: shown.counts?.get(index.name)?.bytes ?? 0,
    ItemCount: shown.counts?.get(index.name)?.items ?? 0,
    IndexArn: `${arn}/index/${index.name}`,
    ...(index.onDemand && { OnDemandThroughput: describeOnDemand(index.onDemand) }),
    ...(index.warm && { WarmThroughput: describeWarm(index.warm) }),
  };
}
