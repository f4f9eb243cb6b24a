import { DescribeTimeToLive$, UpdateTimeToLive$ } from "@aws-sdk/client-dynamodb";
import type { OperationTable } from "#protocol/service/service.ts";
import type { DynamoDb, OperationDeps } from "../deps.ts";
import { tableNotFound } from "../errors.ts";
import { changeRecord, lookUp } from "../tables/change.ts";
import { type TableRecord } from "../tables/records.ts";
import { validation } from "../values/values.ts";

/**
 * Time to live counts from the answer on; the service takes up to an hour. Items that were there before are listed
 * for it behind the answer.
 */
export function timeToLiveOperations(
  deps: OperationDeps,
): Pick<OperationTable<DynamoDb>, "UpdateTimeToLive" | "DescribeTimeToLive"> {
  return {
    UpdateTimeToLive: [
      UpdateTimeToLive$,
      async (input, context) => {
        const { TableName: reference, TimeToLiveSpecification: asked } = input;
        const { AttributeName: attribute = "", Enabled: isEnabled = false } = asked;
        await changeRecord(
          deps,
          { reference, context, absent: () => tableNotFound(reference) },
          (table) => (isEnabled ? enabled(table, attribute) : disabled(table, attribute)),
        );
        deps.sweeper.wake();
        return { TimeToLiveSpecification: { AttributeName: attribute, Enabled: isEnabled } };
      },
    ],
    DescribeTimeToLive: [
      DescribeTimeToLive$,
      async ({ TableName: reference }, context) => {
        const absent = (): Error => tableNotFound(reference);
        const { timeToLive } = await lookUp(deps, { reference, context, absent });
        return {
          TimeToLiveDescription: timeToLive
            ? { TimeToLiveStatus: "ENABLED", AttributeName: timeToLive.attribute }
            : { TimeToLiveStatus: "DISABLED" },
        };
      },
    ],
  };
}

function enabled(table: TableRecord, attribute: string): TableRecord {
  if (table.timeToLive) throw validation("TimeToLive is already enabled");
  return {
    ...table,
    layout: table.layout + 1,
    timeToLive: { attribute },
    jobs: [...(table.jobs ?? []), { kind: "expiry" }],
  };
}

function disabled(table: TableRecord, attribute: string): TableRecord {
  const { timeToLive, ...rest } = table;
  if (!timeToLive) throw validation("TimeToLive is already disabled");
  if (timeToLive.attribute !== attribute) {
    throw validation(
      `TimeToLive is active on a different AttributeName: current AttributeName is ${timeToLive.attribute}`,
    );
  }
  const jobs = (table.jobs ?? []).filter(({ kind }) => kind !== "expiry");
  return { ...rest, jobs, layout: table.layout + 1 };
}
