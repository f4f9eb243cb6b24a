import type { RequestContext } from "#base/context.ts";
import { loadBucket } from "../buckets.ts";
import type { Input, Output, S3Deps } from "../deps.ts";
import { checkKey } from "../descriptions.ts";
import { malformedXml } from "../errors.ts";
import { deleteObjectsMax } from "../limits.ts";
import { type Deleted, remove } from "../removals.ts";
import { randomVersion } from "../saving.ts";

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
    events: "ObjectRemoved" as const,
  };
  const deleted = await deps.store.write((tx) => {
    const bucket = loadBucket(tx, input, { context, mode: deps.mode });
    return remove({ deps, tx, cause: context }, { bucket, key }, deletion);
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
    const scope = { deps, tx, cause: context };
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
          events: "ObjectRemoved" as const,
        };
        return {
          deleted: rowOf(Key, VersionId, remove(scope, { bucket, key: checkKey(Key) }, deletion)),
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
