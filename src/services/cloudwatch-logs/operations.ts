import {
  FilterLogEvents$,
  GetLogEvents$,
  PutLogEvents$,
  StartLiveTail$,
} from "@aws-sdk/client-cloudwatch-logs";
import { createConstraintCheck } from "#protocol/constraints/constraints.ts";
import { defineService, type Service } from "#protocol/service/service.ts";
import { logsConstraints, logsWording } from "./constraints.ts";
import type { Logs, LogsDeps } from "./deps.ts";
import { filterLogEvents } from "./operations/filter-log-events.ts";
import { getLogEvents } from "./operations/get-log-events.ts";
import { logGroupOperations } from "./operations/log-groups.ts";
import { logStreamOperations } from "./operations/log-streams.ts";
import { putLogEvents } from "./operations/put-log-events.ts";
import { resourcePolicyOperations } from "./operations/resource-policies.ts";
import { startLiveTail } from "./operations/start-live-tail.ts";
import { tagOperations } from "./operations/tags.ts";

/** The table. What has no row is answered by the protocol as not implemented. */
export function defineLogs(deps: LogsDeps): Service {
  const service = defineService<Logs>(
    {
      sdkId: "CloudWatch Logs",
      signingName: "logs",
      endpointPrefix: "logs",
      protocols: ["awsJson1_1"],
      targetPrefix: "Logs_20140328",
      apiVersion: "2014-03-28",
      model: () => import("@aws-sdk/client-cloudwatch-logs"),
      missingMembers: () => ({ code: "InvalidParameterException" }),
    },
    {
      ...logGroupOperations(deps),
      ...logStreamOperations(deps),
      ...tagOperations(deps),
      ...resourcePolicyOperations(deps),
      PutLogEvents: [PutLogEvents$, putLogEvents(deps)],
      GetLogEvents: [GetLogEvents$, getLogEvents(deps)],
      FilterLogEvents: [FilterLogEvents$, filterLogEvents(deps)],
      StartLiveTail: [StartLiveTail$, startLiveTail(deps)],
    },
  );
  return createConstraintCheck(logsConstraints, logsWording).guard(service);
}
