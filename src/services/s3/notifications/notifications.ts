import {
  GetBucketNotificationConfiguration$,
  PutBucketNotificationConfiguration$,
} from "@aws-sdk/client-s3";
import type { RequestContext, TraceContext } from "#base/context.ts";
import { derive } from "#base/context.ts";
import { uuid } from "#base/ids.ts";
import type { DeliveryOrigin, TargetRegistry } from "#events/events.ts";
import type { Outbox } from "#events/outbox/outbox.ts";
import type { Transaction } from "#storage/storage.ts";
import { loadBucket, saveBucket } from "../buckets.ts";
import type { Input, S3Deps, S3Rows } from "../deps.ts";
import { notImplemented, s3Error } from "../errors.ts";
import { deliveryAgeMaxMs, deliveryAttemptsMax } from "../limits.ts";
import type { BucketRecord } from "../records.ts";
import {
  matchesRule,
  type NotificationRule,
  type Notifications,
  readConfiguration,
  writeConfiguration,
} from "./configuration.ts";
import { busEvent, type Cause, eventDocument, type ObjectEvent, testDocument } from "./records.ts";

export type { Cause, ObjectEvent } from "./records.ts";

/** The default bus, where it is hosted; `services/eventbridge` satisfies it. */
export interface BusSink {
  /** Inside the caller's transaction. */
  put(
    tx: Transaction,
    event: {
      readonly source: string;
      readonly detailType: string;
      readonly detail: object;
      readonly resources: readonly string[];
      readonly accountId: string;
      readonly region: string;
      readonly trace: TraceContext;
    },
  ): void;
}

export interface NotificationDeps {
  readonly outbox: Pick<Outbox, "add">;
  readonly targets: Pick<TargetRegistry, "find">;
  readonly bus?: BusSink | undefined;
}

/** Tells whoever is configured; part of the transaction of what happened, so neither is without the other. */
export function notify(
  deps: NotificationDeps,
  tx: Transaction,
  { event, cause }: { readonly event: ObjectEvent; readonly cause: Cause },
): void {
  const { bucket, record, name } = event;
  const stored = notificationsOf(bucket);
  if (!stored) return;
  if (stored.hasBus) {
    const { accountId, region } = bucket;
    deps.bus?.put(tx, { ...busEvent(event, cause), accountId, region, trace: cause.trace });
  }
  for (const rule of stored.rules) {
    if (!matchesRule(rule, name, record.key)) continue;
    deps.outbox.add(tx, {
      targetArn: rule.targetArn,
      record: {
        id: `${cause.requestId}.${record.sequence}.${name}.${rule.id}`,
        event: bytesOf(eventDocument(event, cause, rule.id)),
        trace: cause.trace,
      },
      origin: originOf(bucket),
      retry: { attemptsMax: deliveryAttemptsMax, ageMaxMs: deliveryAgeMaxMs },
    });
  }
}

function notificationsOf(bucket: BucketRecord): Notifications | undefined {
  return bucket.settings["notification"] as Notifications | undefined; // stored below
}

function originOf({ name, accountId, region }: BucketRecord): DeliveryOrigin {
  return { service: "s3.amazonaws.com", arn: `arn:aws:s3:::${name}`, accountId, region };
}

function bytesOf(document: object): Uint8Array {
  return Buffer.from(JSON.stringify(document), "utf8");
}

export function notificationOperations(deps: S3Deps): S3Rows {
  return {
    PutBucketNotificationConfiguration: [
      PutBucketNotificationConfiguration$,
      (input, context) => putConfiguration(deps, input, context),
    ],
    GetBucketNotificationConfiguration: [
      GetBucketNotificationConfiguration$,
      async (input, context) => {
        const bucket = await deps.store.read((reader) =>
          loadBucket(reader, input, { context, mode: deps.mode }),
        );
        return writeConfiguration(notificationsOf(bucket));
      },
    ],
  };
}

async function putConfiguration(
  deps: S3Deps,
  input: Input<"PutBucketNotificationConfiguration">,
  context: RequestContext,
): Promise<object> {
  const asker = { context, mode: deps.mode };
  const wanted = readConfiguration(input.NotificationConfiguration, () => uuid(deps.random));
  if (wanted?.hasBus && !deps.bus) throw notImplemented("EventBridgeConfiguration");
  const before = await deps.store.read((reader) => loadBucket(reader, input, asker));
  if (!input.SkipDestinationValidation) {
    for (const rule of wanted?.rules ?? []) await greet(deps, rule, { bucket: before, context });
  }
  await deps.store.write((tx) => {
    const bucket = loadBucket(tx, input, asker);
    const { notification: _before, ...others } = bucket.settings;
    const settings = wanted ? { ...others, notification: wanted } : others;
    saveBucket(tx, { ...bucket, settings });
  });
  return {};
}

/** Queues and topics get a test event; one that cannot take it is not configured. */
async function greet(
  deps: S3Deps,
  rule: NotificationRule,
  { bucket, context }: { readonly bucket: BucketRecord; readonly context: RequestContext },
): Promise<void> {
  const target = deps.targets.find(rule.targetArn);
  if (!target) throw unreachable(rule);
  if (rule.kind === "function") return;
  const event = bytesOf(testDocument(bucket.name, context.requestId, deps.clock.nowMs()));
  const record = { id: `${context.requestId}.test.${rule.id}`, event, trace: context.trace };
  const origin = originOf(bucket);
  const { accountId } = bucket;
  const sender = derive(context, { principal: { arn: "s3.amazonaws.com", accountId } });
  const failed = await target.deliver([record], sender, origin).catch(() => undefined);
  if (!failed || failed.size > 0) throw unreachable(rule);
}

function unreachable({ targetArn }: NotificationRule): Error {
  return s3Error("InvalidArgument", "Unable to validate the following destination configurations", {
    fields: {
      ArgumentName: targetArn,
      ArgumentValue: "The destination could not be found, or does not take events of this bucket",
    },
  });
}
