import type * as EventBridgeSdk from "@aws-sdk/client-eventbridge";
import type { Clock } from "#base/clock.ts";
import type { Logger } from "#base/context.ts";
import type { Random } from "#base/random.ts";
import type { TargetRegistry } from "#events/events.ts";
import type { Outbox } from "#events/outbox/outbox.ts";
import type { DueTimes, Foresight } from "#events/schedules/schedules.ts";
import type { Handler, OperationTable } from "#protocol/service/service.ts";
import type { Store } from "#storage/storage.ts";
import type { Router } from "./router.ts";

export type EventBridge = typeof EventBridgeSdk;
export type EventBridgeRows = OperationTable<EventBridge>;
export type EventBridgeHandler<Op extends string> = Handler<EventBridge, Op>;

/** What an embedding program gives. */
export interface EventBridgeOuterDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly outbox: Outbox;
  /** What rules may send to. */
  readonly targets: TargetRegistry;
  readonly foresight?: Foresight;
  /** `open` checks no permission, `strict` checks the policies of buses. */
  readonly mode: "open" | "strict";
}

/** What every operation may use. */
export interface EventBridgeDeps extends EventBridgeOuterDeps {
  readonly router: Router;
  readonly dueTimes: DueTimes;
}
