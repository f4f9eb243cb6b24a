import type { Transaction } from "#storage/storage.ts";
import { matchesEtag } from "./conditions.ts";
import { invalidArgument, preconditionFailed } from "./errors.ts";
import { sequencesPerMs } from "./limits.ts";
import { checkUnlocked } from "./locks.ts";
import {
  type Cause,
  type NotificationDeps,
  notify,
  type ObjectEvent,
} from "./notifications/notifications.ts";
import type { ObjectRecord } from "./records.ts";
import {
  type At,
  findCurrent,
  findVersion,
  removeVersion,
  type Saving,
  saveVersion,
  versionIdOf,
} from "./versions.ts";

export interface Deletion {
  readonly versionId: string | undefined;
  readonly ifMatch: string | undefined;
  readonly bypassesGovernance: boolean;
  readonly saving: Saving;
  readonly accountId: string;
  /** What the events about it are called before the colon. */
  readonly events: "ObjectRemoved" | "LifecycleExpiration";
}

/** Where and because of what something is removed. */
export interface Scope {
  readonly deps: NotificationDeps;
  readonly tx: Transaction;
  readonly cause: Cause;
}

/** What was done; empty when there was nothing to do. */
export interface Deleted {
  /** Of the version that is gone for good. */
  readonly versionId?: string;
  /** A marker was made, or one is gone. */
  readonly isMarker?: true;
  readonly markerVersionId?: string;
}

/** Errors: `PreconditionFailed`, `AccessDenied` for what is locked, `InvalidArgument` for no version id. */
export function remove(scope: Scope, at: At, deletion: Deletion): Deleted {
  const { tx } = scope;
  const { bucket } = at;
  const { versionId, ifMatch, saving } = deletion;
  if (ifMatch !== undefined) {
    const target =
      versionId === undefined ? findCurrent(tx, at) : findVersion(tx, at, versionId)?.record;
    if (!target || !matchesEtag(ifMatch, target.etag)) throw preconditionFailed("If-Match");
  }
  if (versionId !== undefined) return removeOne(scope, at, { ...deletion, versionId });
  if (bucket.versioning === undefined) {
    const current = findCurrent(tx, at);
    if (current) {
      removeVersion(tx, at, current);
      tell(scope, {
        name: `${deletion.events}:Delete`,
        bucket,
        record: gone(current, saving),
        atMs: saving.nowMs,
      });
    }
    return {};
  }
  const marker = hideObject(scope, at, deletion);
  return { isMarker: true, markerVersionId: versionIdOf(marker) };
}

function tell({ deps, tx, cause }: Scope, event: ObjectEvent): void {
  notify(deps, tx, { event, cause });
}

/** What an event says of an object that is gone: that it went later than it came. */
function gone(record: ObjectRecord, { nowMs }: Saving): ObjectRecord {
  return { ...record, sequence: Math.max(record.sequence + 1, nowMs * sequencesPerMs) };
}

function hideObject(scope: Scope, at: At, deletion: Deletion): ObjectRecord {
  const { bucket, key } = at;
  const { saving } = deletion;
  const { tx } = scope;
  const marker = saveVersion(tx, at, {
    draft: {
      key,
      atMs: saving.nowMs,
      accountId: deletion.accountId,
      isDeleteMarker: true,
      etag: "",
      byteCount: 0,
      contentId: "",
      headers: {},
      metadata: {},
    },
    saving,
  });
  const name = `${deletion.events}:DeleteMarkerCreated`;
  tell(scope, { name, bucket, record: marker, atMs: saving.nowMs });
  return marker;
}

/** Of a version that is not there nothing is said. */
function removeOne(
  scope: Scope,
  at: At,
  deletion: Deletion & { readonly versionId: string },
): Deleted {
  const { versionId, saving } = deletion;
  const { tx } = scope;
  const found = findVersion(tx, at, versionId);
  if (!found) {
    if (versionId !== "null" && !/^[\w.-]{1,1024}$/.test(versionId)) {
      throw invalidArgument("Invalid version id specified", "versionId", versionId);
    }
    return { versionId };
  }
  checkUnlocked(found.record, deletion.saving.nowMs, deletion.bypassesGovernance);
  removeVersion(tx, at, found.record);
  const record = gone(found.record, saving);
  tell(scope, { name: `${deletion.events}:Delete`, bucket: at.bucket, record, atMs: saving.nowMs });
  return { versionId, ...(found.record.isDeleteMarker && { isMarker: true as const }) };
}
