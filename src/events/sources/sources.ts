import type { TraceContext } from "#base/context.ts";
import type { EventSource } from "../events.ts";
import { pollQueue } from "./queue-poller.ts";
import { pollStream } from "./stream-poller.ts";
import type { PollerDeps } from "./poller-deps.ts";

export type { PollerDeps } from "./poller-deps.ts";
export { forgetPositions } from "./positions.ts";

/** From a source to a function: what Lambda calls an event source mapping. */
export interface Mapping<S extends EventSource = EventSource> {
  /** UUID: under it positions are stored. */
  readonly id: string;
  readonly functionArn: string;
  readonly accountId: string;
  readonly region: string;
  readonly source: S;
  readonly settings: MappingSettings;
  /** Records for which it is false are passed over: deleted from queues, skipped in streams. */
  readonly matches?: (value: Readonly<Record<string, unknown>>) => boolean;
  readonly call: CallFunction;
  /** Told after each batch that ran or failed. */
  readonly report: (result: ProcessingResult) => void;
}

/** As in `LastProcessingResult`. */
export type ProcessingResult = "OK" | "PROBLEM: Function call failed";

export interface MappingSettings {
  /** 1 … 10,000 */
  readonly batchSize: number;
  /** 0 … 300,000: how long to gather after a first record. */
  readonly windowMs: number;
  /** `ReportBatchItemFailures` */
  readonly reportsItemFailures: boolean;
  /** Queues: 2 … 1,000 batches at a time. */
  readonly batchesMax?: number;
  readonly stream?: StreamSettings;
}

export interface StreamSettings {
  readonly start: "TRIM_HORIZON" | "LATEST" | { readonly atMs: number };
  /** 1 … 10 batches of a shard at a time; each key in one of them. */
  readonly parallelism: number;
  readonly bisects: boolean;
  /** Infinity for as long as the records exist. */
  readonly retriesMax: number;
  readonly ageMaxMs: number;
  readonly onFailureArn?: string;
  /** 0: no windows. */
  readonly tumblingMs: number;
}

/** Calls the function and waits for its answer. Never rejects. */
export type CallFunction = (
  event: Uint8Array,
  about: { readonly trace: TraceContext | undefined; readonly signal: AbortSignal },
) => Promise<CallResult>;

export type CallResult =
  | {
      readonly kind: "ok" | "function-error";
      readonly requestId: string;
      readonly executedVersion: string;
      readonly payload: Uint8Array;
    }
  /** It has not run: no room for it, or the platform's own trouble. */
  | { readonly kind: "throttled" | "trouble"; readonly requestId: string; readonly reason: string };

/** Disposing begins no batch any more, gives those under way ten seconds, and puts the rest back. */
export type Poller = AsyncDisposable;

/** Reads a mapping's source and calls its function with what it holds, at least once each. */
export function startPoller(deps: PollerDeps, mapping: Mapping): Poller {
  const { source } = mapping;
  return source.kind === "queue"
    ? pollQueue(deps, { ...mapping, source })
    : pollStream(deps, { ...mapping, source });
}
