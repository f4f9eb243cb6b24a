import { createHash } from "node:crypto";
import type { Alias, Revision } from "#functions/registry/registry.ts";
import type { Output } from "./dependencies.ts";

type Configuration = Output<"GetFunctionConfiguration">;

/** `2024-01-31T12:00:00.000+0000`, the service's own form of a time in text. */
export function timeText(epochMs: number): string {
  return new Date(epochMs).toISOString().replace("Z", "+0000");
}

/** The service writes hashes as base64, the store as hexadecimal. */
export function base64OfHex(sha256: string): string {
  return Buffer.from(sha256, "hex").toString("base64");
}

/** A revision as the API shows it; `arnQualifier` ends its ARN when the caller named one. */
export function configurationOf(
  revision: Revision,
  arnQualifier: string | undefined,
): Configuration {
  const { state, logging } = revision;
  return {
    ...listedConfigurationOf(revision, arnQualifier),
    State: state.state,
    ...(state.reason === undefined ? {} : { StateReason: state.reason }),
    ...(state.reasonCode === undefined ? {} : { StateReasonCode: reasonCode(state.reasonCode) }),
    LastUpdateStatus: state.lastUpdate,
    ...(state.lastUpdateReason === undefined
      ? {}
      : { LastUpdateStatusReason: state.lastUpdateReason }),
    ...(state.lastUpdateReasonCode === undefined
      ? {}
      : { LastUpdateStatusReasonCode: reasonCode(state.lastUpdateReasonCode) }),
    RuntimeVersionConfig: {
      RuntimeVersionArn: runtimeVersionArn(revision.region, revision.runtime),
    },
    LoggingConfig: {
      LogFormat: logging.format,
      LogGroup: logging.group,
      ...(logging.applicationLevel === undefined
        ? {}
        : { ApplicationLogLevel: logging.applicationLevel as "INFO" }), // checked against the model's choices on the way in
      ...(logging.systemLevel === undefined
        ? {}
        : { SystemLogLevel: logging.systemLevel as "INFO" }), // likewise
    },
  };
}

/** Listings leave states and runtime versions out. */
export function listedConfigurationOf(
  revision: Revision,
  arnQualifier: string | undefined,
): Configuration {
  return {
    FunctionName: revision.name,
    FunctionArn: qualifiedArn(revision.functionArn, arnQualifier),
    Runtime: revision.runtime as "nodejs24.x", // hosted runtimes go beyond the SDK's list
    Role: revision.roleArn,
    Handler: revision.handler,
    CodeSize: revision.codeByteCount,
    Description: revision.description,
    Timeout: revision.timeoutMs / 1000,
    MemorySize: revision.memoryMiB,
    LastModified: timeText(revision.lastModifiedMs),
    CodeSha256: base64OfHex(revision.codeSha256),
    Version: revision.version,
    ...(revision.deadLetterArn === undefined
      ? {}
      : { DeadLetterConfig: { TargetArn: revision.deadLetterArn } }),
    ...(Object.keys(revision.environment).length === 0
      ? {}
      : { Environment: { Variables: { ...revision.environment } } }),
    TracingConfig: { Mode: revision.tracingMode },
    RevisionId: revision.revisionId,
    ...(revision.layers.length === 0
      ? {}
      : {
          Layers: revision.layers.map(({ arn, codeByteCount }) => ({
            Arn: arn,
            CodeSize: codeByteCount,
          })),
        }),
    PackageType: "Zip",
    Architectures: [revision.architecture],
    EphemeralStorage: { Size: revision.scratchMiB },
    ...(revision.capacity && {
      CapacityProviderConfig: {
        LambdaManagedInstancesCapacityProviderConfig: {
          CapacityProviderArn: revision.capacity.providerArn,
          PerExecutionEnvironmentMaxConcurrency: revision.capacity.concurrency,
        },
      },
    }),
    SnapStart: { ApplyOn: "None", OptimizationStatus: "Off" },
    LoggingConfig: { LogFormat: revision.logging.format, LogGroup: revision.logging.group },
  };
}

/** Identifies the runtime as hosted here: one version per name. */
export function runtimeVersionArn(region: string, runtime: string): string {
  const hash = createHash("sha256").update(`skerry runtime ${runtime}`).digest("hex");
  return `arn:aws:lambda:${region}::runtime:${hash}`;
}

export function aliasOf(functionArn: string, alias: Alias): Output<"GetAlias"> {
  return {
    AliasArn: qualifiedArn(functionArn, alias.name),
    Name: alias.name,
    FunctionVersion: alias.version,
    Description: alias.description,
    ...(Object.keys(alias.weights).length === 0
      ? {}
      : { RoutingConfig: { AdditionalVersionWeights: { ...alias.weights } } }),
    RevisionId: alias.revisionId,
  };
}

function qualifiedArn(arn: string, qualifier: string | undefined): string {
  return qualifier === undefined ? arn : `${arn}:${qualifier}`;
}

function reasonCode(code: string): "InternalError" {
  return code as "InternalError"; // codes are only written by preparation.ts, from the model's list
}
