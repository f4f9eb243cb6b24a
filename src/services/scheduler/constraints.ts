import type {
  Constraint,
  Constraints,
  ConstraintTable,
  ConstraintWording,
} from "#protocol/constraints/constraints.ts";
import { validationError } from "./errors.ts";

const name: Constraint = { min: 1, max: 64, pattern: String.raw`[0-9a-zA-Z\-_.]+` };
const roleArn: Constraint = {
  min: 1,
  max: 1_600,
  pattern: String.raw`arn:aws[a-zA-Z\-]*:iam::\d{12}:role\/[\w+=,.@\-\/]+`,
};

const everywhere: Constraints = {
  ClientToken: { min: 1, max: 64, pattern: String.raw`[a-zA-Z0-9\-_]+` },
  Description: { max: 512 },
  GroupName: name,
  MaxResults: { min: 1, max: 100 },
  Name: name,
  NamePrefix: name,
  NextToken: { min: 1, max: 2_048 },
  ResourceArn: { min: 1, max: 1_011 },
  ScheduleExpression: { min: 1, max: 256 },
  ScheduleExpressionTimezone: { min: 1, max: 50 },
  State: { values: ["ENABLED", "DISABLED"] },
  ActionAfterCompletion: { values: ["NONE", "DELETE"] },
  "FlexibleTimeWindow.Mode": { values: ["OFF", "FLEXIBLE"] },
  "FlexibleTimeWindow.MaximumWindowInMinutes": { min: 1, max: 1_440 },
  "Target.Arn": { min: 1, max: 1_600 },
  "Target.RoleArn": roleArn,
  "Target.Input": { min: 1 },
  "Target.RetryPolicy.MaximumRetryAttempts": { min: 0, max: 185 },
  "Target.RetryPolicy.MaximumEventAgeInSeconds": { min: 60, max: 86_400 },
  "Target.EventBridgeParameters.DetailType": { min: 1, max: 128 },
  "Target.EventBridgeParameters.Source": { min: 1, max: 256 },
  "Target.SqsParameters.MessageGroupId": { min: 1, max: 128 },
  Tags: { max: 200 },
  "Tags[].Key": { min: 1, max: 128 },
  "Tags[].Value": { min: 1, max: 256 },
};

/**
 * What the model of Scheduler demands of each member, as data. Source: the API reference, e.g.
 * https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html (seen 2026-11).
 */
export const schedulerConstraints: ConstraintTable = { everywhere, only: {} };

export const schedulerWording: ConstraintWording = {
  error: validationError,
  reports: "each-demand",
  shown: { structures: "json" },
};
