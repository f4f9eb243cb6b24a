import { parseArn } from "#base/arn.ts";
import { invalidAttributeValue, invalidValue } from "./errors.ts";
import { allowedSourcesMax, maxReceiveCountMax } from "./limits.ts";
import { addressOfArn, queueArn } from "./addresses.ts";
import type { QueueRecord } from "./records.ts";

/** A JSON object, or undefined. */
export function jsonObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined; // just checked
  } catch {
    return undefined;
  }
}

type Owner = Pick<QueueRecord, "accountId" | "region" | "name" | "isFifo">;

/** All but whether the queue it names is there, for which the store is needed. */
export function checkRedrivePolicy(text: string, queue: Owner): void {
  const policy = jsonObject(text);
  if (!policy) {
    throw invalidAttributeValue("RedrivePolicy", "Redrive policy is not a valid JSON map.");
  }
  const refuse = (reason: string): Error => invalidValue(text, "RedrivePolicy", reason);
  for (const name of ["maxReceiveCount", "deadLetterTargetArn"]) {
    if (policy[name] === undefined)
      throw refuse(`Redrive policy does not contain mandatory attribute: ${name}.`);
  }
  const { maxReceiveCount, deadLetterTargetArn, ...rest } = policy;
  if (Object.keys(rest).length > 0) {
    throw refuse(
      "Only following attributes are supported: [maxReceiveCount, deadLetterTargetArn].",
    );
  }
  const count = Number(maxReceiveCount);
  if (!Number.isInteger(count) || count < 1 || count > maxReceiveCountMax) {
    throw refuse(
      `Invalid value for maxReceiveCount: ${String(maxReceiveCount)}, valid values are from 1 to ${maxReceiveCountMax} both inclusive.`,
    );
  }
  checkDeadLetterArn(String(deadLetterTargetArn), queue, refuse);
}

function checkDeadLetterArn(text: string, queue: Owner, refuse: (reason: string) => Error): void {
  const arn = parseArn(text);
  if (arn && arn.service !== "sqs")
    throw refuse("Only SQS queues are valid resources for deadLetterTargetArn.");
  const target = addressOfArn(text);
  if (!target) throw refuse("Invalid value for deadLetterTargetArn.");
  if (target.name.endsWith(".fifo") !== queue.isFifo)
    throw refuse("Dead-letter queue must be same type of queue as the source.");
  if (target.accountId !== queue.accountId)
    throw refuse("Dead-letter target owner should be same as the source.");
  if (target.region !== queue.region || queueArn(queue) === text)
    throw refuse("Dead letter target does not exist.");
}

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html (RedriveAllowPolicy) */
export function checkRedriveAllowPolicy(text: string, isQueueArn: (arn: string) => boolean): void {
  const policy = jsonObject(text);
  const { redrivePermission: permission, sourceQueueArns: arns, ...rest } = policy ?? {};
  const isKnown = ["allowAll", "denyAll", "byQueue"].includes(String(permission));
  const isList =
    arns === undefined || (Array.isArray(arns) && arns.every((arn) => typeof arn === "string"));
  if (!policy || !isKnown || !isList || Object.keys(rest).length > 0) {
    throw invalidAttributeValue(
      "RedriveAllowPolicy",
      "Amazon SQS can't create the redrive allow policy, as it’s in an unsupported format.",
    );
  }
  const sources: readonly unknown[] = Array.isArray(arns) ? arns : [];
  const refuse = (reason: string): Error =>
    invalidValue(
      text,
      "RedriveAllowPolicy",
      `Amazon SQS can't create the redrive allow policy. ${reason}`,
    );
  if (permission !== "byQueue" && arns !== undefined)
    throw refuse("You can specify sourceQueueArns only when you use the byQueue permission type.");
  if (permission !== "byQueue") return;
  if (sources.length === 0) {
    throw refuse(
      "When you specify the byQueue permission type, you must also specify one or more sourceQueueArns values.",
    );
  }
  if (sources.length > allowedSourcesMax) {
    throw refuse(
      `You can specify up to ${allowedSourcesMax} sourceQueueArns values; to allow more, use allowAll.`,
    );
  }
  if (!sources.every((arn) => isQueueArn(String(arn))))
    throw refuse("Each of sourceQueueArns must be the ARN of a queue.");
}

/** Whether the queue `source` may send its dead letters to a queue with this policy. */
export function allowsSource(redriveAllowPolicy: string | undefined, sourceArn: string): boolean {
  const { redrivePermission, sourceQueueArns } = jsonObject(redriveAllowPolicy ?? "") ?? {};
  if (redrivePermission === "denyAll") return false;
  if (redrivePermission !== "byQueue") return true;
  return Array.isArray(sourceQueueArns) && sourceQueueArns.includes(sourceArn);
}
