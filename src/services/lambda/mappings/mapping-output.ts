import type { EventSourceMappingConfiguration } from "@aws-sdk/client-lambda";
import { functionArn } from "../reference.ts";
import type { MappingRecord } from "./mapping-record.ts";

/** A mapping as the API shows it; which members there are depends on the kind of source. */
export function mappingOutput(
  record: MappingRecord,
  lastResult: string | undefined,
): EventSourceMappingConfiguration {
  const { settings } = record;
  const { stream, maximumConcurrency, filters } = settings;
  return {
    UUID: record.uuid,
    BatchSize: settings.batchSize,
    MaximumBatchingWindowInSeconds: settings.windowSeconds,
    EventSourceArn: record.sourceArn,
    FunctionArn: mappedFunctionArn(record),
    LastModified: new Date(record.modifiedMs),
    State: record.state,
    StateTransitionReason: stream ? "User action" : "USER_INITIATED",
    FunctionResponseTypes: settings.reportsItemFailures ? ["ReportBatchItemFailures"] : [],
    EventSourceMappingArn: mappingArn(record),
    ...(filters.length > 0 && {
      FilterCriteria: { Filters: filters.map((Pattern) => ({ Pattern })) },
    }),
    ...(maximumConcurrency !== undefined && {
      ScalingConfig: { MaximumConcurrency: maximumConcurrency },
    }),
    ...(stream && {
      StartingPosition: stream.startingPosition,
      ParallelizationFactor: stream.parallelizationFactor,
      LastProcessingResult: lastResult ?? "No records processed",
      DestinationConfig: {
        OnFailure: stream.onFailureArn === undefined ? {} : { Destination: stream.onFailureArn },
      },
      MaximumRecordAgeInSeconds: stream.maximumRecordAgeSeconds,
      BisectBatchOnFunctionError: stream.bisects,
      MaximumRetryAttempts: stream.maximumRetryAttempts,
      TumblingWindowInSeconds: stream.tumblingWindowSeconds,
    }),
  };
}

/** The function's ARN, with the qualifier the mapping was made for. */
export function mappedFunctionArn(record: MappingRecord): string {
  const { accountId, region, functionName: name, qualifier } = record;
  return functionArn({ accountId, region, name, qualifier });
}

function mappingArn(record: Pick<MappingRecord, "accountId" | "region" | "uuid">): string {
  return `arn:aws:lambda:${record.region}:${record.accountId}:event-source-mapping:${record.uuid}`;
}
