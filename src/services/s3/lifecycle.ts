import type { Clock } from "#base/clock.ts";
import { uuid } from "#base/ids.ts";
import { keyAfter, keyParts } from "#storage/keys.ts";
import type { KeyRange, Reader, Transaction } from "#storage/storage.ts";
import { findBucket } from "./buckets.ts";
import type { S3Deps } from "./deps.ts";
import { concerns, dueMs, enabledRules, expiryOf, type LifecycleRule } from "./lifecycle-rules.ts";
import { sweepEntriesMax } from "./limits.ts";
import type { Cause } from "./notifications/notifications.ts";
import { isUnlocked } from "./locks.ts";
import {
  type BucketRecord,
  isEmpty,
  keys,
  objectCodec,
  type ObjectRecord,
  uploadCodec,
} from "./records.ts";
import { remove } from "./removals.ts";
import { randomVersion } from "./saving.ts";
import { dropParts } from "./uploads.ts";
import { findCurrent, findLatest, findVersion, type Saving, versionIdOf } from "./versions.ts";

/** Carries out lifecycle configurations, at midnight as S3 does; no timer runs while there are none. */
export interface LifecycleSweeper extends AsyncDisposable {
  /** One pass over every bucket that has rules. */
  sweep(): Promise<void>;
}

const dayMs = 86_400_000;

export function createLifecycleSweeper(deps: S3Deps): LifecycleSweeper {
  const stop = new AbortController();
  let timer: Disposable | undefined;
  let running: Promise<void> | undefined;

  async function pass(): Promise<void> {
    const names = await deps.store.read((reader) =>
      Array.from(reader.list(keys.everyLifecycle()), ({ key }) => String(keyParts(key).at(-1))),
    );
    for (const name of names) {
      if (!stop.signal.aborted) await sweepBucket(deps, name, stop.signal);
    }
  }

  function sweep(): Promise<void> {
    running ??= pass().finally(() => (running = undefined));
    return running;
  }

  async function follow(): Promise<void> {
    for await (const _ of deps.store.watch(keys.everyLifecycle(), stop.signal)) {
      const isIdle = await deps.store.read((reader) => isEmpty(reader, keys.everyLifecycle()));
      if (isIdle) {
        timer?.[Symbol.dispose]();
        timer = undefined;
      } else {
        timer ??= arm();
      }
    }
  }

  function arm(): Disposable {
    return deps.clock.timer(untilMidnightMs(deps.clock), () => {
      timer = undefined;
      sweep()
        .catch((error: unknown) => {
          deps.log.event("s3.lifecycle-failed", { level: "warn", error });
        })
        .finally(() => {
          if (!stop.signal.aborted) timer = arm();
        });
    });
  }

  const following = follow().catch((error: unknown) => {
    if (!stop.signal.aborted) deps.log.event("s3.lifecycle-failed", { level: "warn", error });
  });
  return {
    sweep,
    async [Symbol.asyncDispose]() {
      stop.abort();
      timer?.[Symbol.dispose]();
      await following;
      await running?.catch(() => undefined); // reported by whoever started it
    },
  };
}

function untilMidnightMs(clock: Clock): number {
  return dayMs - (clock.nowMs() % dayMs);
}

interface Sweep {
  readonly deps: S3Deps;
  readonly tx: Transaction;
  readonly bucket: BucketRecord;
  readonly rules: readonly LifecycleRule[];
  readonly cause: Cause;
  readonly saving: Saving;
}

/** Step by step, each a transaction of its own, so that nobody waits long for a bucket's end. */
async function sweepBucket(deps: S3Deps, name: string, signal: AbortSignal): Promise<void> {
  const spaces: readonly (readonly [KeyRange, (sweep: Sweep, value: Uint8Array) => void])[] = [
    [keys.objects(name), sweepCurrent],
    [keys.versions(name), sweepHidden],
    [keys.uploads(name), sweepUpload],
  ];
  for (const [range, visit] of spaces) {
    for (let start: Uint8Array | undefined = range.start; start && !signal.aborted;) {
      start = await step(deps, name, { range: { start, end: range.end }, visit });
    }
  }
}

/** Where the next step begins; undefined at the end. */
async function step(
  deps: S3Deps,
  name: string,
  {
    range,
    visit,
  }: { readonly range: KeyRange; readonly visit: (sweep: Sweep, value: Uint8Array) => void },
): Promise<Uint8Array | undefined> {
  const saving = randomVersion(deps);
  const cause = causeOf(deps);
  return deps.store.write((tx) => {
    const bucket = findBucket(tx, name);
    const rules = bucket ? enabledRules(bucket.settings["lifecycle"]) : [];
    if (!bucket || rules.length === 0) return undefined;
    const entries = Array.from(tx.list(range, { limit: sweepEntriesMax }), ({ key, value }) => ({
      key: Uint8Array.from(key),
      value,
    }));
    for (const { value } of entries) visit({ deps, tx, bucket, rules, cause, saving }, value);
    const last = entries.at(-1);
    return entries.length < sweepEntriesMax || !last ? undefined : keyAfter(last.key);
  });
}

function causeOf(deps: S3Deps): Cause {
  return {
    requestId: uuid(deps.random),
    principal: { arn: "s3.amazonaws.com", accountId: "000000000000" },
    trace: { traceId: traceIdOf(deps), spanId: undefined, sampled: false, hops: 0 },
  };
}

function traceIdOf({ clock, random }: S3Deps): string {
  const seconds = Math.floor(clock.nowMs() / 1_000)
    .toString(16)
    .padStart(8, "0");
  return `1-${seconds}-${Buffer.from(random.bytes(12)).toString("hex")}`;
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html (seen 2026-11) */
function sweepCurrent(sweep: Sweep, value: Uint8Array): void {
  const { bucket, rules, saving } = sweep;
  const record = objectCodec.decode(value);
  const isDue = rules.some((rule) => {
    const atMs = concerns(rule, record) ? expiryOf(rule, record) : undefined;
    return atMs !== undefined && atMs <= saving.nowMs;
  });
  if (!isDue) return;
  // Without versions it is gone for good: what is locked stays.
  if (bucket.versioning === undefined && !isUnlocked(record, saving.nowMs)) return;
  expire(sweep, record, undefined);
}

function sweepHidden(sweep: Sweep, value: Uint8Array): void {
  const { tx, bucket, rules, saving } = sweep;
  const record = objectCodec.decode(value);
  const at = { bucket, key: record.key };
  if (record.isDeleteMarker && findLatest(tx, at)?.sequence === record.sequence) {
    if (hasOthers(tx, bucket, record)) return;
    const expires = rules.some(
      (rule) => concerns(rule, record) && (rule.expiration?.expiresMarkers ?? false),
    );
    if (expires) expire(sweep, record, versionIdOf(record));
    return;
  }
  const newer = newerVersions(tx, bucket, record);
  const since = newer.at(-1); // it became noncurrent when the next one came
  if (!since) return;
  const isDue = rules.some((rule) => {
    const { NoncurrentDays: days, NewerNoncurrentVersions: kept = 0 } =
      rule.NoncurrentVersionExpiration ?? {};
    if (days === undefined || !concerns(rule, record)) return false;
    return newer.length - 1 >= kept && dueMs(since.atMs, days) <= saving.nowMs;
  });
  if (isDue && isUnlocked(record, saving.nowMs)) expire(sweep, record, versionIdOf(record));
}

function expire(sweep: Sweep, { key }: ObjectRecord, versionId: string | undefined): void {
  const { deps, tx, bucket, cause, saving } = sweep;
  if (versionId !== undefined && !findVersion(tx, { bucket, key }, versionId)) return;
  remove(
    { deps, tx, cause },
    { bucket, key },
    {
      versionId,
      ifMatch: undefined,
      bypassesGovernance: false,
      saving: { ...saving, random: Uint8Array.from(deps.random.bytes(17)) },
      accountId: bucket.accountId,
      events: "LifecycleExpiration",
    },
  );
}

function hasOthers(reader: Reader, bucket: BucketRecord, marker: ObjectRecord): boolean {
  if (findCurrent(reader, { bucket, key: marker.key })) return true;
  let count = 0;
  for (const _ of reader.list(keys.versionsOf(bucket.name, marker.key), { limit: 2 })) count++;
  return count > 1;
}

/** Newest first. */
function newerVersions(reader: Reader, bucket: BucketRecord, record: ObjectRecord): ObjectRecord[] {
  const current = findCurrent(reader, { bucket, key: record.key });
  const newer = current ? [current] : [];
  for (const { value } of reader.list(keys.versionsOf(bucket.name, record.key))) {
    const version = objectCodec.decode(value);
    if (version.sequence <= record.sequence) break;
    newer.push(version);
  }
  return newer;
}

function sweepUpload({ tx, bucket, rules, saving }: Sweep, value: Uint8Array): void {
  const { key, uploadId, createdMs } = uploadCodec.decode(value);
  const isDue = rules.some((rule) => {
    const days = rule.AbortIncompleteMultipartUpload?.DaysAfterInitiation;
    const prefix = rule.Prefix ?? rule.Filter?.Prefix ?? rule.Filter?.And?.Prefix ?? "";
    return days !== undefined && key.startsWith(prefix) && dueMs(createdMs, days) <= saving.nowMs;
  });
  if (!isDue) return;
  dropParts(tx, uploadId);
  tx.delete(keys.upload(bucket.name, key, uploadId));
}
