import type {
  Constraint as ModelConstraint,
  ConstraintWording,
} from "#protocol/constraints/constraints.ts";
import { ValidationError } from "#protocol/wire/wire.ts";

/** What a constraint is of decides what breaks it, which the tests make from this table. */
export interface Constraint extends ModelConstraint {
  readonly kind: "text" | "number" | "list" | "map";
  readonly items?: Constraint;
  readonly names?: Constraint;
}

type Constraints = Readonly<Record<string, Constraint>>;

const text = (min: number | undefined, max: number | undefined, pattern?: string): Constraint => ({
  kind: "text",
  ...(min === undefined ? {} : { min }),
  ...(max === undefined ? {} : { max }),
  ...(pattern === undefined ? {} : { pattern }),
});
const oneOf = (...values: string[]): Constraint => ({ kind: "text", values });
const number = (min: number, max?: number): Constraint => ({
  kind: "number",
  min,
  ...(max === undefined ? {} : { max }),
});

const regionPattern = String.raw`[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}`;
const namePrefix = String.raw`(arn:(aws[a-zA-Z-]*)?:lambda:)?(${regionPattern}:)?(\d{12}:)?(function:)?`;
const plainName = text(
  1,
  140,
  String.raw`${namePrefix}([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?`,
);
const qualifiedName = text(
  1,
  256,
  String.raw`${namePrefix}([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?`,
);
const wholeName = text(1, 140, String.raw`${namePrefix}([a-zA-Z0-9-_]+)`);
const qualifier = text(1, 128, String.raw`\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+`);
const urlQualifier = text(1, 128, String.raw`((?!^\d+$)^[0-9a-zA-Z-_]+$)`);
const aliasName = text(1, 128, "(?!^[0-9]+$)([a-zA-Z0-9-_]+)");
const versionName = text(1, 1024, String.raw`(\$LATEST(\.PUBLISHED)?|[0-9]+)`);
const description = text(0, 256);
const arnOrEmpty = text(undefined, undefined, String.raw`(arn:(aws[a-zA-Z-]*)?:[a-z0-9-.]+:.*)|()`);
const statementId = text(1, 100, "([a-zA-Z0-9-_]+)");
const layerName = text(
  1,
  140,
  String.raw`(arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\d{12}:layer:[a-zA-Z0-9-_]+)|[a-zA-Z0-9-_]+`,
);
const layerVersionArn = text(
  1,
  140,
  String.raw`arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+`,
);
const architecture = oneOf("x86_64", "arm64");
const taggable = text(
  1,
  256,
  String.raw`arn:(aws[a-zA-Z-]*):lambda:${regionPattern}:\d{12}:(function:[a-zA-Z0-9-_]+(:(\$LATEST|[a-zA-Z0-9-_]+))?|code-signing-config:csc-[a-z0-9]{17}|event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|capacity-provider:[a-zA-Z0-9-_]+)`,
);
const authType = oneOf("NONE", "AWS_IAM");
const page: Constraints = { MaxItems: number(1, 10_000) };
const shortPage: Constraints = { MaxItems: number(1, 50) };

const objectLocation = (prefix: string): Constraints => ({
  [`${prefix}S3Bucket`]: text(3, 63, String.raw`[0-9A-Za-z\.\-_]*(?<!\.)`),
  [`${prefix}S3Key`]: text(1, 1024),
  [`${prefix}S3ObjectVersion`]: text(1, 1024),
});

const instances = "CapacityProviderConfig.LambdaManagedInstancesCapacityProviderConfig";

const configuration: Constraints = {
  Role: text(
    undefined,
    undefined,
    String.raw`arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+`,
  ),
  Handler: text(0, 128, String.raw`[^\s]+`),
  Description: description,
  Timeout: number(1, 900),
  MemorySize: number(128, 32_768),
  "VpcConfig.SubnetIds": { kind: "list", min: 0, max: 16 },
  "VpcConfig.SecurityGroupIds": { kind: "list", min: 0, max: 5 },
  "DeadLetterConfig.TargetArn": arnOrEmpty,
  "Environment.Variables": {
    kind: "map",
    names: text(undefined, undefined, "[a-zA-Z]([a-zA-Z0-9_])+"),
    sensitive: true,
  },
  KMSKeyArn: arnOrEmpty,
  "TracingConfig.Mode": oneOf("Active", "PassThrough"),
  Layers: { kind: "list", items: layerVersionArn },
  FileSystemConfigs: { kind: "list", min: 0, max: 1 },
  "ImageConfig.EntryPoint": { kind: "list", min: 0, max: 1_500 },
  "ImageConfig.Command": { kind: "list", min: 0, max: 1_500 },
  "ImageConfig.WorkingDirectory": text(0, 1_000),
  [`${instances}.CapacityProviderArn`]: text(
    1,
    140,
    String.raw`arn:aws[a-zA-Z-]*:lambda:${regionPattern}:\d{12}:capacity-provider:[a-zA-Z0-9-_]+`,
  ),
  [`${instances}.PerExecutionEnvironmentMaxConcurrency`]: number(1, 1_600),
  [`${instances}.ExecutionEnvironmentMemoryGiBPerVCpu`]: number(2, 8),
  "DurableConfig.RetentionPeriodInDays": number(1, 90),
  "DurableConfig.ExecutionTimeout": number(1, 31_622_400),
  "EphemeralStorage.Size": number(512, 10_240),
  "SnapStart.ApplyOn": oneOf("PublishedVersions", "None"),
  "LoggingConfig.LogFormat": oneOf("JSON", "Text"),
  "LoggingConfig.ApplicationLogLevel": oneOf("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"),
  "LoggingConfig.SystemLogLevel": oneOf("DEBUG", "INFO", "WARN"),
  "LoggingConfig.LogGroup": text(1, 512, String.raw`[\.\-_/#A-Za-z0-9]+`),
};

const architectures: Constraints = {
  Architectures: { kind: "list", min: 1, max: 1, items: architecture },
};

const routing: Constraints = {
  "RoutingConfig.AdditionalVersionWeights": {
    kind: "map",
    names: text(1, 1024, "[0-9]+"),
    items: number(0, 1),
  },
};

const headerNames: Constraint = { kind: "list", min: 0, max: 100, items: text(0, 1024, ".*") };
const urlSettings: Constraints = {
  FunctionName: plainName,
  Qualifier: urlQualifier,
  AuthType: authType,
  InvokeMode: oneOf("BUFFERED", "RESPONSE_STREAM"),
  "Cors.AllowHeaders": headerNames,
  "Cors.AllowMethods": { kind: "list", min: 0, max: 6, items: text(0, 6, ".*") },
  "Cors.AllowOrigins": { kind: "list", min: 0, max: 100, items: text(1, 253, ".*") },
  "Cors.ExposeHeaders": headerNames,
  "Cors.MaxAge": number(0, 86_400),
};

const destination = text(
  0,
  350,
  String.raw`$|kafka://([^.]([a-zA-Z0-9\-_.]{0,248}))|arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:(${regionPattern})?:(\d{12})?:(.*)`,
);
const eventInvoke: Constraints = {
  FunctionName: qualifiedName,
  Qualifier: qualifier,
  MaximumRetryAttempts: number(0, 2),
  MaximumEventAgeInSeconds: number(60, 21_600),
  "DestinationConfig.OnSuccess.Destination": destination,
  "DestinationConfig.OnFailure.Destination": destination,
};

const qualified: Constraints = { FunctionName: qualifiedName, Qualifier: qualifier };
const plain: Constraints = { FunctionName: plainName };
const whole: Constraints = { FunctionName: wholeName };
const urlTarget: Constraints = { FunctionName: plainName, Qualifier: urlQualifier };
const layer: Constraints = { LayerName: layerName };
const alias: Constraints = { FunctionName: plainName, Name: aliasName };
const invocation: Constraints = {
  ...qualified,
  LogType: oneOf("None", "Tail"),
  TenantId: text(1, 256, String.raw`[a-zA-Z0-9\._:\/=+\-@ ]+`),
};
const layerFilter: Constraints = { CompatibleArchitecture: architecture };

const sourceArn = text(
  undefined,
  undefined,
  String.raw`arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:([a-z]{2}(-gov)?-[a-z]+-\d{1})?:(\d{12})?:(.*)`,
);
const mappingSettings: Constraints = {
  FunctionName: plainName,
  BatchSize: number(1, 10_000),
  MaximumBatchingWindowInSeconds: number(0, 300),
  ParallelizationFactor: number(1, 10),
  "DestinationConfig.OnSuccess.Destination": destination,
  "DestinationConfig.OnFailure.Destination": destination,
  MaximumRecordAgeInSeconds: number(-1, 604_800),
  MaximumRetryAttempts: number(-1, 10_000),
  TumblingWindowInSeconds: number(0, 900),
  FunctionResponseTypes: { kind: "list", min: 0, max: 1, items: oneOf("ReportBatchItemFailures") },
  "ScalingConfig.MaximumConcurrency": number(2, 1_000),
};

/**
 * Ranges, lengths, patterns and choices of every member of every supported operation, as the
 * service's model states them (botocore `lambda/2015-03-31/service-2.json`, 2026-11). Runtime names
 * are told apart in `runtime-names.ts`; the upper bound of Timeout is a quota the model leaves out. An
 * operation that is supported and has no row has no constrained member.
 */
export const constraints: Readonly<Record<string, Constraints>> = {
  CreateFunction: {
    FunctionName: plainName,
    ...configuration,
    ...architectures,
    ...objectLocation("Code."),
    "Code.SourceKMSKeyArn": arnOrEmpty,
    CodeSigningConfigArn: text(
      0,
      200,
      String.raw`arn:(aws[a-zA-Z-]*)?:lambda:[a-z]{2}((-gov)|(-iso(b?)))?-[a-z]+-\d{1}:\d{12}:code-signing-config:csc-[a-z0-9]{17}`,
    ),
    "TenancyConfig.TenantIsolationMode": oneOf("PER_TENANT"),
    PackageType: oneOf("Zip", "Image"),
    PublishTo: oneOf("LATEST_PUBLISHED"),
  },
  GetFunction: qualified,
  GetFunctionConfiguration: qualified,
  UpdateFunctionCode: {
    FunctionName: plainName,
    ...architectures,
    ...objectLocation(""),
    SourceKMSKeyArn: arnOrEmpty,
    PublishTo: oneOf("LATEST_PUBLISHED"),
  },
  UpdateFunctionConfiguration: { FunctionName: plainName, ...configuration },
  DeleteFunction: qualified,
  ListFunctions: {
    MasterRegion: text(undefined, undefined, String.raw`ALL|[a-z]{2}(-gov)?-[a-z]+-\d{1}`),
    FunctionVersion: oneOf("ALL"),
    ...page,
  },
  PublishVersion: {
    FunctionName: plainName,
    Description: description,
    PublishTo: oneOf("LATEST_PUBLISHED"),
  },
  ListVersionsByFunction: { FunctionName: qualifiedName, ...page },
  CreateAlias: {
    ...alias,
    FunctionVersion: versionName,
    Description: description,
    ...routing,
  },
  GetAlias: alias,
  UpdateAlias: { ...alias, FunctionVersion: versionName, Description: description, ...routing },
  DeleteAlias: alias,
  ListAliases: { FunctionName: plainName, FunctionVersion: versionName, ...page },
  PublishLayerVersion: {
    ...layer,
    Description: description,
    ...objectLocation("Content."),
    CompatibleRuntimes: { kind: "list", min: 0, max: 15 },
    LicenseInfo: text(0, 512),
    CompatibleArchitectures: { kind: "list", min: 0, max: 2, items: architecture },
  },
  GetLayerVersion: layer,
  GetLayerVersionByArn: { Arn: layerVersionArn },
  ListLayers: { ...layerFilter, ...shortPage },
  ListLayerVersions: { ...layer, ...layerFilter, ...shortPage },
  DeleteLayerVersion: layer,
  AddLayerVersionPermission: {
    ...layer,
    StatementId: statementId,
    Action: text(0, 22, "lambda:GetLayerVersion"),
    Principal: text(
      undefined,
      undefined,
      String.raw`\d{12}|\*|arn:(aws[a-zA-Z-]*):iam::\d{12}:root`,
    ),
    OrganizationId: text(0, 34, "o-[a-z0-9]{10,32}"),
  },
  GetLayerVersionPolicy: layer,
  RemoveLayerVersionPermission: { ...layer, StatementId: statementId },
  CreateFunctionUrlConfig: urlSettings,
  UpdateFunctionUrlConfig: urlSettings,
  GetFunctionUrlConfig: urlTarget,
  DeleteFunctionUrlConfig: urlTarget,
  ListFunctionUrlConfigs: { ...plain, ...shortPage },
  AddPermission: {
    ...qualified,
    StatementId: statementId,
    Action: text(undefined, undefined, "(lambda:[*]|lambda:[a-zA-Z]+|[*])"),
    Principal: text(undefined, undefined, String.raw`[^\s]+`),
    SourceArn: text(
      undefined,
      undefined,
      String.raw`arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:([a-z]{2}(-gov)?-[a-z]+-\d{1})?:(\d{12})?:(.*)`,
    ),
    SourceAccount: text(0, 12, String.raw`\d{12}`),
    EventSourceToken: text(0, 256, String.raw`[a-zA-Z0-9._\-]+`),
    PrincipalOrgID: text(12, 34, "o-[a-z0-9]{10,32}"),
    FunctionUrlAuthType: authType,
  },
  RemovePermission: { ...qualified, StatementId: text(1, 100, "([a-zA-Z0-9-_.]+)") },
  GetPolicy: qualified,
  CreateEventSourceMapping: {
    ...mappingSettings,
    EventSourceArn: sourceArn,
    StartingPosition: oneOf("TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"),
  },
  UpdateEventSourceMapping: mappingSettings,
  ListEventSourceMappings: { FunctionName: plainName, EventSourceArn: sourceArn, ...page },
  PutFunctionEventInvokeConfig: eventInvoke,
  UpdateFunctionEventInvokeConfig: eventInvoke,
  GetFunctionEventInvokeConfig: qualified,
  DeleteFunctionEventInvokeConfig: qualified,
  ListFunctionEventInvokeConfigs: { FunctionName: qualifiedName, ...shortPage },
  PutFunctionConcurrency: { ...plain, ReservedConcurrentExecutions: number(0) },
  GetFunctionConcurrency: plain,
  PutProvisionedConcurrencyConfig: { ...qualified, ProvisionedConcurrentExecutions: number(1) },
  GetProvisionedConcurrencyConfig: qualified,
  DeleteProvisionedConcurrencyConfig: qualified,
  ListProvisionedConcurrencyConfigs: { FunctionName: qualifiedName, ...shortPage },
  DeleteFunctionConcurrency: plain,
  TagResource: { Resource: taggable },
  UntagResource: { Resource: taggable },
  ListTags: { Resource: taggable },
  PutRuntimeManagementConfig: {
    ...qualified,
    UpdateRuntimeOn: oneOf("Auto", "Manual", "FunctionUpdate"),
    RuntimeVersionArn: text(
      26,
      2048,
      String.raw`arn:(aws[a-zA-Z-]*):lambda:[a-z]{2}((-gov)|(-iso(b?)))?-[a-z]+-\d{1}::runtime:.+`,
    ),
  },
  GetRuntimeManagementConfig: qualified,
  PutFunctionRecursionConfig: { ...whole, RecursiveLoop: oneOf("Allow", "Terminate") },
  GetFunctionRecursionConfig: whole,
  GetFunctionCodeSigningConfig: { FunctionName: qualifiedName },
  Invoke: {
    ...invocation,
    InvocationType: oneOf("Event", "RequestResponse", "DryRun"),
    DurableExecutionName: text(1, 64, "[a-zA-Z0-9-_]+"),
  },
  InvokeWithResponseStream: { ...invocation, InvocationType: oneOf("RequestResponse", "DryRun") },
  InvokeAsync: { FunctionName: qualifiedName },
};

/** How Lambda refuses what breaks them. */
export const wording: ConstraintWording = {
  error: (message) => new ValidationError([], message),
  reports: "each-member",
  shown: { structures: "pairs" },
};
