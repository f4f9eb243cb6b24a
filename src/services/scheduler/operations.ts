import { createConstraintCheck } from "#protocol/constraints/constraints.ts";
import { defineService, type Service } from "#protocol/service/service.ts";
import { schedulerConstraints, schedulerWording } from "./constraints.ts";
import type { Scheduler, SchedulerDeps } from "./deps.ts";
import { groupOperations } from "./operations/groups.ts";
import { scheduleOperations } from "./operations/schedules.ts";

/** The table. What has no row is answered by the protocol as not implemented. */
export function defineScheduler(deps: SchedulerDeps): Service {
  const service = defineService<Scheduler>(
    {
      sdkId: "Scheduler",
      signingName: "scheduler",
      endpointPrefix: "scheduler",
      protocols: ["restJson1"],
      apiVersion: "2021-06-30",
      model: () => import("@aws-sdk/client-scheduler"),
    },
    { ...scheduleOperations(deps), ...groupOperations(deps) },
  );
  return createConstraintCheck(schedulerConstraints, schedulerWording).guard(service);
}
