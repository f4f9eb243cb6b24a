import { defineService, type Service } from "#protocol/service/service.ts";
import type { Sqs, SqsDeps } from "./deps.ts";
import { attributeOperations } from "./operations/attributes.ts";
import { moveTaskOperations } from "./operations/move-tasks.ts";
import { permissionOperations } from "./operations/permissions.ts";
import { queueOperations } from "./operations/queues.ts";
import { queueListOperations } from "./operations/queue-lists.ts";
import { receiptOperations } from "./operations/receipts.ts";
import { receiveOperations } from "./operations/receive-message.ts";
import { sendOperations } from "./operations/send-message.ts";
import { tagOperations } from "./operations/tags.ts";

/** The table. What has no row is answered by the protocol as not implemented. */
export function defineSqs(deps: SqsDeps): Service {
  return defineService<Sqs>(
    {
      sdkId: "SQS",
      signingName: "sqs",
      endpointPrefix: "sqs",
      protocols: ["awsJson1_0", "awsQuery"],
      targetPrefix: "AmazonSQS",
      apiVersion: "2012-11-05",
      xmlNamespace: "http://queue.amazonaws.com/doc/2012-11-05/",
      model: () => import("@aws-sdk/client-sqs"),
      isQueryCompatible: true,
      queryPathMember: "QueueUrl",
      missingMembers: (paths) => ({
        code: "MissingParameter",
        message: `The request must contain the parameter ${parameterName(paths[0] ?? "")}.`,
      }),
    },
    {
      ...queueOperations(deps),
      ...queueListOperations(deps),
      ...attributeOperations(deps),
      ...sendOperations(deps),
      ...receiveOperations(deps),
      ...receiptOperations(deps),
      ...tagOperations(deps),
      ...permissionOperations(deps),
      ...moveTaskOperations(deps),
    },
  );
}

/** `entries.1.member.id` is told as `Entries.1.Id`. */
function parameterName(path: string): string {
  const parts = path.split(".").filter((part) => part !== "member");
  return parts.map((part) => part.charAt(0).toUpperCase() + part.slice(1)).join(".");
}
