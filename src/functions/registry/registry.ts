import type { Clock } from "#base/clock.ts";
import type { Logger, RequestContext } from "#base/context.ts";
import type { Random } from "#base/random.ts";
import type { Soon } from "#base/soon.ts";
import type { Reader, Store, Transaction } from "#storage/storage.ts";
import { createView } from "./view.ts";
import { createEdit } from "./edit.ts";
import type { FunctionId, Scope } from "./records.ts";
import { ranges } from "./records.ts";
import { createResolver } from "./resolver.ts";

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
  /** Absent for functions whose environments run one invocation at a time. */
  readonly capacity?: Capacity;
  /** `platform` reaches only Skerry itself; `internet` goes through the egress proxy. */
  readonly egress: "platform" | "internet";
  readonly state: RevisionState;
  readonly lastModifiedMs: number;
}

/**
 * What makes a function one of AWS's managed instances, whose environments run several invocations side by
 * side (https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances.html). The instance is this host.
 */
export interface Capacity {
  /** Told back to whoever asks, and nothing else. */
  readonly providerArn: string;
  /** Invocations that one environment may run at once, 1 … 1,600. */
  readonly concurrency: number;
}

export interface LayerReference {
  readonly arn: string;
  readonly codeSha256: string;
  readonly codeByteCount: number;
}

interface LoggingConfig {
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
  /** Of those, or of the account's, kept for the environments that are always there; 0 when absent. */
  readonly provisionedConcurrency?: number;
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
  ): Soon<ResolvedFunction | undefined>;
}

export interface FunctionReference {
  readonly accountId: string;
  readonly region: string;
  readonly name: string;
  readonly qualifier: string | undefined;
}

/** A function as deployed: the state everyone sees, and the one that serves until it is ready. */
export interface FunctionEntry {
  readonly latest: Revision;
  /** The last state that was ready, while `latest` is being prepared or has failed. */
  readonly serving: Revision | undefined;
  /** Of the code of `latest`, and of its layers, which may have been deleted since. */
  readonly unpackedByteCount: number;
  readonly layersUnpackedByteCount: number;
  readonly reservedConcurrency: number | undefined;
  /** By qualifier, a version number or an alias; absent when there was never any. */
  readonly provisioned?: Readonly<Record<string, ProvisionedConfig>>;
  /** Belongs to the function and all its versions; copied into every revision that is resolved. */
  readonly egress: Revision["egress"];
  /** What was published last; the same state is not published twice. */
  readonly published: { readonly version: number; readonly fingerprint: string } | undefined;
}

/** How many environments are to be kept ready for a version, or for what an alias points at. */
export interface ProvisionedConfig {
  readonly count: number;
  readonly modifiedMs: number;
}

export interface Alias {
  readonly name: string;
  /** `$LATEST` or a version number. */
  readonly version: string;
  readonly description: string;
  /** Share of a second version, 0 … 1, by version number; at most one today. */
  readonly weights: Readonly<Record<string, number>>;
  readonly revisionId: string;
}

export interface LayerVersion {
  readonly accountId: string;
  readonly region: string;
  readonly name: string;
  /** From 1. */
  readonly version: number;
  readonly description: string;
  readonly licence: string | undefined;
  readonly runtimes: readonly string[];
  readonly architectures: readonly string[];
  readonly codeSha256: string;
  readonly codeByteCount: number;
  readonly unpackedByteCount: number;
  readonly createdMs: number;
}

/** What an account has in a region. */
export interface Usage {
  /** Zipped bytes of all functions, versions and layer versions. */
  readonly codeByteCount: number;
  readonly functionCount: number;
  /** Concurrency set aside by all functions together: reserved, or provisioned without a reservation. */
  readonly reserved: number;
}

/** Where a page of a listing begins (exclusive) and how many entries it may have. */
export interface Page<After> {
  readonly after: After | undefined;
  readonly limit: number;
}

/** What one snapshot of the store knows. Listings ascend by name or number. */
export interface RegistryView {
  readonly reader: Reader;
  readonly functions: {
    get(id: FunctionId): FunctionEntry | undefined;
    list(scope: Scope, page: Page<string>): readonly FunctionEntry[];
    /** Functions whose newest state is not ready yet, in every account. */
    preparing(): readonly FunctionId[];
    /** Functions with provisioned concurrency, in every account. */
    provisioned(): readonly FunctionId[];
  };
  readonly versions: {
    get(id: FunctionId, version: number): Revision | undefined;
    list(id: FunctionId, page: Page<number>): readonly Revision[];
  };
  readonly aliases: {
    get(id: FunctionId, alias: string): Alias | undefined;
    list(id: FunctionId, page: Page<string>): readonly Alias[];
  };
  readonly layers: {
    get(id: FunctionId, version: number): LayerVersion | undefined;
    /** Newest first; `after` is the version the page continues below. */
    list(id: FunctionId, page: Page<number>): readonly LayerVersion[];
    names(scope: Scope, page: Page<string>): readonly string[];
  };
  usage(scope: Scope): Usage;
}

/** Changes that become visible together, with whatever else the caller writes through `tx`. */
export interface RegistryEdit extends RegistryView {
  readonly tx: Transaction;
  readonly functions: RegistryView["functions"] & {
    /** Also marks the function as being prepared or ready, and as provisioned or not. */
    put(id: FunctionId, entry: FunctionEntry): void;
    /** The function with its versions and aliases; version numbers stay used. */
    remove(id: FunctionId): void;
  };
  readonly versions: RegistryView["versions"] & {
    /** An immutable copy of `$LATEST`, or the version published last if nothing has changed since. */
    publish(id: FunctionId, description: string | undefined): Revision | undefined;
    /** For the states of a version only; everything else about it never changes. */
    put(id: FunctionId, revision: Revision): void;
    remove(id: FunctionId, version: number): void;
  };
  readonly aliases: RegistryView["aliases"] & {
    put(id: FunctionId, alias: Alias): void;
    remove(id: FunctionId, alias: string): void;
  };
  readonly layers: RegistryView["layers"] & {
    /** Gives the next number; numbers are never used twice. */
    publish(draft: Omit<LayerVersion, "version">): LayerVersion;
    remove(id: FunctionId, version: number): void;
  };
}

/** Safe with several processes on one store: what another deploys is seen as soon as it is told. */
export interface FunctionRegistry extends FunctionResolver, AsyncDisposable {
  read<T>(work: (view: RegistryView) => T): Promise<T>;
  /** Runs again after a conflict, like `Store.write`; resolves when durable and visible to `resolve`. */
  write<T>(work: (edit: RegistryEdit) => T): Promise<T>;
}

export function createRegistry(deps: {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}): FunctionRegistry {
  const { store } = deps;
  const resolver = createResolver(deps);
  const stop = new AbortController();
  const watching = (async () => {
    for await (const _ of store.watch(ranges.everything, stop.signal)) resolver.forgetAll();
  })().catch((error: unknown) => deps.log.event("registry.watch-failed", { error: String(error) }));
  return {
    resolve: (reference) => resolver.resolve(reference),
    read: (work) => store.read((reader) => work(createView(reader))),
    async write(work) {
      let touched = new Set<string>();
      const result = await store.write((tx) => {
        touched = new Set();
        return work(createEdit(tx, { ...deps, touched }));
      });
      resolver.forget(touched);
      return result;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await watching;
    },
  };
}

export { isPreparing } from "./preparing.ts";
export { provisionedTotal } from "./usage.ts";
export type { FunctionId, Scope } from "./records.ts";
