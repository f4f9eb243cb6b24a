import type * as LogsSdk from "@aws-sdk/client-cloudwatch-logs";
import type { Clock } from "#base/clock.ts";
import type { Random } from "#base/random.ts";
import type { Store } from "#storage/storage.ts";

export type Logs = typeof LogsSdk;

/** What every operation of CloudWatch Logs may use. */
export interface LogsDeps {
  readonly store: Store;
  readonly clock: Clock;
  /** By which events expire. */
  readonly expiryClock: Clock;
  readonly random: Random;
  /** Stores the lines still waiting in this process, so that a reader sees what was written before. */
  readonly flush: () => Promise<void>;
}
