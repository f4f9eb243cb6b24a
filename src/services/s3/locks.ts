import { s3Error } from "./errors.ts";
import type { ObjectRecord, Retention } from "./records.ts";

/**
 * Errors: `AccessDenied` for a version under a legal hold or before its retention is over; governance may
 * be bypassed, compliance never. https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html
 */
export function checkUnlocked(
  record: ObjectRecord,
  nowMs: number,
  bypassesGovernance: boolean,
): void {
  const isBypassed = bypassesGovernance && record.retention?.mode === "GOVERNANCE";
  const { retention: _bypassed, ...rest } = record;
  if (!isUnlocked(isBypassed ? rest : record, nowMs)) throw locked();
}

/** Neither under a legal hold nor before the end of its retention. */
export function isUnlocked(
  record: Pick<ObjectRecord, "retention" | "hasLegalHold">,
  nowMs: number,
): boolean {
  return !record.hasLegalHold && (record.retention?.untilMs ?? 0) <= nowMs;
}

/**
 * Errors: `AccessDenied`. A retention may be made longer by anybody; shorter, looser or gone only while it
 * is over, or by who may bypass governance.
 */
export function checkRetentionChange(
  record: ObjectRecord,
  wanted: Retention | undefined,
  asked: { readonly nowMs: number; readonly bypassesGovernance: boolean },
): void {
  const { retention } = record;
  if (!retention || retention.untilMs <= asked.nowMs) return;
  const isStricter =
    wanted !== undefined &&
    wanted.untilMs >= retention.untilMs &&
    (wanted.mode === retention.mode || wanted.mode === "COMPLIANCE");
  if (isStricter) return;
  if (retention.mode === "GOVERNANCE" && asked.bypassesGovernance) return;
  throw locked();
}

function locked(): Error {
  return s3Error("AccessDenied", "Access Denied because object protected by object lock.", {
    status: 403,
  });
}
