import type {
  Constraint,
  Constraints,
  ConstraintTable,
  ConstraintWording,
} from "#protocol/constraints/constraints.ts";
import { invalidParameter } from "./errors.ts";

const groupName: Constraint = { min: 1, max: 512, pattern: String.raw`[.\-_/#A-Za-z0-9]+` };
const groupIdentifier: Constraint = { min: 1, max: 2_048, pattern: String.raw`[\w#+=/:,.@-]*` };
const streamName: Constraint = { min: 1, max: 512, pattern: String.raw`[^:*]*` };
const tagKey: Constraint = { min: 1, max: 128, pattern: String.raw`([\p{L}\p{Z}\p{N}_.:/=+\-@]+)` };
const tagValue: Constraint = { max: 256, pattern: String.raw`([\p{L}\p{Z}\p{N}_.:/=+\-@]*)` };
const time: Constraint = { min: 0 };

const everywhere: Constraints = {
  endTime: time,
  "entity.attributes": { max: 10 },
  "entity.keyAttributes": { min: 2, max: 4 },
  filterPattern: { max: 1_024 },
  kmsKeyId: { max: 256 },
  limit: { min: 1, max: 50 },
  logEventFilterPattern: { max: 1_024 },
  logEvents: { min: 1, max: 10_000 },
  "logEvents[].message": { min: 1 },
  "logEvents[].timestamp": time,
  logGroupClass: { values: ["STANDARD", "INFREQUENT_ACCESS", "DELIVERY", "ESSENTIALS"] },
  logGroupIdentifier: groupIdentifier,
  logGroupIdentifiers: { min: 1, max: 50, items: groupIdentifier },
  logGroupName: groupName,
  logGroupNamePattern: { max: 512, pattern: String.raw`[.\-_/#A-Za-z0-9]*` },
  logGroupNamePrefix: groupName,
  logStreamName: streamName,
  logStreamNamePrefix: streamName,
  logStreamNamePrefixes: { min: 1, max: 100, items: streamName },
  logStreamNames: { min: 1, max: 100, items: streamName },
  nextToken: { min: 1 },
  orderBy: { values: ["LogStreamName", "LastEventTime"] },
  policyDocument: { min: 1, max: 51_200 },
  policyScope: { values: ["ACCOUNT", "RESOURCE"] },
  resourceArn: { min: 1, max: 1_011, pattern: String.raw`[\w+=/:,.@-]*` },
  sequenceToken: { min: 1 },
  startTime: time,
  tagKeys: { max: 50, items: tagKey },
  tags: { min: 1, max: 50, names: tagKey, items: tagValue },
};

/**
 * What the model of CloudWatch Logs demands of each member, as data. Source: the API reference, e.g.
 * https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html (seen 2026-11).
 */
export const logsConstraints: ConstraintTable = {
  everywhere,
  only: {
    FilterLogEvents: { limit: { min: 1, max: 10_000 } },
    GetLogEvents: { limit: { min: 1, max: 10_000 } },
    StartLiveTail: { logGroupIdentifiers: { min: 1, max: 10, items: groupIdentifier } },
    UntagLogGroup: { tags: { min: 1, items: tagKey } },
  },
};

/** How CloudWatch Logs refuses what breaks them. */
export const logsWording: ConstraintWording = {
  error: invalidParameter,
  reports: "each-demand",
  shown: { structures: "json", charactersMax: 1_024 },
  breachesMax: 10,
};
