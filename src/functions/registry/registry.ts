import type { RequestContext } from "#base/context.ts";

/**
 * Functions, revisions, versions, aliases, layers and code packages: what is deployed, not what
 * runs. The Lambda API and later dialects are views onto this.
 */

/** Everything that makes one deployable state of a function. Published versions are immutable copies. */
export interface Revision {
  readonly revisionId: string;
  /** Unqualified: `arn:aws:lambda:<region>:<account>:function:<name>`. */
  readonly functionArn: string;
  readonly accountId: string;
  readonly region: string;
  readonly name: string;
  /** `$LATEST`, `1`, `2`, … */
  readonly version: string;
  readonly description: string;
  /** `nodejs24.x`, `python3.13`, `provided.al2023`. */
  readonly runtime: string;
  readonly handler: string;
  readonly roleArn: string;
  /** Address of the zip in the blob store, lower-case hexadecimal SHA-256. */
  readonly codeSha256: string;
  readonly codeByteCount: number;
  /** 128 … 10,240 */
  readonly memoryMiB: number;
  /** 1,000 … 900,000 */
  readonly timeoutMs: number;
  /** 512 … 10,240 */
  readonly scratchMiB: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly layers: readonly LayerReference[];
  readonly architecture: "x86_64" | "arm64";
  readonly deadLetterArn: string | undefined;
  readonly tracingMode: "PassThrough" | "Active";
  readonly logging: LoggingConfig;
  /** `platform` reaches only Skerry itself; `internet` goes through the egress proxy. */
  readonly egress: "platform" | "internet";
  readonly state: RevisionState;
  readonly lastModifiedMs: number;
}

export interface LayerReference {
  readonly arn: string;
  readonly codeSha256: string;
  readonly codeByteCount: number;
}

export interface LoggingConfig {
  readonly format: "Text" | "JSON";
  readonly applicationLevel: string | undefined;
  readonly systemLevel: string | undefined;
  readonly group: string;
}

export interface RevisionState {
  readonly state: "Pending" | "Active" | "Inactive" | "Failed";
  readonly reason: string | undefined;
  readonly reasonCode: string | undefined;
  readonly lastUpdate: "Successful" | "Failed" | "InProgress";
  readonly lastUpdateReason: string | undefined;
  readonly lastUpdateReasonCode: string | undefined;
}

/** What `resolve` found: the revision to run and the qualifier the caller named. */
export interface ResolvedFunction {
  readonly revision: Revision;
  readonly qualifier: string | undefined;
  /** Concurrent invocations set aside for the function; undefined shares the account's pool. */
  readonly reservedConcurrency: number | undefined;
}

/** The slice of the registry that the data plane needs. */
export interface FunctionResolver {
  /**
   * Name, ARN or partial ARN, with or without qualifier; weighted aliases are drawn here, once per
   * invocation. Cached; a change is visible to the next call. Undefined when there is none.
   */
  resolve(
    reference: FunctionReference,
    context: Pick<RequestContext, "region">,
  ): Promise<ResolvedFunction | undefined>;
}

export interface FunctionReference {
  readonly accountId: string;
  readonly region: string;
  readonly name: string;
  readonly qualifier: string | undefined;
}
