import type {
  Constraint,
  Constraints,
  ConstraintTable,
  ConstraintWording,
} from "#protocol/constraints/constraints.ts";
import { validationError } from "./errors.ts";
import { entriesMax } from "./limits.ts";

const name = (max: number): Constraint => ({ min: 1, max, pattern: String.raw`[\.\-_A-Za-z0-9]+` });
const busName: Constraint = { min: 1, max: 256, pattern: String.raw`[/\.\-_A-Za-z0-9]+` };
const busNameOrArn: Constraint = {
  min: 1,
  max: 1_600,
  pattern: String.raw`(arn:aws[\w-]*:events:[a-z]+-[a-z]+-[\w-]+:[0-9]{12}:event-bus\/)?[/\.\-_A-Za-z0-9]+`,
};
const description: Constraint = { max: 512 };

const everywhere: Constraints = {
  ArchiveName: name(48),
  Description: description,
  EventBusName: busNameOrArn,
  Limit: { min: 1, max: 100 },
  NamePrefix: { min: 1, max: 256 },
  NextToken: { min: 1, max: 2_048 },
  ReplayName: name(64),
  ResourceARN: { min: 1, max: 1_600 },
  RetentionDays: { min: 0 },
  "Tags[].Key": { min: 1, max: 128 },
  "Tags[].Value": { max: 256 },
};
const rule: Constraints = { Name: name(64) };

/**
 * What the model of EventBridge demands of each member, as data. Source: the API reference, e.g.
 * https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html (seen 2026-11).
 */
export const eventBridgeConstraints: ConstraintTable = {
  everywhere,
  only: {
    CreateEventBus: { Name: busName },
    DeleteEventBus: { Name: busName },
    DescribeEventBus: { Name: busNameOrArn },
    PutRule: {
      ...rule,
      EventPattern: { max: 4_096 },
      RoleArn: { min: 1, max: 1_600 },
      ScheduleExpression: { max: 256 },
      State: {
        values: ["ENABLED", "DISABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"],
      },
    },
    DescribeRule: rule,
    EnableRule: rule,
    DisableRule: rule,
    DeleteRule: rule,
    PutEvents: { Entries: { min: 1, max: entriesMax } },
    PutTargets: {
      Rule: name(64),
      Targets: { min: 1, max: 100 },
      "Targets[].Id": name(64),
      "Targets[].Arn": { min: 1, max: 1_600 },
      "Targets[].Input": { max: 8_192 },
      "Targets[].InputPath": { max: 256 },
      "Targets[].InputTransformer.InputTemplate": { min: 1, max: 8_192 },
      "Targets[].RetryPolicy.MaximumRetryAttempts": { min: 0, max: 185 },
      "Targets[].RetryPolicy.MaximumEventAgeInSeconds": { min: 60, max: 86_400 },
    },
    RemoveTargets: { Rule: name(64), Ids: { min: 1, max: 100 } },
    PutPermission: {
      StatementId: { min: 1, max: 64, pattern: String.raw`[a-zA-Z0-9-_]+` },
      Action: { min: 1, max: 64, pattern: String.raw`events:[a-zA-Z]+` },
      Principal: { min: 1, max: 12, pattern: String.raw`(\d{12}|\*)` },
    },
    StartReplay: { "Destination.FilterArns": { max: 100 } },
  },
};

export const eventBridgeWording: ConstraintWording = {
  error: validationError,
  reports: "each-demand",
  shown: { structures: "json" },
};
