import type { Target } from "#events/events.ts";
import { createDueTimes, type DueTimes } from "#events/schedules/schedules.ts";
import type { Operations } from "#protocol/protocol.ts";
import type { Service } from "#protocol/service/service.ts";
import type { SchedulerOuterDeps } from "./deps.ts";
import { addressOf, fireSchedule } from "./firing.ts";
import { defineScheduler } from "./operations.ts";
import { findSchedule } from "./records.ts";
import { createUniversalTargets } from "./universal-target.ts";

/** Schedules: the API, and operations of other services as targets. */
export interface SchedulerService extends AsyncDisposable {
  readonly service: Service;
  readonly target: (arn: string) => Target | undefined;
  /** Universal targets call operations through this; they fail, to be tried again, until it is there. */
  readonly bindOperations: (operations: Operations) => void;
}

/** Disposing stops the clockwork; what is due meanwhile is due at the next start. */
export function createScheduler(outer: SchedulerOuterDeps): SchedulerService {
  let operations: Operations | undefined;
  const dueTimes: DueTimes = createDueTimes({
    ...outer,
    prefix: "scheduler",
    fire: (tx, due, nowMs) => fireSchedule({ ...outer, dueTimes }, tx, { ...due, nowMs }),
    foresee(reader, due) {
      const arn = findSchedule(reader, addressOf(due.name))?.target.Arn;
      if (arn !== undefined) outer.foresight?.(arn, due.dueMs);
    },
  });
  return {
    service: defineScheduler({ ...outer, dueTimes }),
    target: createUniversalTargets(() => operations),
    bindOperations: (made) => void (operations = made),
    [Symbol.asyncDispose]: () => dueTimes[Symbol.asyncDispose](),
  };
}
