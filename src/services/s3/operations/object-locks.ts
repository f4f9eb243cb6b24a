import type { RequestContext } from "#base/context.ts";
import { loadBucket, saveBucket } from "../buckets.ts";
import type { Input, Output, S3Deps } from "../deps.ts";
import { readRetention } from "../descriptions.ts";
import { invalidRequest, malformedXml, s3Error } from "../errors.ts";
import { checkRetentionChange } from "../locks.ts";
import { findReadable } from "../lookups.ts";
import type { BucketRecord } from "../records.ts";
import { rewriteVersion } from "../versions.ts";

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html (seen 2026-11) */
export async function putObjectRetention(
  deps: S3Deps,
  input: Input<"PutObjectRetention">,
  context: RequestContext,
): Promise<Output<"PutObjectRetention">> {
  const { Mode: mode, RetainUntilDate: until } = input.Retention ?? {};
  const nowMs = deps.clock.nowMs();
  const isRemoval = mode === undefined && until === undefined;
  if (!isRemoval && (mode === undefined || until === undefined)) throw malformedXml();
  const retention = isRemoval ? undefined : readRetention(mode, until, nowMs);
  await deps.store.write((tx) => {
    const bucket = lockable(loadBucket(tx, input, { context, mode: deps.mode }));
    const at = { bucket, key: input.Key };
    const record = findReadable(tx, at, input.VersionId);
    checkRetentionChange(record, retention, {
      nowMs,
      bypassesGovernance: input.BypassGovernanceRetention === true,
    });
    const { retention: _before, ...rest } = record;
    rewriteVersion(tx, at, retention ? { ...rest, retention } : rest);
  });
  return {};
}

export async function getObjectRetention(
  deps: S3Deps,
  input: Input<"GetObjectRetention">,
  context: RequestContext,
): Promise<Output<"GetObjectRetention">> {
  return deps.store.read((reader) => {
    const bucket = lockable(loadBucket(reader, input, { context, mode: deps.mode }));
    const { retention } = findReadable(reader, { bucket, key: input.Key }, input.VersionId);
    if (!retention) throw noSuchLock();
    return { Retention: { Mode: retention.mode, RetainUntilDate: new Date(retention.untilMs) } };
  });
}

export async function putObjectLegalHold(
  deps: S3Deps,
  input: Input<"PutObjectLegalHold">,
  context: RequestContext,
): Promise<Output<"PutObjectLegalHold">> {
  const status = input.LegalHold?.Status;
  if (status !== "ON" && status !== "OFF") throw malformedXml();
  await deps.store.write((tx) => {
    const bucket = lockable(loadBucket(tx, input, { context, mode: deps.mode }));
    const at = { bucket, key: input.Key };
    const { hasLegalHold: _before, ...rest } = findReadable(tx, at, input.VersionId);
    rewriteVersion(tx, at, status === "ON" ? { ...rest, hasLegalHold: true } : rest);
  });
  return {};
}

export async function getObjectLegalHold(
  deps: S3Deps,
  input: Input<"GetObjectLegalHold">,
  context: RequestContext,
): Promise<Output<"GetObjectLegalHold">> {
  return deps.store.read((reader) => {
    const bucket = lockable(loadBucket(reader, input, { context, mode: deps.mode }));
    const { hasLegalHold } = findReadable(reader, { bucket, key: input.Key }, input.VersionId);
    return { LegalHold: { Status: hasLegalHold ? "ON" : "OFF" } };
  });
}

export async function putObjectLockConfiguration(
  deps: S3Deps,
  input: Input<"PutObjectLockConfiguration">,
  context: RequestContext,
): Promise<Output<"PutObjectLockConfiguration">> {
  const { ObjectLockEnabled: enabled, Rule: rule } = input.ObjectLockConfiguration ?? {};
  if (enabled !== "Enabled") throw malformedXml();
  const { Mode, Days, Years } = rule?.DefaultRetention ?? {};
  if (rule) {
    const isOne = (Days === undefined) !== (Years === undefined);
    if ((Mode !== "GOVERNANCE" && Mode !== "COMPLIANCE") || !isOne) throw malformedXml();
    if ((Days ?? Years ?? 0) <= 0) {
      throw s3Error(
        "InvalidArgument",
        "Default retention period must be a positive integer value.",
      );
    }
  }
  await deps.store.write((tx) => {
    const bucket = loadBucket(tx, input, { context, mode: deps.mode });
    if (bucket.versioning !== "Enabled") {
      throw s3Error(
        "InvalidBucketState",
        "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
        { status: 409 },
      );
    }
    const { "object-lock": _before, ...others } = bucket.settings;
    const settings = rule ? { ...others, "object-lock": { Rule: rule } } : others;
    saveBucket(tx, { ...bucket, hasObjectLock: true, settings });
  });
  return {};
}

export async function getObjectLockConfiguration(
  deps: S3Deps,
  input: Input<"GetObjectLockConfiguration">,
  context: RequestContext,
): Promise<Output<"GetObjectLockConfiguration">> {
  return deps.store.read((reader) => {
    const bucket = loadBucket(reader, input, { context, mode: deps.mode });
    if (!bucket.hasObjectLock) {
      throw s3Error(
        "ObjectLockConfigurationNotFoundError",
        "Object Lock configuration does not exist for this bucket",
        { status: 404, fields: { BucketName: bucket.name } },
      );
    }
    const stored = bucket.settings["object-lock"] as object | undefined; // stored by the operation above
    return { ObjectLockConfiguration: { ObjectLockEnabled: "Enabled", ...stored } };
  });
}

function lockable(bucket: BucketRecord): BucketRecord {
  if (bucket.hasObjectLock) return bucket;
  throw invalidRequest("Bucket is missing Object Lock Configuration");
}

function noSuchLock(): Error {
  return s3Error(
    "NoSuchObjectLockConfiguration",
    "The specified object does not have a ObjectLock configuration",
    { status: 404 },
  );
}
