import { defineService, type Service } from "#protocol/service/service.ts";
import type { Sns, SnsDeps } from "./deps.ts";
import { permissionOperations } from "./operations/permissions.ts";
import { publishOperations } from "./operations/publish.ts";
import { subscriptionOperations } from "./operations/subscriptions.ts";
import { tagOperations } from "./operations/tags.ts";
import { topicOperations } from "./operations/topics.ts";

/** The table. What has no row is answered by the protocol as not implemented. */
export function defineSns(deps: SnsDeps): Service {
  return defineService<Sns>(
    {
      sdkId: "SNS",
      signingName: "sns",
      endpointPrefix: "sns",
      protocols: ["awsQuery"],
      apiVersion: "2010-03-31",
      xmlNamespace: "http://sns.amazonaws.com/doc/2010-03-31/",
      model: () => import("@aws-sdk/client-sns"),
      missingMembers: (paths) => ({
        code: "ValidationError",
        message: `${paths.length} validation error detected: Value null at '${paths[0] ?? ""}' failed to satisfy constraint: Member must not be null`,
      }),
    },
    {
      ...topicOperations(deps),
      ...subscriptionOperations(deps),
      ...publishOperations(deps),
      ...tagOperations(deps),
      ...permissionOperations(deps),
    },
  );
}
