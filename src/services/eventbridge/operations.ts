import { createConstraintCheck } from "#protocol/constraints/constraints.ts";
import { defineService, type Service } from "#protocol/service/service.ts";
import { eventBridgeConstraints, eventBridgeWording } from "./constraints.ts";
import type { EventBridge, EventBridgeDeps } from "./deps.ts";
import { archiveOperations } from "./operations/archives.ts";
import { busOperations } from "./operations/buses.ts";
import { putEventsOperations } from "./operations/put-events.ts";
import { replayOperations } from "./operations/replays.ts";
import { ruleOperations } from "./operations/rules.ts";
import { tagOperations } from "./operations/tags.ts";
import { targetOperations } from "./operations/targets.ts";

/** The table. What has no row is answered by the protocol as not implemented. */
export function defineEventBridge(deps: EventBridgeDeps): Service {
  const service = defineService<EventBridge>(
    {
      sdkId: "EventBridge",
      signingName: "events",
      endpointPrefix: "events",
      protocols: ["awsJson1_1"],
      targetPrefix: "AWSEvents",
      apiVersion: "2015-10-07",
      model: () => import("@aws-sdk/client-eventbridge"),
    },
    {
      ...busOperations(deps),
      ...ruleOperations(deps),
      ...targetOperations(deps),
      ...putEventsOperations(deps),
      ...archiveOperations(deps),
      ...replayOperations(deps),
      ...tagOperations(deps),
    },
  );
  return createConstraintCheck(eventBridgeConstraints, eventBridgeWording).guard(service);
}
