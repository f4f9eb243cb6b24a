import type { Revision } from "#functions/registry/registry.ts";
import { parseArn } from "#base/arn.ts";
import { capacityFrom, checkLogFormat } from "./capacity.ts";
import type { Input, LambdaScope } from "./dependencies.ts";
import { invalid, unsupported } from "./errors.ts";
import {
  environmentBytesMax,
  memoryMiBDefault,
  memoryMiBMax,
  scratchMiBDefault,
  timeoutSecondsDefault,
} from "./limits.ts";

/** What CreateFunction and UpdateFunctionConfiguration set; the rest of a revision has other sources. */
export type Settings = Pick<
  Revision,
  | "description"
  | "runtime"
  | "handler"
  | "roleArn"
  | "memoryMiB"
  | "timeoutMs"
  | "scratchMiB"
  | "environment"
  | "deadLetterArn"
  | "tracingMode"
  | "logging"
  | "capacity"
>;

type Both = Omit<Input<"CreateFunction">, "FunctionName" | "Code"> &
  Input<"UpdateFunctionConfiguration">;
type Members = { readonly [Name in keyof Both]?: Both[Name] | undefined };

/** Defaults of https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html (seen 2026-11). */
export function defaultSettings(functionName: string): Settings {
  return {
    description: "",
    runtime: "",
    handler: "",
    roleArn: "",
    memoryMiB: memoryMiBDefault,
    timeoutMs: timeoutSecondsDefault * 1000,
    scratchMiB: scratchMiBDefault,
    environment: {},
    deadLetterArn: undefined,
    tracingMode: "PassThrough",
    logging: {
      format: "Text",
      applicationLevel: undefined,
      systemLevel: undefined,
      group: `/aws/lambda/${functionName}`,
    },
  };
}

/** `base` with what the caller named; refuses what cannot be honoured. */
export function withSettings(
  base: Settings,
  input: Members,
  runtimes: LambdaScope["runtimes"],
): Settings {
  refuseUnsupported(input);
  if (input.MemorySize !== undefined && input.MemorySize > memoryMiBMax) {
    throw invalid(
      `'MemorySize' value failed to satisfy constraint: Member must have value less than or equal to ${memoryMiBMax}`,
    );
  }
  const variables = input.Environment?.Variables;
  if (variables) checkEnvironment(variables);
  const target = input.DeadLetterConfig?.TargetArn;
  if (target) checkDeadLetter(target);
  const runtime = input.Runtime ?? base.runtime;
  const memoryMiB = input.MemorySize ?? base.memoryMiB;
  const capacity = capacityFrom(base.capacity, input.CapacityProviderConfig, {
    runtime,
    memoryMiB,
    concurrencyPerCpu: runtimes.get(runtime)?.concurrencyPerCpu,
  });
  return {
    ...(capacity && { capacity }),
    description: input.Description ?? base.description,
    runtime,
    handler: input.Handler ?? base.handler,
    roleArn: input.Role ?? base.roleArn,
    memoryMiB,
    timeoutMs: input.Timeout === undefined ? base.timeoutMs : input.Timeout * 1000,
    scratchMiB: input.EphemeralStorage?.Size ?? base.scratchMiB,
    environment: input.Environment ? (variables ?? {}) : base.environment,
    deadLetterArn: input.DeadLetterConfig ? target || undefined : base.deadLetterArn,
    tracingMode: input.TracingConfig?.Mode ?? base.tracingMode,
    logging: loggingFrom(
      base.logging,
      capacity ? jsonOnly(input.LoggingConfig) : input.LoggingConfig,
    ),
  };
}

function jsonOnly(input: Members["LoggingConfig"]): Members["LoggingConfig"] {
  checkLogFormat(input?.LogFormat);
  return { ...input, LogFormat: "JSON" };
}

/** Log levels exist with JSON only, and are INFO unless named. */
function loggingFrom(
  base: Settings["logging"],
  input: Members["LoggingConfig"],
): Settings["logging"] {
  if (!input) return base;
  const format = input.LogFormat ?? base.format;
  const { ApplicationLogLevel: application, SystemLogLevel: system } = input;
  const group = input.LogGroup ?? base.group;
  if (format === "Text") {
    if (application !== undefined || system !== undefined) {
      throw invalid(
        "Log Level is not supported when LogFormat is set to Text. Remove Log Level from your " +
          "request or change the LogFormat to JSON and try again.",
      );
    }
    return { format, applicationLevel: undefined, systemLevel: undefined, group };
  }
  return {
    format,
    applicationLevel: application ?? base.applicationLevel ?? "INFO",
    systemLevel: system ?? base.systemLevel ?? "INFO",
    group,
  };
}

/**
 * Variables the service sets itself and lets nobody change.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html (seen 2026-11)
 */
const reservedVariables = new Set([
  "_HANDLER",
  "_X_AMZN_TRACE_ID",
  "AWS_ACCESS_KEY",
  "AWS_ACCESS_KEY_ID",
  "AWS_DEFAULT_REGION",
  "AWS_EXECUTION_ENV",
  "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
  "AWS_LAMBDA_FUNCTION_NAME",
  "AWS_LAMBDA_FUNCTION_VERSION",
  "AWS_LAMBDA_INITIALIZATION_TYPE",
  "AWS_LAMBDA_LOG_GROUP_NAME",
  "AWS_LAMBDA_LOG_STREAM_NAME",
  "AWS_LAMBDA_MAX_CONCURRENCY",
  "AWS_LAMBDA_METADATA_API",
  "AWS_LAMBDA_METADATA_TOKEN",
  "AWS_LAMBDA_RUNTIME_API",
  "AWS_REGION",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_SESSION_TOKEN",
  "LAMBDA_RUNTIME_DIR",
  "LAMBDA_TASK_ROOT",
]);

function checkEnvironment(variables: Readonly<Record<string, string>>): void {
  const problem =
    "Lambda was unable to configure your environment variables because the environment variables you have provided";
  const reserved = Object.keys(variables).filter((name) => reservedVariables.has(name));
  if (reserved.length > 0) {
    throw invalid(
      `${problem} contains reserved keys that are currently not supported for modification. ` +
        `Reserved keys used in this request: ${reserved.join(", ")}`,
    );
  }
  const measured = JSON.stringify(variables);
  if (Buffer.byteLength(measured) > environmentBytesMax) {
    throw invalid(`${problem} exceeded the 4KB limit. String measured: ${measured}`);
  }
}

/** Queues and topics only: https://docs.aws.amazon.com/lambda/latest/api/API_DeadLetterConfig.html */
function checkDeadLetter(targetArn: string): void {
  const service = parseArn(targetArn)?.service;
  if (service !== "sqs" && service !== "sns") {
    throw invalid(
      `The provided target ARN is not an Amazon SQS queue or Amazon SNS topic: ${targetArn}`,
    );
  }
}

/** Neutral values (what tools send when nothing is wanted) pass; a wish we cannot grant does not. */
function refuseUnsupported(input: Members): void {
  const refuse = (isWished: boolean, member: string, why: string): void => {
    if (isWished) throw unsupported(member, why);
  };
  const { VpcConfig: vpc, ImageConfig: image } = input;
  const inVpc = (vpc?.SubnetIds?.length ?? 0) + (vpc?.SecurityGroupIds?.length ?? 0) > 0;
  refuse(inVpc, "VpcConfig", "functions have no private networks here");
  refuse((input.FileSystemConfigs?.length ?? 0) > 0, "FileSystemConfigs", "no shared file systems");
  const imageMembers = [image?.EntryPoint?.length, image?.Command?.length, image?.WorkingDirectory];
  refuse(imageMembers.some(Boolean), "ImageConfig", "container images are not hosted");
  refuse(input.PackageType === "Image", "PackageType Image", "container images are not hosted");
  refuse(input.SnapStart?.ApplyOn === "PublishedVersions", "SnapStart", "there are no snapshots");
  refuse(
    Boolean(input.KMSKeyArn),
    "KMSKeyArn",
    "keys are not hosted; settings are stored as they are",
  );
  refuse(Boolean(input.CodeSigningConfigArn), "CodeSigningConfigArn", "code is not signed");
  refuse(input.PublishTo !== undefined, "PublishTo", "every version can be invoked as it is");
  refuse(input.DurableConfig !== undefined, "DurableConfig", "no durable executions");
  refuse(input.TenancyConfig !== undefined, "TenancyConfig", "no tenant isolation mode");
}
