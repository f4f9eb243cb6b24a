import type { Input } from "../deps.ts";
import { invalidArgument, malformedXml } from "../errors.ts";

type SdkConfiguration = Input<"PutBucketNotificationConfiguration">["NotificationConfiguration"];

/** One rule: which events of which keys go where. */
export interface NotificationRule {
  readonly id: string;
  readonly targetArn: string;
  readonly kind: "queue" | "topic" | "function";
  /** As configured: `s3:ObjectCreated:*`. */
  readonly events: readonly string[];
  readonly prefix: string;
  readonly suffix: string;
  /** Whether the configuration has a filter element, for the answer of Get. */
  readonly filterRules: readonly { readonly Name: "prefix" | "suffix"; readonly Value: string }[];
}

/** A bucket's notification configuration as it is stored. */
export interface Notifications {
  readonly rules: readonly NotificationRule[];
  readonly hasBus: boolean;
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html (seen 2026-11) */
const eventNames = [
  "s3:ObjectCreated:*",
  "s3:ObjectCreated:Put",
  "s3:ObjectCreated:Post",
  "s3:ObjectCreated:Copy",
  "s3:ObjectCreated:CompleteMultipartUpload",
  "s3:ObjectRemoved:*",
  "s3:ObjectRemoved:Delete",
  "s3:ObjectRemoved:DeleteMarkerCreated",
  "s3:ObjectTagging:*",
  "s3:ObjectTagging:Put",
  "s3:ObjectTagging:Delete",
  "s3:ObjectAcl:Put",
  "s3:LifecycleExpiration:*",
  "s3:LifecycleExpiration:Delete",
  "s3:LifecycleExpiration:DeleteMarkerCreated",
  // Accepted, for nothing that they are about happens here.
  "s3:ReducedRedundancyLostObject",
  "s3:ObjectRestore:*",
  "s3:ObjectRestore:Post",
  "s3:ObjectRestore:Completed",
  "s3:ObjectRestore:Delete",
  "s3:Replication:*",
  "s3:Replication:OperationFailedReplication",
  "s3:Replication:OperationNotTracked",
  "s3:Replication:OperationMissedThreshold",
  "s3:Replication:OperationReplicatedAfterThreshold",
  "s3:LifecycleTransition",
  "s3:IntelligentTiering",
];

interface SdkRule {
  readonly Id?: string | undefined;
  readonly Events: readonly string[] | undefined;
  readonly Filter?:
    | {
        readonly Key?:
          | {
              readonly FilterRules?:
                | readonly {
                    readonly Name?: string | undefined;
                    readonly Value?: string | undefined;
                  }[]
                | undefined;
            }
          | undefined;
      }
    | undefined;
}

/** Undefined when nothing is configured. `makeId` names a rule that has no name. */
export function readConfiguration(
  configuration: SdkConfiguration,
  makeId: () => string,
): Notifications | undefined {
  const read = (kind: NotificationRule["kind"], rule: SdkRule, arn: string | undefined) =>
    readRule({ kind, rule, arn, makeId });
  const rules = [
    ...(configuration.TopicConfigurations ?? []).map((rule) => read("topic", rule, rule.TopicArn)),
    ...(configuration.QueueConfigurations ?? []).map((rule) => read("queue", rule, rule.QueueArn)),
    ...(configuration.LambdaFunctionConfigurations ?? []).map((rule) =>
      read("function", rule, rule.LambdaFunctionArn),
    ),
  ];
  const hasBus = configuration.EventBridgeConfiguration !== undefined;
  checkOverlaps(rules);
  return rules.length === 0 && !hasBus ? undefined : { rules, hasBus };
}

const services = { queue: "sqs", topic: "sns", function: "lambda" } as const;

function readRule(given: {
  readonly kind: NotificationRule["kind"];
  readonly rule: SdkRule;
  readonly arn: string | undefined;
  readonly makeId: () => string;
}): NotificationRule {
  const { kind, rule, arn = "" } = given;
  const events = rule.Events ?? [];
  if (events.length === 0) throw malformedXml();
  const unknown = events.find((name) => !eventNames.includes(name));
  if (unknown !== undefined) {
    throw invalidArgument("The event is not supported for notifications", "Event", unknown);
  }
  if (arn.split(":")[2] !== services[kind]) {
    throw invalidArgument("The ARN is not well formed", "ARN", arn);
  }
  const filterRules = (rule.Filter?.Key?.FilterRules ?? []).map(({ Name = "", Value = "" }) => {
    const name = Name.toLowerCase();
    if (name !== "prefix" && name !== "suffix") {
      throw invalidArgument(
        "filter rule name must be either prefix or suffix",
        "FilterRule.Name",
        Name,
      );
    }
    return { Name: name, Value } as const;
  });
  const valueOf = (name: "prefix" | "suffix"): string => {
    const found = filterRules.filter(({ Name }) => Name === name);
    if (found.length > 1) {
      throw invalidArgument(
        `Cannot specify more than one ${name} rule in a filter.`,
        "FilterRule.Name",
        name,
      );
    }
    return found[0]?.Value ?? "";
  };
  const shared = { kind, targetArn: arn, events, filterRules };
  return {
    ...shared,
    id: rule.Id ?? given.makeId(),
    prefix: valueOf("prefix"),
    suffix: valueOf("suffix"),
  };
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html (seen 2026-11) */
function checkOverlaps(rules: readonly NotificationRule[]): void {
  rules.forEach((a, index) => {
    for (const b of rules.slice(index + 1)) {
      const shareEvents = a.events.some((one) => b.events.some((two) => overlap(one, two)));
      const sharePrefix = a.prefix.startsWith(b.prefix) || b.prefix.startsWith(a.prefix);
      const shareSuffix = a.suffix.endsWith(b.suffix) || b.suffix.endsWith(a.suffix);
      if (!shareEvents || !sharePrefix || !shareSuffix) continue;
      throw invalidArgument(
        "Configurations overlap. Configurations on the same bucket cannot share a common event type.",
        "Event",
        a.events.join(","),
      );
    }
  });
}

function overlap(one: string, two: string): boolean {
  return one === two || covers(one, two) || covers(two, one);
}

function covers(pattern: string, name: string): boolean {
  return pattern.endsWith("*") && name.startsWith(pattern.slice(0, -1));
}

/** `eventName` as in a record: `ObjectCreated:Put`. */
export function matchesRule(rule: NotificationRule, eventName: string, key: string): boolean {
  if (!key.startsWith(rule.prefix) || !key.endsWith(rule.suffix)) return false;
  const name = `s3:${eventName}`;
  return rule.events.some((pattern) => pattern === name || covers(pattern, name));
}

/** The answer of GetBucketNotificationConfiguration. */
export function writeConfiguration(stored: Notifications | undefined) {
  const { rules = [], hasBus = false } = stored ?? {};
  const of = (kind: NotificationRule["kind"]) => rules.filter((rule) => rule.kind === kind);
  const shared = ({ id, events, filterRules }: NotificationRule) => ({
    Id: id,
    Events: events as "s3:ObjectCreated:*"[], // checked when they were stored
    ...(filterRules.length > 0 && { Filter: { Key: { FilterRules: [...filterRules] } } }),
  });
  return {
    TopicConfigurations: of("topic").map((rule) => ({ ...shared(rule), TopicArn: rule.targetArn })),
    QueueConfigurations: of("queue").map((rule) => ({ ...shared(rule), QueueArn: rule.targetArn })),
    LambdaFunctionConfigurations: of("function").map((rule) => ({
      ...shared(rule),
      LambdaFunctionArn: rule.targetArn,
    })),
    ...(hasBus && { EventBridgeConfiguration: {} }),
  };
}
