import type { RequestContext } from "#base/context.ts";
import { randomHex } from "#base/ids.ts";
import { loadBucket } from "../buckets.ts";
import { algorithmNamed, checksumMembers } from "../checksums.ts";
import { checkWrite } from "../conditions.ts";
import { saveContent } from "../contents.ts";
import { type FoundSource, hashSegments, loadSource } from "../copy-source.ts";
import type { Input, Output, S3Deps } from "../deps.ts";
import { checkKey, describe, type Description } from "../descriptions.ts";
import { invalidArgument, invalidRequest, noSuchKey } from "../errors.ts";
import { putBytesMax } from "../limits.ts";
import { notify } from "../notifications/notifications.ts";
import { encryptionMembers, quoted, versionIdMember, wholeSeconds } from "../outputs.ts";
import { type BucketRecord, keys, type StoredChecksum } from "../records.ts";
import { randomVersion } from "../saving.ts";
import { findCurrent, saveVersion } from "../versions.ts";

type CopyObjectInput = Input<"CopyObject">;

/** The copy names the same files as its source; nothing is written twice. */
export async function copyObject(
  deps: S3Deps,
  input: CopyObjectInput,
  context: RequestContext,
): Promise<Output<"CopyObject">> {
  const key = checkKey(input.Key);
  const asker = { context, mode: deps.mode };
  checkDirective(input.MetadataDirective, ["COPY", "REPLACE"], "x-amz-metadata-directive");
  checkDirective(input.TaggingDirective, ["COPY", "REPLACE"], "x-amz-tagging-directive");
  const source = await deps.store.read((reader) => {
    const bucket = loadBucket(reader, input, asker);
    const found = loadSource(reader, input, asker);
    checkWrite(findCurrent(reader, { bucket, key }), key, input);
    checkChanges(input, found, bucket);
    return found;
  });
  const made = await hashesOf(deps, input, source);
  const saving = randomVersion(deps);
  const contentId = randomHex(deps.random, 12);
  const { bucket, record } = await deps.store.write((tx) => {
    const bucket = loadBucket(tx, input, asker);
    const at = { bucket, key };
    if (!tx.get(keys.content(source.record.contentId)) && source.segments.length > 0) {
      throw noSuchKey(source.record.key); // deleted meanwhile
    }
    checkWrite(findCurrent(tx, at), key, input);
    saveContent(tx, contentId, { segments: source.segments });
    const draft = {
      ...describeCopy(input, source, { bucket, nowMs: saving.nowMs }),
      key,
      atMs: saving.nowMs,
      accountId: context.principal.accountId,
      byteCount: source.record.byteCount,
      contentId,
      ...made,
    };
    const record = saveVersion(tx, at, { draft, saving });
    const event = { name: "ObjectCreated:Copy", bucket, record, atMs: saving.nowMs };
    notify(deps, tx, { event, cause: context });
    return { bucket, record };
  });
  return {
    CopyObjectResult: {
      ETag: quoted(record.etag),
      LastModified: new Date(wholeSeconds(record.atMs)),
      ...checksumMembers(record.checksum),
      ChecksumType: record.checksum?.type,
    },
    VersionId: versionIdMember(record, bucket),
    CopySourceVersionId: versionIdMember(source.record, source.bucket),
    ...encryptionMembers(record.encryption),
  };
}

function checkDirective(value: string | undefined, known: readonly string[], name: string): void {
  if (value === undefined || known.includes(value)) return;
  throw invalidArgument("Unknown metadata directive.", name, value);
}

/** Errors: `InvalidRequest` for what is too large or would change nothing. */
function checkChanges(
  input: CopyObjectInput,
  { record, bucket: from }: FoundSource,
  to: BucketRecord,
): void {
  if (record.byteCount > putBytesMax) {
    throw invalidRequest(
      `The specified copy source is larger than the maximum allowable size for a copy source: ${putBytesMax}`,
    );
  }
  const isItself = from.name === to.name && record.key === input.Key;
  const isNewest = /\?versionId=/.exec(input.CopySource ?? "") === null;
  const changes = [
    input.MetadataDirective === "REPLACE",
    input.TaggingDirective === "REPLACE",
    input.StorageClass !== undefined,
    input.WebsiteRedirectLocation !== undefined,
    input.ServerSideEncryption !== undefined,
    input.SSECustomerAlgorithm !== undefined,
    input.ChecksumAlgorithm !== undefined,
  ];
  if (!isItself || !isNewest || changes.some(Boolean)) return;
  throw invalidRequest(
    "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
  );
}

/** Those of the source, unless it came in parts or another checksum is wanted. */
async function hashesOf(
  deps: S3Deps,
  input: CopyObjectInput,
  { record, segments }: FoundSource,
): Promise<{ readonly etag: string; readonly checksum: StoredChecksum }> {
  const { checksum } = record;
  const wanted = input.ChecksumAlgorithm ?? checksum?.algorithm ?? "CRC64NVME";
  const { name: algorithm } = algorithmNamed(wanted);
  if (record.partCount === undefined && checksum?.algorithm === algorithm) {
    return { etag: record.etag, checksum };
  }
  const hashed = await hashSegments(deps, segments, algorithm);
  return {
    etag: hashed.etag,
    checksum: { algorithm, value: hashed.checksum, type: "FULL_OBJECT" },
  };
}

function describeCopy(
  input: CopyObjectInput,
  { record }: FoundSource,
  at: Parameters<typeof describe>[1],
): Description {
  const said = describe(input, at);
  const { headers, metadata, tags, ...rest } = said;
  const isReplaced = input.MetadataDirective === "REPLACE";
  const kept = input.TaggingDirective === "REPLACE" ? tags : record.tags;
  // https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html: a redirect is never copied.
  const { redirect: _not, ...copied } = record.headers;
  return {
    ...rest,
    headers: isReplaced
      ? headers
      : { ...copied, ...(headers.redirect !== undefined && { redirect: headers.redirect }) },
    metadata: isReplaced ? metadata : record.metadata,
    ...(kept && kept.length > 0 && { tags: kept }),
  };
}
