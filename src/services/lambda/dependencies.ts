import type * as Sdk from "@aws-sdk/client-lambda";
import type { Clock } from "#base/clock.ts";
import type { Logger } from "#base/context.ts";
import type { Random } from "#base/random.ts";
import type { Journal, SourceRegistry } from "#events/events.ts";
import type { Outbox } from "#events/outbox/outbox.ts";
import type { Invoker } from "#functions/invoker/invoker.ts";
import type { Packages } from "#functions/packages/packages.ts";
import type { EnvironmentPool } from "#functions/pool/pool.ts";
import type { FunctionRegistry } from "#functions/registry/registry.ts";
import type { Runtime } from "#functions/runtimes/runtimes.ts";
import type { Handler, OperationInput, OperationOutput } from "#protocol/service/service.ts";
import type { BlobStore, Store } from "#storage/storage.ts";
import type { Tracer } from "#telemetry/telemetry.ts";
import type { Preparation } from "./preparation.ts";
import type { Provisioner, Provisioning } from "./provisioning.ts";
import type { RecordCache } from "./record-cache.ts";

/** Objects that packages are read from; `services/s3` satisfies it. */
export interface CodeObjects {
  /** The whole object, or the code and the message of the error with which it was refused. */
  read(object: {
    readonly bucket: string;
    readonly key: string;
    readonly versionId: string | undefined;
    /** On whose behalf. */
    readonly accountId: string;
    /** Larger ones are refused. */
    readonly bytesMax: number;
  }): Promise<
    | { readonly bytes: Uint8Array }
    | { readonly refusal: { readonly code: string; readonly message: string } }
  >;
}

/** What the service needs from the rest of the platform. */
export interface LambdaDeps {
  readonly store: Store;
  readonly blobs: BlobStore;
  /** Without it no bucket exists. */
  readonly codeObjects?: CodeObjects;
  readonly packages: Pick<Packages, "validate" | "unpack" | "mergeLayers">;
  readonly registry: FunctionRegistry;
  readonly invoker: Pick<Invoker, "invoke" | "enqueue">;
  /** By API name. */
  readonly runtimes: ReadonlyMap<string, Pick<Runtime, "probe" | "concurrencyPerCpu">>;
  readonly pool: Pick<EnvironmentPool, "retire" | "expect" | "compile"> & Provisioner;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Concurrent invocations of an account in a region. */
  readonly accountConcurrency: number;
  /** What wakes functions, and where their failures go. */
  readonly events: {
    readonly sources: SourceRegistry;
    readonly outbox: Outbox;
    readonly journal: Journal;
    /** For positions and other notes that no process keeps in memory. */
    readonly store: Store;
    /** The time that services live by. */
    readonly clock: Clock;
    readonly tracer: Tracer;
    readonly endpoint: string;
    /** `open` lets every service invoke every function. */
    readonly mode: "open" | "strict";
  };
}

/** What every operation works with. */
export interface LambdaScope extends LambdaDeps {
  readonly preparation: Preparation;
  readonly provisioning: Provisioning;
  /** Function URLs and asynchronous settings as the data plane reads them. */
  readonly cache: RecordCache;
  /** Names of the runtimes this platform hosts. */
  readonly runtimeNames: ReadonlySet<string>;
}

export type LambdaHandler<Op extends string> = Handler<typeof Sdk, Op>;
export type Input<Op extends string> = OperationInput<typeof Sdk, Op>;
export type Output<Op extends string> = OperationOutput<typeof Sdk, Op>;
