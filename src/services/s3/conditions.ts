import { noSuchKey, notImplemented, preconditionFailed, s3Error } from "./errors.ts";
import type { ObjectRecord } from "./records.ts";

/** Conditions of a read. */
export interface ReadConditions {
  readonly IfMatch?: string | undefined;
  readonly IfNoneMatch?: string | undefined;
  readonly IfModifiedSince?: Date | undefined;
  readonly IfUnmodifiedSince?: Date | undefined;
}

/**
 * In the order of RFC 9110 section 13.2.2. Errors: `PreconditionFailed`, or 304 with what a cache needs.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html (seen 2026-11)
 */
export function checkRead(record: ObjectRecord, conditions: ReadConditions): void {
  const verdict = judge(record, conditions);
  if (verdict === "holds") return;
  if (verdict !== "not-modified") throw preconditionFailed(verdict);
  throw s3Error("NotModified", "Not Modified", {
    status: 304,
    headers: {
      etag: `"${record.etag}"`,
      "last-modified": new Date(record.atMs).toUTCString(),
      ...(record.versionId !== undefined && { "x-amz-version-id": record.versionId }),
    },
  });
}

/** The same of a copy's source, where nothing is "not modified": it fails. */
export function checkSource(record: ObjectRecord, conditions: ReadConditions): void {
  const verdict = judge(record, conditions);
  if (verdict === "holds") return;
  const unmet = conditions.IfNoneMatch === undefined ? "If-Modified-Since" : "If-None-Match";
  throw preconditionFailed(`x-amz-copy-source-${verdict === "not-modified" ? unmet : verdict}`);
}

function judge(
  record: ObjectRecord,
  conditions: ReadConditions,
): "holds" | "not-modified" | "If-Match" | "If-Unmodified-Since" {
  const { IfMatch, IfNoneMatch, IfModifiedSince, IfUnmodifiedSince } = conditions;
  const atSeconds = Math.floor(record.atMs / 1_000);
  const isAfter = (date: Date): boolean => atSeconds > Math.floor(date.getTime() / 1_000);
  if (IfMatch !== undefined) {
    if (!matchesEtag(IfMatch, record.etag)) return "If-Match";
  } else if (IfUnmodifiedSince && isAfter(IfUnmodifiedSince)) {
    return "If-Unmodified-Since";
  }
  if (IfNoneMatch !== undefined) {
    if (matchesEtag(IfNoneMatch, record.etag)) return "not-modified";
  } else if (IfModifiedSince && !isAfter(IfModifiedSince)) {
    return "not-modified";
  }
  return "holds";
}

/** A list of entity tags, quoted or not, or `*`. */
export function matchesEtag(condition: string, etag: string): boolean {
  return condition.split(",").some((part) => {
    const tag = part.trim().replace(/^W\//, "").replaceAll('"', "");
    return tag === "*" || tag === etag;
  });
}

/**
 * Conditions of a write, judged by what is there when it is committed.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html (seen 2026-11)
 */
export function checkWrite(
  current: ObjectRecord | undefined,
  key: string,
  conditions: Pick<ReadConditions, "IfMatch" | "IfNoneMatch">,
): void {
  const { IfMatch, IfNoneMatch } = conditions;
  if (IfNoneMatch !== undefined) {
    if (IfNoneMatch.trim() !== "*") throw notImplemented("If-None-Match with anything but *");
    if (current) throw preconditionFailed("If-None-Match");
  }
  if (IfMatch === undefined) return;
  if (!current) throw noSuchKey(key);
  if (!matchesEtag(IfMatch, current.etag)) throw preconditionFailed("If-Match");
}
