import {
  DescribeContinuousBackups$,
  DescribeContributorInsights$,
  DescribeEndpoints$,
  DescribeKinesisStreamingDestination$,
  DescribeLimits$,
  ListContributorInsights$,
  UpdateContinuousBackups$,
  UpdateContributorInsights$,
  type ContinuousBackupsDescription,
} from "@aws-sdk/client-dynamodb";
import type { OperationTable } from "#protocol/service/service.ts";
import type { DynamoDb, OperationDeps } from "../deps.ts";
import { backedUpTableNotFound, resourceNotFound } from "../errors.ts";
import { accountCapacityUnitsMax, tableCapacityUnitsMax } from "../limits.ts";
import { changeRecord, lookUp } from "../tables/change.ts";
import type { TableRecord } from "../tables/records.ts";
import { validation } from "../values/values.ts";

type Row =
  | "DescribeContinuousBackups"
  | "UpdateContinuousBackups"
  | "DescribeContributorInsights"
  | "UpdateContributorInsights"
  | "ListContributorInsights"
  | "DescribeLimits"
  | "DescribeEndpoints"
  | "DescribeKinesisStreamingDestination";

/** What deployment tools read and set about tables without anything following from it here. */
export function descriptionOperations(deps: OperationDeps): Pick<OperationTable<DynamoDb>, Row> {
  return {
    DescribeContinuousBackups: [
      DescribeContinuousBackups$,
      async ({ TableName: reference }, context) => {
        const absent = (): Error => backedUpTableNotFound(reference);
        const table = await lookUp(deps, { reference, context, absent });
        return { ContinuousBackupsDescription: describeBackups(table, deps.clock.nowMs()) };
      },
    ],
    UpdateContinuousBackups: [
      UpdateContinuousBackups$,
      async (input, context) => {
        const { TableName: reference, PointInTimeRecoverySpecification: asked } = input;
        const { PointInTimeRecoveryEnabled: isEnabled, RecoveryPeriodInDays: days = 35 } = asked;
        const nowMs = deps.clock.nowMs();
        const absent = (): Error => backedUpTableNotFound(reference);
        const changed = await changeRecord(deps, { reference, context, absent }, (table) => {
          const { recovery, ...rest } = table;
          if (!isEnabled) return rest;
          return { ...rest, recovery: { sinceMs: recovery?.sinceMs ?? nowMs, days } };
        });
        return { ContinuousBackupsDescription: describeBackups(changed, nowMs) };
      },
    ],
    ...insightsOperations(deps),
    DescribeLimits: [
      DescribeLimits$,
      async () => ({
        AccountMaxReadCapacityUnits: accountCapacityUnitsMax,
        AccountMaxWriteCapacityUnits: accountCapacityUnitsMax,
        TableMaxReadCapacityUnits: tableCapacityUnitsMax,
        TableMaxWriteCapacityUnits: tableCapacityUnitsMax,
      }),
    ],
    DescribeEndpoints: [
      DescribeEndpoints$,
      async (_input, { endpoint }) => ({
        Endpoints: [{ Address: endpoint.replace(/^https?:\/\//, ""), CachePeriodInMinutes: 1_440 }],
      }),
    ],
    DescribeKinesisStreamingDestination: [
      DescribeKinesisStreamingDestination$,
      async ({ TableName: reference }, context) => {
        const absent = (): Error => resourceNotFound();
        const { name } = await lookUp(deps, { reference, context, absent });
        return { TableName: name, KinesisDataStreamDestinations: [] };
      },
    ],
  };
}

/** Nothing can be restored; what is set is told back, so that tools see what they asked for. */
function describeBackups(table: TableRecord, nowMs: number): ContinuousBackupsDescription {
  const { recovery } = table;
  return {
    ContinuousBackupsStatus: "ENABLED",
    PointInTimeRecoveryDescription: recovery
      ? {
          PointInTimeRecoveryStatus: "ENABLED",
          RecoveryPeriodInDays: recovery.days,
          EarliestRestorableDateTime: new Date(recovery.sinceMs),
          LatestRestorableDateTime: new Date(nowMs),
        }
      : { PointInTimeRecoveryStatus: "DISABLED" },
  };
}

function insightsOperations(
  deps: OperationDeps,
): Pick<
  OperationTable<DynamoDb>,
  "DescribeContributorInsights" | "UpdateContributorInsights" | "ListContributorInsights"
> {
  return {
    DescribeContributorInsights: [
      DescribeContributorInsights$,
      async ({ TableName: reference, IndexName: index }, context) => {
        const absent = (): Error => resourceNotFound();
        const table = await lookUp(deps, { reference, context, absent });
        checkIndex(table, index);
        const insights = table.insights?.[index ?? ""];
        return {
          TableName: table.name,
          ...(index !== undefined && { IndexName: index }),
          ContributorInsightsStatus: insights?.status ?? "DISABLED",
          ContributorInsightsRuleList: [],
          ...(insights && { LastUpdateDateTime: new Date(insights.updatedMs) }),
          ...(insights?.mode && { ContributorInsightsMode: insights.mode }),
        };
      },
    ],
    UpdateContributorInsights: [
      UpdateContributorInsights$,
      async (input, context) => {
        const { TableName: reference, IndexName: index, ContributorInsightsMode: mode } = input;
        const isEnabled = input.ContributorInsightsAction === "ENABLE";
        const updatedMs = deps.clock.nowMs();
        const absent = (): Error => resourceNotFound();
        const changed = await changeRecord(deps, { reference, context, absent }, (table) => {
          checkIndex(table, index);
          const status = isEnabled ? ("ENABLED" as const) : ("DISABLED" as const);
          const insights = { status, updatedMs, ...(mode && { mode }) };
          return { ...table, insights: { ...table.insights, [index ?? ""]: insights } };
        });
        return {
          TableName: changed.name,
          ...(index !== undefined && { IndexName: index }),
          ContributorInsightsStatus: isEnabled ? "ENABLING" : "DISABLING",
          ...(mode && { ContributorInsightsMode: mode }),
        };
      },
    ],
    ListContributorInsights: [
      ListContributorInsights$,
      async ({ TableName: reference }, context) => {
        if (reference === undefined) {
          throw validation("ListContributorInsights without TableName is not supported by Skerry.");
        }
        const absent = (): Error => resourceNotFound();
        const { name, insights = {} } = await lookUp(deps, { reference, context, absent });
        return {
          ContributorInsightsSummaries: Object.entries(insights).map(
            ([index, { status, mode }]) => ({
              TableName: name,
              ...(index !== "" && { IndexName: index }),
              ContributorInsightsStatus: status,
              ...(mode && { ContributorInsightsMode: mode }),
            }),
          ),
        };
      },
    ],
  };
}

function checkIndex(table: TableRecord, name: string | undefined): void {
  if (name === undefined || table.indexes.some((index) => index.name === name)) return;
  throw resourceNotFound(`Requested resource not found: Index: ${name} not found`);
}
