import type { RequestContext } from "#base/context.ts";
import { loadBucket } from "../buckets.ts";
import type { Input, Output, S3Deps } from "../deps.ts";
import { findReadable } from "../lookups.ts";
import { notify } from "../notifications/notifications.ts";
import { versionIdMember } from "../outputs.ts";
import { readTagSet, tagSet, type Tags } from "../tags.ts";
import { rewriteVersion } from "../versions.ts";

export async function putObjectTagging(
  deps: S3Deps,
  input: Input<"PutObjectTagging">,
  context: RequestContext,
): Promise<Output<"PutObjectTagging">> {
  const tags = readTagSet(input.Tagging, "object");
  return { VersionId: await setTags(deps, input, { context, tags }) };
}

export async function deleteObjectTagging(
  deps: S3Deps,
  input: Input<"DeleteObjectTagging">,
  context: RequestContext,
): Promise<Output<"DeleteObjectTagging">> {
  return { VersionId: await setTags(deps, input, { context, tags: [], isDeletion: true }) };
}

async function setTags(
  deps: S3Deps,
  input: Input<"DeleteObjectTagging">,
  {
    context,
    tags,
    isDeletion = false,
  }: { readonly context: RequestContext; readonly tags: Tags; readonly isDeletion?: boolean },
): Promise<string | undefined> {
  return deps.store.write((tx) => {
    const bucket = loadBucket(tx, input, { context, mode: deps.mode });
    const at = { bucket, key: input.Key };
    const record = findReadable(tx, at, input.VersionId);
    const { tags: _before, ...rest } = record;
    rewriteVersion(tx, at, tags.length > 0 ? { ...rest, tags } : rest);
    const name = isDeletion ? "ObjectTagging:Delete" : "ObjectTagging:Put";
    notify(deps, tx, { event: { name, bucket, record, atMs: deps.clock.nowMs() }, cause: context });
    return versionIdMember(record, bucket);
  });
}

export async function getObjectTagging(
  deps: S3Deps,
  input: Input<"GetObjectTagging">,
  context: RequestContext,
): Promise<Output<"GetObjectTagging">> {
  return deps.store.read((reader) => {
    const bucket = loadBucket(reader, input, { context, mode: deps.mode });
    const record = findReadable(reader, { bucket, key: input.Key }, input.VersionId);
    return { TagSet: tagSet(record.tags), VersionId: versionIdMember(record, bucket) };
  });
}
