import { parseArn } from "#base/arn.ts";
import type { Delivery } from "#events/outbox/outbox.ts";
import { ageSecondsDefault, retriesDefault } from "./limits.ts";
import { scheduleArn, type Address, type ScheduleRecord } from "./records.ts";

interface Run {
  readonly address: Address;
  readonly scheduledMs: number;
  readonly executionId: string;
}

/** What a schedule sends when it is due. */
export function deliveryOf(record: ScheduleRecord, run: Run): Delivery {
  const { target } = record;
  const { address } = run;
  const targetArn = target.Arn ?? "";
  const group = target.SqsParameters?.MessageGroupId;
  const deadLetterArn = target.DeadLetterConfig?.Arn;
  const arn = scheduleArn(address);
  return {
    targetArn,
    record: {
      id: run.executionId,
      event: Buffer.from(payloadOf(record, run)),
      ...(group !== undefined && { group }),
    },
    origin: {
      service: "scheduler.amazonaws.com",
      arn,
      accountId: address.accountId,
      region: address.region,
    },
    // A schedule acts as its role; the target's own policy is not asked.
    usesRole: true,
    retry: {
      attemptsMax: (target.RetryPolicy?.MaximumRetryAttempts ?? retriesDefault) + 1,
      ageMaxMs: (target.RetryPolicy?.MaximumEventAgeInSeconds ?? ageSecondsDefault) * 1_000,
    },
    ...(deadLetterArn !== undefined && { deadLetterArn }),
    deadLetterAttributes: {
      SCHEDULE_ARN: arn,
      TARGET_ARN: targetArn,
      EXECUTION_ID: run.executionId,
      EXECUTION_TIME: timeText(run.scheduledMs),
    },
    deadLetterForm: "events",
  };
}

/**
 * The input with its context attributes filled in
 * (https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html), or the
 * default payload. A bus gets an event around it.
 */
function payloadOf({ target }: ScheduleRecord, run: Run): string {
  const input = target.Input === undefined ? undefined : withContext(target.Input, run);
  const bus = target.EventBridgeParameters;
  if (!bus) return input ?? JSON.stringify(eventOf(run, {}));
  const { Source: source, DetailType: detailType } = bus;
  return JSON.stringify(
    eventOf(run, { source, detailType, detail: JSON.parse(input ?? "{}") as unknown }),
  );
}

function withContext(input: string, { address, scheduledMs, executionId }: Run): string {
  const values: Readonly<Record<string, string>> = {
    "schedule-arn": scheduleArn(address),
    "scheduled-time": timeText(scheduledMs),
    "execution-id": executionId,
    // Of the first try; a retry sends the same bytes.
    "attempt-number": "1",
  };
  return input.replaceAll(
    /<aws\.scheduler\.([a-z-]+)>/g,
    (whole, name: string) => values[name] ?? whole,
  );
}

function eventOf(
  { address, scheduledMs, executionId }: Run,
  given: {
    readonly source?: string | undefined;
    readonly detailType?: string | undefined;
    readonly detail?: unknown;
  },
): object {
  return {
    version: "0",
    id: executionId,
    "detail-type": given.detailType ?? "Scheduled Event",
    source: given.source ?? "aws.scheduler",
    account: address.accountId,
    time: timeText(scheduledMs),
    region: address.region,
    resources: [scheduleArn(address)],
    detail: given.detail ?? "{}",
  };
}

function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** `arn:aws:scheduler:::aws-sdk:sqs:sendMessage` taken apart; undefined for any other ARN. */
export function universalTarget(
  text: string,
): { readonly service: string; readonly operation: string } | undefined {
  const arn = parseArn(text);
  const [kind, service = "", action = "", ...more] = arn?.resource.split(":") ?? [];
  if (arn?.service !== "scheduler" || kind !== "aws-sdk") return undefined;
  if (service === "" || action === "" || more.length > 0) return undefined;
  return { service, operation: action.charAt(0).toUpperCase() + action.slice(1) };
}
