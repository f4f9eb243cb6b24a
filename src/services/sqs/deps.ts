import type * as SqsSdk from "@aws-sdk/client-sqs";
import type { Clock } from "#base/clock.ts";
import type { Logger } from "#base/context.ts";
import type { Random } from "#base/random.ts";
import type { OperationInput, OperationOutput } from "#protocol/service/service.ts";
import type { Store } from "#storage/storage.ts";
import type { Lanes } from "./lanes.ts";
import type { MoveTasks } from "./move-tasks.ts";
import type { Receipts } from "./receipts.ts";

export type Sqs = typeof SqsSdk;
export type Input<Op extends string> = OperationInput<Sqs, Op>;
export type Output<Op extends string> = OperationOutput<Sqs, Op>;

/** What an embedding program gives. */
export interface SqsOuterDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** `open` checks no permission, `strict` checks the policies of queues. */
  readonly mode: "open" | "strict";
  /** Whether other processes use the same store: then receivers who wait are woken through it. */
  readonly isShared: boolean;
}

/** What every operation may use. */
export interface SqsDeps extends SqsOuterDeps {
  readonly lanes: Lanes;
  readonly receipts: Receipts;
  readonly moveTasks: MoveTasks;
}
