import type { Reader, Transaction } from "#storage/storage.ts";
import { dropContent } from "./contents.ts";
import { sequencesPerMs } from "./limits.ts";
import { keys, objectCodec, readRecord, type BucketRecord, type ObjectRecord } from "./records.ts";

/** Which object of which bucket. */
export interface At {
  readonly bucket: BucketRecord;
  readonly key: string;
}

export interface FoundVersion {
  readonly record: ObjectRecord;
  /** What a request without a version id means, or the delete marker that hides it. */
  readonly isLatest: boolean;
}

/** The object itself; undefined when there is none or a delete marker hides it. */
export function findCurrent(reader: Reader, { bucket, key }: At): ObjectRecord | undefined {
  return readRecord(reader, keys.object(bucket.name, key), objectCodec);
}

/** The newest version, a delete marker too. */
export function findLatest(reader: Reader, at: At): ObjectRecord | undefined {
  return findCurrent(reader, at) ?? findNewestHidden(reader, at);
}

/** Buckets that never had versions have nothing to look for. */
function findNewestHidden(reader: Reader, { bucket, key }: At): ObjectRecord | undefined {
  if (bucket.versioning === undefined) return undefined;
  for (const { value } of reader.list(keys.versionsOf(bucket.name, key), { limit: 1 })) {
    return objectCodec.decode(value);
  }
  return undefined;
}

/** `null` names the version from a time without versioning. */
export function findVersion(reader: Reader, at: At, versionId: string): FoundVersion | undefined {
  const { bucket, key } = at;
  const current = findCurrent(reader, at);
  if (current && versionIdOf(current) === versionId) return { record: current, isLatest: true };
  if (bucket.versioning === undefined) return undefined;
  const sequence = versionId === "null" ? findNull(reader, at) : sequenceOf(versionId);
  if (sequence === undefined) return undefined;
  const record = readRecord(reader, keys.version(bucket.name, key, sequence), objectCodec);
  if (!record || versionIdOf(record) !== versionId) return undefined;
  const isLatest = !current && findNewestHidden(reader, at)?.sequence === sequence;
  return { record, isLatest };
}

export function versionIdOf(record: Pick<ObjectRecord, "versionId">): string {
  return record.versionId ?? "null";
}

/** What a version is made of, before it is known where it stands. */
export type Draft = Omit<ObjectRecord, "sequence" | "versionId">;

export interface Saving {
  readonly nowMs: number;
  /** 17 bytes: what makes the version id unguessable. */
  readonly random: Uint8Array;
}

/**
 * Makes the draft the newest version, by the rules of the bucket's versioning
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/AddingObjectstoVersionSuspendedBuckets.html).
 * A delete marker hides what was there.
 */
export function saveVersion(
  tx: Transaction,
  at: At,
  {
    draft,
    saving,
  }: {
    readonly draft: Draft;
    readonly saving: Saving;
  },
): ObjectRecord {
  const { bucket, key } = at;
  const current = findCurrent(tx, at);
  const newest = current ?? findNewestHidden(tx, at);
  const sequence = nextSequence(newest, saving.nowMs);
  const isVersioned = bucket.versioning === "Enabled";
  const record: ObjectRecord = {
    ...draft,
    sequence,
    ...(isVersioned && { versionId: formatVersionId(sequence, saving.random) }),
  };
  if (!isVersioned) removeNull(tx, at, current);
  if (current && (isVersioned || current.versionId !== undefined)) hide(tx, at, current);
  if (record.isDeleteMarker) {
    tx.delete(keys.object(bucket.name, key));
    hide(tx, at, record);
  } else {
    tx.put(keys.object(bucket.name, key), objectCodec.encode(record));
  }
  return record;
}

/** Replaces what is said of a version, not which it is. */
export function rewriteVersion(tx: Transaction, { bucket, key }: At, record: ObjectRecord): void {
  const current = findCurrent(tx, { bucket, key });
  const place =
    current?.sequence === record.sequence
      ? keys.object(bucket.name, key)
      : keys.version(bucket.name, key, record.sequence);
  tx.put(place, objectCodec.encode(record));
}

/** For good, with its bytes; what was hidden behind it comes to light. */
export function removeVersion(tx: Transaction, at: At, record: ObjectRecord): void {
  const { bucket, key } = at;
  const current = findCurrent(tx, at);
  dropContent(tx, record.contentId);
  if (current?.sequence === record.sequence) tx.delete(keys.object(bucket.name, key));
  else unhide(tx, at, record);
  if (bucket.versioning === undefined || (current && current.sequence !== record.sequence)) return;
  const next = findNewestHidden(tx, at);
  if (!next || next.isDeleteMarker) return;
  unhide(tx, at, next);
  tx.put(keys.object(bucket.name, key), objectCodec.encode(next));
}

function hide(tx: Transaction, { bucket, key }: At, record: ObjectRecord): void {
  tx.put(keys.version(bucket.name, key, record.sequence), objectCodec.encode(record));
  if (record.versionId === undefined) {
    tx.put(keys.nullVersion(bucket.name, key), Buffer.from(String(record.sequence), "latin1"));
  }
}

function unhide(tx: Transaction, { bucket, key }: At, record: ObjectRecord): void {
  tx.delete(keys.version(bucket.name, key, record.sequence));
  if (record.versionId === undefined) tx.delete(keys.nullVersion(bucket.name, key));
}

/** There is one null version at most: a new one takes its place. */
function removeNull(tx: Transaction, at: At, current: ObjectRecord | undefined): void {
  if (current && current.versionId === undefined) {
    dropContent(tx, current.contentId);
    return;
  }
  const sequence = findNull(tx, at);
  if (sequence === undefined) return;
  const { bucket, key } = at;
  const record = readRecord(tx, keys.version(bucket.name, key, sequence), objectCodec);
  if (!record) return;
  dropContent(tx, record.contentId);
  unhide(tx, at, record);
}

function findNull(reader: Reader, { bucket, key }: At): number | undefined {
  if (bucket.versioning === undefined) return undefined;
  const known = reader.get(keys.nullVersion(bucket.name, key));
  return known && Number(Buffer.from(known).toString("latin1"));
}

/** Later than the version before, also when the clock has been set back. */
function nextSequence(newest: ObjectRecord | undefined, nowMs: number): number {
  return Math.max(nowMs * sequencesPerMs, (newest?.sequence ?? 0) + 1);
}

const sequenceBytes = 7;

/** Opaque to callers; to us the sequence, so that a version is found without looking for it. */
function formatVersionId(sequence: number, random: Uint8Array): string {
  const bytes = Buffer.alloc(sequenceBytes + random.byteLength);
  bytes.writeUIntBE(Math.floor(sequence / 2 ** 32), 0, 3);
  bytes.writeUInt32BE(sequence % 2 ** 32, 3);
  bytes.set(random, sequenceBytes);
  return bytes.toString("base64url");
}

function sequenceOf(versionId: string): number | undefined {
  if (!/^[\w-]{32}$/.test(versionId)) return undefined;
  const bytes = Buffer.from(versionId, "base64url");
  return bytes.readUIntBE(0, 3) * 2 ** 32 + bytes.readUInt32BE(3);
}
