import type * as SnsSdk from "@aws-sdk/client-sns";
import type { Clock } from "#base/clock.ts";
import type { Logger } from "#base/context.ts";
import type { Random } from "#base/random.ts";
import type { Outbox } from "#events/outbox/outbox.ts";
import type { OperationInput, OperationOutput } from "#protocol/service/service.ts";
import type { Store } from "#storage/storage.ts";
import type { Signer } from "./signing.ts";

export type Sns = typeof SnsSdk;
export type Input<Op extends string> = OperationInput<Sns, Op>;
export type Output<Op extends string> = OperationOutput<Sns, Op>;

/** What an embedding program gives. */
export interface SnsOuterDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Carries messages to subscribers, in the transaction that published them. */
  readonly outbox: Pick<Outbox, "add">;
  /** `open` checks no permission, `strict` checks the policies of topics. */
  readonly mode: "open" | "strict";
  /** Under which this platform is reached; for URLs in notifications. */
  readonly endpoint: string;
}

/** What every operation may use. */
export interface SnsDeps extends SnsOuterDeps {
  readonly signer: Signer;
}
