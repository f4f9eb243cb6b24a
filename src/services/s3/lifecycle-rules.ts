import type { Input } from "./deps.ts";
import { invalidArgument, malformedXml, s3Error } from "./errors.ts";
import { lifecycleRulesMax } from "./limits.ts";
import type { ObjectRecord } from "./records.ts";

type SdkRule = NonNullable<
  NonNullable<Input<"PutBucketLifecycleConfiguration">["LifecycleConfiguration"]>["Rules"]
>[number];

/** A rule as it is stored: the API's form with times in epoch milliseconds. */
export interface LifecycleRule extends Omit<SdkRule, "Expiration" | "Transitions"> {
  readonly expiration?:
    | { readonly days?: number; readonly dateMs?: number; readonly expiresMarkers?: boolean }
    | undefined;
  readonly transitions?: readonly {
    readonly days?: number | undefined;
    readonly dateMs?: number | undefined;
    readonly storageClass?: string | undefined;
  }[];
}

interface StoredLifecycle {
  readonly rules: readonly LifecycleRule[];
  readonly minimumSize: string | undefined;
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html (seen 2026-11) */
export function encodeLifecycle(input: object): unknown {
  const { LifecycleConfiguration, TransitionDefaultMinimumObjectSize: minimumSize } =
    input as Input<"PutBucketLifecycleConfiguration">; // its row
  const rules = LifecycleConfiguration?.Rules ?? [];
  if (rules.length === 0 || rules.length > lifecycleRulesMax) throw malformedXml();
  const ids = new Set<string>();
  const stored = rules.map((rule, index): LifecycleRule => {
    checkRule(rule);
    const id = rule.ID ?? `rule-${index + 1}`;
    if (ids.has(id)) throw invalidArgument("Rule ID must be unique", "ID", id);
    ids.add(id);
    const { Expiration: expiration, Transitions: transitions, ...rest } = rule;
    return {
      ...rest,
      ID: id,
      ...(expiration && {
        expiration: {
          ...(expiration.Days !== undefined && { days: expiration.Days }),
          ...(expiration.Date && { dateMs: expiration.Date.getTime() }),
          ...(expiration.ExpiredObjectDeleteMarker !== undefined && {
            expiresMarkers: expiration.ExpiredObjectDeleteMarker,
          }),
        },
      }),
      ...(transitions && {
        transitions: transitions.map((each) => ({
          days: each.Days,
          dateMs: each.Date?.getTime(),
          storageClass: each.StorageClass,
        })),
      }),
    };
  });
  return { rules: stored, minimumSize } satisfies StoredLifecycle;
}

function checkRule(rule: SdkRule): void {
  if (rule.Status !== "Enabled" && rule.Status !== "Disabled") throw malformedXml();
  if ((rule.ID?.length ?? 0) > 255) {
    throw invalidArgument("ID length should not exceed allowed limit of 255", "ID", rule.ID ?? "");
  }
  if (rule.Filter !== undefined && rule.Prefix !== undefined) throw malformedXml();
  if (rule.Filter === undefined && rule.Prefix === undefined) throw malformedXml();
  const { Expiration: expiration } = rule;
  const actions = [
    expiration,
    rule.Transitions,
    rule.NoncurrentVersionExpiration,
    rule.NoncurrentVersionTransitions,
    rule.AbortIncompleteMultipartUpload,
  ];
  if (actions.every((action) => action === undefined)) {
    throw s3Error("InvalidRequest", "At least one action needs to be specified in a rule");
  }
  if (expiration?.Days !== undefined && expiration.Days <= 0) {
    throw invalidArgument(
      "'Days' for Expiration action must be a positive integer",
      "Days",
      String(expiration.Days),
    );
  }
  const { Date: date } = expiration ?? {};
  if (date && date.getTime() % dayMs !== 0) {
    throw invalidArgument("'Date' must be at midnight GMT", "Date", date.toISOString());
  }
}

const dayMs = 86_400_000;

/** The answer of GetBucketLifecycleConfiguration. */
export function readLifecycle(stored: object): object {
  const { rules, minimumSize } = stored as StoredLifecycle; // as `encodeLifecycle` wrote it
  return {
    Rules: rules.map(({ expiration, transitions, ...rest }) => ({
      ...rest,
      ...(expiration && {
        Expiration: {
          Days: expiration.days,
          ...(expiration.dateMs !== undefined && { Date: new Date(expiration.dateMs) }),
          ExpiredObjectDeleteMarker: expiration.expiresMarkers,
        },
      }),
      ...(transitions && {
        Transitions: transitions.map((each) => ({
          Days: each.days,
          ...(each.dateMs !== undefined && { Date: new Date(each.dateMs) }),
          StorageClass: each.storageClass,
        })),
      }),
    })),
    TransitionDefaultMinimumObjectSize: minimumSize ?? "all_storage_classes_128K",
  };
}

export function enabledRules(stored: unknown): readonly LifecycleRule[] {
  const { rules = [] } = (stored ?? {}) as Partial<StoredLifecycle>; // as `encodeLifecycle` wrote it
  return rules.filter(({ Status }) => Status === "Enabled");
}

/** Whether a rule is about an object. */
export function concerns(rule: LifecycleRule, record: ObjectRecord): boolean {
  const { Filter: filter } = rule;
  const and = filter?.And;
  const prefix = rule.Prefix ?? filter?.Prefix ?? and?.Prefix ?? "";
  if (!record.key.startsWith(prefix)) return false;
  const larger = filter?.ObjectSizeGreaterThan ?? and?.ObjectSizeGreaterThan;
  const smaller = filter?.ObjectSizeLessThan ?? and?.ObjectSizeLessThan;
  if (larger !== undefined && record.byteCount <= larger) return false;
  if (smaller !== undefined && record.byteCount >= smaller) return false;
  const tags = and?.Tags ?? (filter?.Tag ? [filter.Tag] : []);
  return tags.every(({ Key, Value }) =>
    (record.tags ?? []).some(([key, value]) => key === Key && value === Value),
  );
}

/** From age in days: at the next midnight, as S3 rounds. https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html#intro-lifecycle-rules-number-of-days */
export function dueMs(sinceMs: number, days: number): number {
  return Math.ceil((sinceMs + days * dayMs) / dayMs) * dayMs;
}

/** When the current version expires by this rule; undefined when it does not. */
export function expiryOf(rule: LifecycleRule, record: ObjectRecord): number | undefined {
  const { days, dateMs } = rule.expiration ?? {};
  if (days !== undefined) return dueMs(record.atMs, days);
  return dateMs;
}
