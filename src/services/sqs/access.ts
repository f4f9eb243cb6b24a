import type { RequestContext } from "#base/context.ts";
import { type DeliveryOrigin, readPolicyVerdict } from "#events/events.ts";
import { queueArn } from "./addresses.ts";
import type { SqsOuterDeps } from "./deps.ts";
import { accessDenied } from "./errors.ts";
import type { QueueRecord } from "./records.ts";

/**
 * Whether the queue's policy lets the caller do it; throws `AccessDenied`. Asked in strict mode only, and
 * only about callers that are not of the queue's own account: those, the account itself lets in.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-using-identity-based-policies.html
 */
export function allow(
  { mode }: Pick<SqsOuterDeps, "mode">,
  queue: QueueRecord,
  request: {
    readonly action: string;
    readonly context: RequestContext;
    readonly origin?: DeliveryOrigin | undefined;
  },
): void {
  if (mode === "open") return;
  const { action, context, origin } = request;
  const { arn, accountId } = context.principal;
  const resourceArn = queueArn(queue);
  const verdict = readPolicyVerdict(queue.attributes["Policy"], {
    principalArn: origin?.service ?? arn,
    accountId,
    isService: origin !== undefined,
    action: `sqs:${action}`,
    resourceArn,
    ...(origin && { sourceArn: origin.arn, sourceAccount: origin.accountId }),
  });
  const isOwn = !origin && accountId === queue.accountId;
  if (verdict === "allow" || (verdict === "silent" && isOwn)) return;
  const who = origin?.service ?? arn;
  throw accessDenied(
    `User: ${who} is not authorized to perform: sqs:${action.toLowerCase()} on resource: ${resourceArn} because no resource-based policy allows the sqs:${action.toLowerCase()} action`,
  );
}

/** For what no policy can give to another account. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-customer-managed-policy-examples.html */
export function allowOwner(
  { mode }: Pick<SqsOuterDeps, "mode">,
  address: Pick<QueueRecord, "accountId" | "name" | "region">,
  { action, context }: { readonly action: string; readonly context: RequestContext },
): void {
  if (mode === "open" || context.principal.accountId === address.accountId) return;
  throw accessDenied(
    `User: ${context.principal.arn} is not authorized to perform: sqs:${action.toLowerCase()} on resource: ${queueArn(address)}`,
  );
}
