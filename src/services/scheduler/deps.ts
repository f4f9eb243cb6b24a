import type * as SchedulerSdk from "@aws-sdk/client-scheduler";
import type { Clock } from "#base/clock.ts";
import type { Logger } from "#base/context.ts";
import type { Random } from "#base/random.ts";
import type { TargetRegistry } from "#events/events.ts";
import type { Outbox } from "#events/outbox/outbox.ts";
import type { DueTimes, Foresight } from "#events/schedules/schedules.ts";
import type { Handler, OperationTable } from "#protocol/service/service.ts";
import type { Store } from "#storage/storage.ts";

export type Scheduler = typeof SchedulerSdk;
export type SchedulerRows = OperationTable<Scheduler>;
export type SchedulerHandler<Op extends string> = Handler<Scheduler, Op>;

/** What an embedding program gives. */
export interface SchedulerOuterDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly outbox: Outbox;
  /** What schedules may send to. */
  readonly targets: TargetRegistry;
  readonly foresight?: Foresight;
}

/** What every operation may use. */
export interface SchedulerDeps extends SchedulerOuterDeps {
  readonly dueTimes: DueTimes;
}
