import type { RequestContext } from "#base/context.ts";
import { loadBucket } from "../buckets.ts";
import { checksumMembers } from "../checksums.ts";
import { checkWrite } from "../conditions.ts";
import { saveContent } from "../contents.ts";
import type { Input, Output, S3Deps } from "../deps.ts";
import { checkKey, describe } from "../descriptions.ts";
import { notImplemented, s3Error } from "../errors.ts";
import { putBytesMax } from "../limits.ts";
import { notify } from "../notifications/notifications.ts";
import { encryptionMembers, quoted, versionIdMember } from "../outputs.ts";
import { receive } from "../receive.ts";
import { findCurrent, saveVersion } from "../versions.ts";
import { randomVersion } from "../saving.ts";

export async function putObject(
  deps: S3Deps,
  input: Input<"PutObject">,
  context: RequestContext,
): Promise<Output<"PutObject">> {
  return storeObject(deps, { input, context, eventName: "ObjectCreated:Put" });
}

interface Storing {
  readonly input: Input<"PutObject">;
  readonly context: RequestContext;
  readonly eventName: "ObjectCreated:Put" | "ObjectCreated:Post";
  /** Of a form, whose file has no length: what it may be, inclusive. */
  readonly lengthRange?: { readonly min: number; readonly max: number } | undefined;
}

/** The body is on disk, then the transaction that makes it the object. */
export async function storeObject(
  deps: S3Deps,
  { input, context, eventName, lengthRange }: Storing,
): Promise<Output<"PutObject">> {
  const asker = { context, mode: deps.mode };
  const key = checkKey(input.Key);
  if (input.WriteOffsetBytes !== undefined) throw notImplemented("x-amz-write-offset-bytes");
  // Refused before its body is read, where that can be known.
  await deps.store.read((reader) => {
    const bucket = loadBucket(reader, input, asker);
    describe(input, { bucket, nowMs: deps.clock.nowMs() });
    checkWrite(findCurrent(reader, { bucket, key }), key, input);
  });
  await using received = await receive(deps, input, {
    bytesMax: Math.min(putBytesMax, lengthRange?.max ?? putBytesMax),
    isUnsized: eventName === "ObjectCreated:Post",
  });
  if (received.byteCount < (lengthRange?.min ?? 0)) throw tooSmall(received.byteCount, lengthRange);
  const saving = randomVersion(deps);
  const checksum = { ...received.checksum, type: "FULL_OBJECT" as const };
  const saved = await deps.store.write((tx) => {
    const bucket = loadBucket(tx, input, asker);
    const at = { bucket, key };
    checkWrite(findCurrent(tx, at), key, input);
    const draft = {
      ...describe(input, { bucket, nowMs: saving.nowMs }),
      key,
      atMs: saving.nowMs,
      accountId: context.principal.accountId,
      etag: received.etag,
      byteCount: received.byteCount,
      contentId: received.contentId,
      checksum,
    };
    saveContent(tx, received.contentId, { segments: received.segments });
    const record = saveVersion(tx, at, { draft, saving });
    const event = { name: eventName, bucket, record, atMs: saving.nowMs };
    notify(deps, tx, { event, cause: context });
    return { bucket, record };
  });
  await received.adopt();
  const { bucket, record } = saved;
  return {
    ETag: quoted(record.etag),
    VersionId: versionIdMember(record, bucket),
    ...checksumMembers(checksum),
    ChecksumType: "FULL_OBJECT",
    ...encryptionMembers(record.encryption),
  };
}

function tooSmall(byteCount: number, range: Storing["lengthRange"]): Error {
  return s3Error(
    "EntityTooSmall",
    "Your proposed upload is smaller than the minimum allowed size",
    {
      fields: { ProposedSize: String(byteCount), MinSizeAllowed: String(range?.min) },
    },
  );
}
