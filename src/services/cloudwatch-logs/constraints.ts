import type { Operation, Service } from "#protocol/service/service.ts";
import { invalidParameter } from "./errors.ts";

/**
 * What the model of CloudWatch Logs demands of each member, as data. A member has the same rule in
 * every operation unless the operation names its own. Source: the API reference, e.g.
 * https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html (seen 2026-11).
 */
export interface Constraint {
  /** Characters of text, entries of a list or map, value of a number; inclusive. */
  readonly min?: number;
  readonly max?: number;
  /** The whole text must match. */
  readonly pattern?: RegExp;
  readonly values?: readonly string[];
}

/** Member paths (`tags{}`, `logEvents[].message`) to rules; `Operation:path` beats the plain path. */
export type ConstraintTable = Readonly<Record<string, Constraint>>;

const groupName: Constraint = { min: 1, max: 512, pattern: /[.\-_/#A-Za-z0-9]+/u };
const groupIdentifier: Constraint = { min: 1, max: 2_048, pattern: /[\w#+=/:,.@-]*/u };
const streamName: Constraint = { min: 1, max: 512, pattern: /[^:*]*/u };
const tagKey: Constraint = { min: 1, max: 128, pattern: /([\p{L}\p{Z}\p{N}_.:/=+\-@]+)/u };
const tagValue: Constraint = { max: 256, pattern: /([\p{L}\p{Z}\p{N}_.:/=+\-@]*)/u };
const time: Constraint = { min: 0 };

const constraints: ConstraintTable = {
  endTime: time,
  "entity.attributes": { max: 10 },
  "entity.keyAttributes": { min: 2, max: 4 },
  filterPattern: { max: 1_024 },
  kmsKeyId: { max: 256 },
  limit: { min: 1, max: 50 },
  "FilterLogEvents:limit": { min: 1, max: 10_000 },
  "GetLogEvents:limit": { min: 1, max: 10_000 },
  logEventFilterPattern: { max: 1_024 },
  logEvents: { min: 1, max: 10_000 },
  "logEvents[].message": { min: 1 },
  "logEvents[].timestamp": time,
  logGroupClass: { values: ["STANDARD", "INFREQUENT_ACCESS", "DELIVERY", "ESSENTIALS"] },
  logGroupIdentifier: groupIdentifier,
  logGroupIdentifiers: { min: 1, max: 50 },
  "StartLiveTail:logGroupIdentifiers": { min: 1, max: 10 },
  "logGroupIdentifiers[]": groupIdentifier,
  logGroupName: groupName,
  logGroupNamePattern: { max: 512, pattern: /[.\-_/#A-Za-z0-9]*/u },
  logGroupNamePrefix: groupName,
  logStreamName: streamName,
  logStreamNamePrefix: streamName,
  logStreamNamePrefixes: { min: 1, max: 100 },
  "logStreamNamePrefixes[]": streamName,
  logStreamNames: { min: 1, max: 100 },
  "logStreamNames[]": streamName,
  nextToken: { min: 1 },
  orderBy: { values: ["LogStreamName", "LastEventTime"] },
  policyDocument: { min: 1, max: 51_200 },
  policyScope: { values: ["ACCOUNT", "RESOURCE"] },
  resourceArn: { min: 1, max: 1_011, pattern: /[\w+=/:,.@-]*/u },
  sequenceToken: { min: 1 },
  startTime: time,
  tagKeys: { max: 50 },
  "tagKeys[]": tagKey,
  tags: { min: 1, max: 50 },
  "tags{key}": tagKey,
  "tags{value}": tagValue,
  "UntagLogGroup:tags": { min: 1 },
  "UntagLogGroup:tags[]": tagKey,
};

/** The same service, whose operations see only input that keeps the rules of the table. */
export function withConstraints(service: Service): Service {
  const operations = new Map<string, Operation>();
  for (const [operationName, operation] of service.operations) {
    const rules = rulesOf(operationName);
    operations.set(operationName, {
      ...operation,
      handle: async (input, context) => {
        checkInput(input, rules);
        return operation.handle(input, context);
      },
    });
  }
  return { ...service, operations };
}

interface Rule extends Constraint {
  readonly steps: readonly string[];
}

function rulesOf(operationName: string): readonly Rule[] {
  const own = `${operationName}:`;
  return Object.entries(constraints).flatMap(([path, constraint]) => {
    if (path.includes(":") && !path.startsWith(own)) return [];
    if (`${own}${path}` in constraints) return [];
    const plain = path.startsWith(own) ? path.slice(own.length) : path;
    return [{ ...constraint, steps: plain.replaceAll(/\[\]|\{\w+\}/g, ".$&").split(".") }];
  });
}

function checkInput(input: object, rules: readonly Rule[]): void {
  const breaches: string[] = [];
  for (const rule of rules) {
    for (const { at, value } of select(input, rule.steps, "")) {
      for (const demand of broken(value, rule)) {
        breaches.push(
          `Value '${describe(value)}' at '${at}' failed to satisfy constraint: ${demand}`,
        );
      }
    }
    if (breaches.length >= breachesMax) break;
  }
  if (breaches.length === 0) return;
  const noun = breaches.length === 1 ? "error" : "errors";
  throw invalidParameter(
    `${breaches.length} validation ${noun} detected: ${breaches.slice(0, breachesMax).join("; ")}`,
  );
}

/** Sentences in one answer; ten thousand bad events need not be listed. */
const breachesMax = 10;

interface Found {
  /** As the real service spells it: `logEvents.1.member.message`. */
  readonly at: string;
  readonly value: unknown;
}

function select(value: unknown, steps: readonly string[], at: string): readonly Found[] {
  const [step, ...rest] = steps;
  if (value === undefined || value === null) return [];
  if (step === undefined) return [{ at, value }];
  if (step === "[]") {
    if (!Array.isArray(value)) return [];
    return value.flatMap((entry, index) => select(entry, rest, `${at}.${index + 1}.member`));
  }
  if (typeof value !== "object" || Array.isArray(value)) return [];
  if (step === "{key}") return Object.keys(value).flatMap((key) => select(key, rest, at));
  if (step === "{value}") {
    return Object.entries(value).flatMap(([key, one]) => select(one, rest, `${at}.${key}.member`));
  }
  const member = (value as Record<string, unknown>)[step]; // decoded input is plain objects
  return select(member, rest, at === "" ? step : `${at}.${step}`);
}

function broken(value: unknown, rule: Constraint): readonly string[] {
  const demands: string[] = [];
  const size = sizeOf(value);
  const noun = typeof value === "number" ? "value" : "length";
  if (rule.max !== undefined && size > rule.max) {
    demands.push(`Member must have ${noun} less than or equal to ${rule.max}`);
  }
  if (rule.min !== undefined && size < rule.min) {
    demands.push(`Member must have ${noun} greater than or equal to ${rule.min}`);
  }
  if (typeof value !== "string") return demands;
  if (rule.pattern && !new RegExp(`^(?:${rule.pattern.source})$`, "u").test(value)) {
    demands.push(`Member must satisfy regular expression pattern: ${rule.pattern.source}`);
  }
  if (rule.values && !rule.values.includes(value)) {
    demands.push(`Member must satisfy enum value set: [${rule.values.join(", ")}]`);
  }
  return demands;
}

function sizeOf(value: unknown): number {
  if (typeof value === "number") return value;
  if (typeof value === "string" || Array.isArray(value)) return value.length;
  return typeof value === "object" && value !== null ? Object.keys(value).length : 0;
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((entry) => describe(entry)).join(", ")}]`;
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 1_024 ? `${text.slice(0, 1_024)}…` : text;
}
