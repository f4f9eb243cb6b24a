import { parseArn } from "#base/arn.ts";
import type { EventSource } from "#events/events.ts";
import { compileFilterCriteria, PatternError } from "#events/patterns/patterns.ts";
import type { Input } from "../dependencies.ts";
import { invalid, unsupported } from "../errors.ts";
import { mappingFiltersMax } from "../limits.ts";
import type { StoredSettings, StoredStreamSettings } from "./mapping-record.ts";

type CreateInput = Input<"CreateEventSourceMapping">;
type UpdateInput = Input<"UpdateEventSourceMapping">;
/** What both name; what only one of them has is optional here. */
type Members = Omit<UpdateInput, "UUID" | "FunctionName" | "Enabled"> &
  Pick<CreateInput, "StartingPosition" | "StartingPositionTimestamp">;

/** Sources that other services host; Lambda's own names for what we do not. */
const unhosted: Readonly<Record<string, string>> = {
  kinesis: "Kinesis streams",
  kafka: "Amazon MSK clusters",
  mq: "Amazon MQ brokers",
  rds: "DocumentDB clusters",
};

/** Refuses what no source of ours has, by the member's name. */
export function refuseForeignSources(
  input: CreateInput | UpdateInput,
  sourceArn: string | undefined,
): void {
  const selfManaged = "SelfManagedEventSource" in input ? input.SelfManagedEventSource : undefined;
  if (selfManaged !== undefined)
    throw unsupported("SelfManagedEventSource", "Kafka clusters are not hosted");
  const service = parseArn(sourceArn ?? "")?.service ?? "";
  const what = unhosted[service];
  if (what !== undefined) throw unsupported("EventSourceArn", `${what} are not hosted`);
  const foreign = {
    Topics: "Topics" in input ? input.Topics : undefined,
    Queues: "Queues" in input ? input.Queues : undefined,
    AmazonManagedKafkaEventSourceConfig: input.AmazonManagedKafkaEventSourceConfig,
    SelfManagedKafkaEventSourceConfig: input.SelfManagedKafkaEventSourceConfig,
    DocumentDBEventSourceConfig: input.DocumentDBEventSourceConfig,
    ProvisionedPollerConfig: input.ProvisionedPollerConfig,
    KMSKeyArn: input.KMSKeyArn,
    MetricsConfig: input.MetricsConfig,
    LoggingConfig: input.LoggingConfig,
  };
  for (const [name, value] of Object.entries(foreign))
    if (value !== undefined && (!Array.isArray(value) || value.length > 0))
      throw unsupported(name, "only queues and table streams are polled");
  if ((input.SourceAccessConfigurations ?? []).length > 0)
    throw unsupported("SourceAccessConfigurations", "only queues and table streams are polled");
}

/**
 * Settings with the service's defaults, or those of `before` for what is not named. Rules of each kind:
 * https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html (seen 2026-11).
 */
export function settingsFrom(
  input: Members,
  source: EventSource,
  before: StoredSettings | undefined,
): StoredSettings {
  const isQueue = source.kind === "queue";
  const filters = input.FilterCriteria
    ? (input.FilterCriteria.Filters ?? []).map((filter) => filter.Pattern ?? "")
    : (before?.filters ?? []);
  if (filters.length > mappingFiltersMax)
    throw invalid(`Filter criteria are limited to ${mappingFiltersMax} filters.`);
  checkFilters(filters);
  const common = {
    batchSize: input.BatchSize ?? before?.batchSize ?? (isQueue ? 10 : 100),
    windowSeconds: input.MaximumBatchingWindowInSeconds ?? before?.windowSeconds ?? 0,
    reportsItemFailures: input.FunctionResponseTypes
      ? input.FunctionResponseTypes.includes("ReportBatchItemFailures")
      : (before?.reportsItemFailures ?? false),
    filters,
  };
  return isQueue
    ? { ...common, ...queueSettings(input, common, { isFifo: source.isFifo, before }) }
    : { ...common, stream: streamSettings(input, before?.stream) };
}

function checkFilters(filters: readonly string[]): void {
  try {
    compileFilterCriteria(filters);
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    throw invalid(`Invalid filter pattern definition. ${error.message}`);
  }
}

function queueSettings(
  input: Members,
  common: Pick<StoredSettings, "batchSize" | "windowSeconds">,
  about: { readonly isFifo: boolean; readonly before: StoredSettings | undefined },
): Pick<StoredSettings, "maximumConcurrency"> {
  const ofStreams = {
    StartingPosition: input.StartingPosition,
    StartingPositionTimestamp: input.StartingPositionTimestamp,
    ParallelizationFactor: input.ParallelizationFactor,
    BisectBatchOnFunctionError: input.BisectBatchOnFunctionError,
    MaximumRetryAttempts: input.MaximumRetryAttempts,
    MaximumRecordAgeInSeconds: input.MaximumRecordAgeInSeconds,
    TumblingWindowInSeconds: input.TumblingWindowInSeconds,
    "DestinationConfig.OnFailure": input.DestinationConfig?.OnFailure?.Destination,
  };
  for (const [name, value] of Object.entries(ofStreams))
    if (value !== undefined) throw invalid(`${name} is not valid for SQS event sources.`);
  const { batchSize, windowSeconds } = common;
  if (about.isFifo && windowSeconds > 0)
    throw invalid("Batching window is not supported for FIFO queues.");
  if (about.isFifo && batchSize > 10)
    throw invalid("Batch size must be less than or equal to 10 for FIFO queues.");
  if (batchSize > 10 && windowSeconds < 1)
    throw invalid(
      "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10",
    );
  return {
    maximumConcurrency: input.ScalingConfig
      ? input.ScalingConfig.MaximumConcurrency
      : about.before?.maximumConcurrency,
  };
}

function streamSettings(
  input: Members,
  before: StoredStreamSettings | undefined,
): StoredStreamSettings {
  if (input.ScalingConfig?.MaximumConcurrency !== undefined)
    throw invalid("ScalingConfig is not valid for DynamoDB event sources.");
  const position = input.StartingPosition ?? before?.startingPosition;
  if (position === undefined)
    throw invalid(
      "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null.",
    );
  if (position === "AT_TIMESTAMP" || input.StartingPositionTimestamp !== undefined)
    throw invalid(
      "Unsupported starting position for arn type: AT_TIMESTAMP is for Kinesis streams.",
    );
  const age = input.MaximumRecordAgeInSeconds ?? before?.maximumRecordAgeSeconds ?? -1;
  if (age !== -1 && age < 60)
    throw invalid("Maximum record age in seconds must be -1 (infinite) or between 60 and 604800.");
  if (input.DestinationConfig?.OnSuccess?.Destination !== undefined)
    throw invalid("OnSuccess destinations are not supported for event source mappings.");
  const tumbling = input.TumblingWindowInSeconds ?? before?.tumblingWindowSeconds ?? 0;
  const factor = input.ParallelizationFactor ?? before?.parallelizationFactor ?? 1;
  if (tumbling > 0 && factor > 1)
    throw unsupported("ParallelizationFactor", "a tumbling window's state is one per shard");
  return {
    startingPosition: position,
    parallelizationFactor: factor,
    bisects: input.BisectBatchOnFunctionError ?? before?.bisects ?? false,
    maximumRetryAttempts: input.MaximumRetryAttempts ?? before?.maximumRetryAttempts ?? -1,
    maximumRecordAgeSeconds: age,
    onFailureArn: input.DestinationConfig
      ? input.DestinationConfig.OnFailure?.Destination || undefined
      : before?.onFailureArn,
    tumblingWindowSeconds: tumbling,
  };
}
