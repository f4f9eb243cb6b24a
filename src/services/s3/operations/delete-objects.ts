import type { RequestContext } from "#base/context.ts";
import type { Transaction } from "#storage/storage.ts";
import { loadBucket } from "../buckets.ts";
import { matchesEtag } from "../conditions.ts";
import type { Input, Output, S3Deps } from "../deps.ts";
import { checkKey } from "../descriptions.ts";
import { invalidArgument, malformedXml, preconditionFailed } from "../errors.ts";
import { deleteObjectsMax } from "../limits.ts";
import { checkUnlocked } from "../locks.ts";
import { randomVersion } from "../saving.ts";
import {
  type At,
  findCurrent,
  findVersion,
  removeVersion,
  type Saving,
  saveVersion,
  versionIdOf,
} from "../versions.ts";

interface Deletion {
  readonly versionId: string | undefined;
  readonly ifMatch: string | undefined;
  readonly bypassesGovernance: boolean;
  readonly saving: Saving;
  readonly accountId: string;
}

/** What was done; empty when there was nothing to do. */
interface Deleted {
  /** Of the version that is gone for good. */
  readonly versionId?: string;
  /** A marker was made, or one is gone. */
  readonly isMarker?: true;
  readonly markerVersionId?: string;
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html (seen 2026-11) */
export async function deleteObject(
  deps: S3Deps,
  input: Input<"DeleteObject">,
  context: RequestContext,
): Promise<Output<"DeleteObject">> {
  const key = checkKey(input.Key);
  const deletion = {
    versionId: input.VersionId,
    ifMatch: input.IfMatch,
    bypassesGovernance: input.BypassGovernanceRetention === true,
    saving: randomVersion(deps),
    accountId: context.principal.accountId,
  };
  const deleted = await deps.store.write((tx) => {
    const bucket = loadBucket(tx, input, { context, mode: deps.mode });
    return remove(tx, { bucket, key }, deletion);
  });
  const versionId = deleted.markerVersionId ?? deleted.versionId;
  return {
    ...(deleted.isMarker && { DeleteMarker: true }),
    ...(versionId !== undefined && { VersionId: versionId }),
  };
}

/** Each key on its own, all in one transaction: what fails for one says so in its own row. */
export async function deleteObjects(
  deps: S3Deps,
  input: Input<"DeleteObjects">,
  context: RequestContext,
): Promise<Output<"DeleteObjects">> {
  const wanted = input.Delete.Objects ?? [];
  if (wanted.length === 0 || wanted.length > deleteObjectsMax) throw malformedXml();
  const savings = wanted.map(() => randomVersion(deps));
  const isQuiet = input.Delete.Quiet === true;
  const rows = await deps.store.write((tx) => {
    const bucket = loadBucket(tx, input, { context, mode: deps.mode });
    return wanted.map(({ Key = "", VersionId, ETag }, index) => {
      const saving = savings[index];
      if (!saving) throw malformedXml();
      try {
        const deletion = {
          versionId: VersionId,
          ifMatch: ETag,
          bypassesGovernance: input.BypassGovernanceRetention === true,
          saving,
          accountId: context.principal.accountId,
        };
        return {
          deleted: rowOf(Key, VersionId, remove(tx, { bucket, key: checkKey(Key) }, deletion)),
        };
      } catch (error) {
        if (!(error instanceof Error) || !("$fault" in error)) throw error;
        const { name: Code, message: Message } = error;
        return { error: { Key, Code, Message, ...(VersionId !== undefined && { VersionId }) } };
      }
    });
  });
  return {
    Deleted: isQuiet ? [] : rows.flatMap(({ deleted }) => deleted ?? []),
    Errors: rows.flatMap(({ error }) => error ?? []),
  };
}

function rowOf(key: string, versionId: string | undefined, deleted: Deleted) {
  return {
    Key: key,
    ...(versionId !== undefined && { VersionId: versionId }),
    ...(deleted.isMarker && {
      DeleteMarker: true,
      DeleteMarkerVersionId: deleted.markerVersionId ?? deleted.versionId,
    }),
  };
}

/** Errors: `PreconditionFailed`, `AccessDenied` for what is locked, `InvalidArgument` for no version id. */
function remove(tx: Transaction, at: At, deletion: Deletion): Deleted {
  const { bucket, key } = at;
  const { versionId, ifMatch, saving } = deletion;
  if (ifMatch !== undefined) {
    const target =
      versionId === undefined ? findCurrent(tx, at) : findVersion(tx, at, versionId)?.record;
    if (!target || !matchesEtag(ifMatch, target.etag)) throw preconditionFailed("If-Match");
  }
  if (versionId !== undefined) return removeOne(tx, at, { ...deletion, versionId });
  if (bucket.versioning === undefined) {
    const current = findCurrent(tx, at);
    if (current) removeVersion(tx, at, current);
    return {};
  }
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
  return { isMarker: true, markerVersionId: versionIdOf(marker) };
}

/** Of a version that is not there nothing is said. */
function removeOne(
  tx: Transaction,
  at: At,
  deletion: Deletion & { readonly versionId: string },
): Deleted {
  const { versionId } = deletion;
  const found = findVersion(tx, at, versionId);
  if (!found) {
    if (versionId !== "null" && !/^[\w.-]{1,1024}$/.test(versionId)) {
      throw invalidArgument("Invalid version id specified", "versionId", versionId);
    }
    return { versionId };
  }
  checkUnlocked(found.record, deletion.saving.nowMs, deletion.bypassesGovernance);
  removeVersion(tx, at, found.record);
  return { versionId, ...(found.record.isDeleteMarker && { isMarker: true as const }) };
}
