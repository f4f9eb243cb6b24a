import type { FlexibleTimeWindow, Target } from "@aws-sdk/client-scheduler";
import { parseArn } from "#base/arn.ts";
import { isTimeZone, parseSchedule } from "#events/schedules/schedules.ts";
import type { SchedulerDeps } from "./deps.ts";
import { universalTarget } from "./delivery.ts";
import { validationError } from "./errors.ts";

/** What a schedule is made of, as given. */
interface Given {
  readonly ScheduleExpression: string;
  readonly ScheduleExpressionTimezone?: string | undefined;
  readonly StartDate?: Date | undefined;
  readonly EndDate?: Date | undefined;
  readonly Target: Target;
  readonly FlexibleTimeWindow: FlexibleTimeWindow;
}

/** Throws ValidationException. */
export function checkSchedule({ targets }: Pick<SchedulerDeps, "targets">, given: Given): void {
  const { ScheduleExpression, ScheduleExpressionTimezone, StartDate, EndDate } = given;
  const zone = ScheduleExpressionTimezone ?? "UTC";
  if (!isTimeZone(zone)) throw validationError(`Invalid Schedule Expression Timezone ${zone}.`);
  if (!parseSchedule(ScheduleExpression, zone))
    throw validationError(`Invalid Schedule Expression ${ScheduleExpression}.`);
  if (StartDate && EndDate && StartDate.getTime() >= EndDate.getTime())
    throw validationError("The EndDate must come after the StartDate.");
  const { Mode, MaximumWindowInMinutes } = given.FlexibleTimeWindow;
  if (Mode === "OFF" && MaximumWindowInMinutes !== undefined)
    throw validationError(
      "MaximumWindowInMinutes can only be set when FlexibleTimeWindow Mode is FLEXIBLE.",
    );
  if (Mode === "FLEXIBLE" && MaximumWindowInMinutes === undefined)
    throw validationError(
      "MaximumWindowInMinutes must be set when FlexibleTimeWindow Mode is FLEXIBLE.",
    );
  checkTarget(targets, given.Target);
}

const foreignMembers = [
  "EcsParameters",
  "KinesisParameters",
  "SageMakerPipelineParameters",
  "EventBridgePutEventsV2Parameters",
  "EventBridgePutRawEventsParameters",
] as const;

function checkTarget(targets: SchedulerDeps["targets"], target: Target): void {
  const { Arn = "", Input } = target;
  const arn = parseArn(Arn);
  if (!arn) throw validationError(`Invalid target ARN ${Arn}.`);
  const foreign = foreignMembers.find((member) => target[member] !== undefined);
  if (foreign !== undefined || !targets.find(Arn))
    throw validationError(`Targets of kind ${foreign ?? arn.service} are not hosted here: ${Arn}`);
  const isBus = arn.service === "events";
  if (isBus !== (target.EventBridgeParameters !== undefined))
    throw validationError(
      "EventBridgeParameters must be set for event buses, and for nothing else.",
    );
  const isObject = Input !== undefined && isJsonObject(Input);
  if ((isBus || universalTarget(Arn)) && !isObject)
    throw validationError(`The Input of ${Arn} must be a JSON object.`);
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
