import type { RequestContext } from "#base/context.ts";
import { loadBucket, ownerOf, saveBucket } from "../buckets.ts";
import type { Input, Output, S3Deps } from "../deps.ts";
import { malformedXml, notImplemented, s3Error } from "../errors.ts";
import { findReadable } from "../lookups.ts";
import { notify } from "../notifications/notifications.ts";
import type { BucketRecord } from "../records.ts";
import { rewriteVersion } from "../versions.ts";

/** Either the name of a canned list, or what was granted one by one. */
type StoredAcl = string | { readonly Grants?: readonly unknown[] };

type Grant = NonNullable<Output<"GetBucketAcl">["Grants"]>[number];

/** Stored and told; nothing is granted by them. https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html */
export async function putBucketAcl(
  deps: S3Deps,
  input: Input<"PutBucketAcl">,
  context: RequestContext,
): Promise<object> {
  await deps.store.write((tx) => {
    const bucket = loadBucket(tx, input, { context, mode: deps.mode });
    const stored = readAcl(input, bucket);
    const { acl: _before, ...others } = bucket.settings;
    const settings = stored === undefined ? others : { ...others, acl: stored };
    saveBucket(tx, { ...bucket, settings });
  });
  return {};
}

export async function getBucketAcl(
  deps: S3Deps,
  input: Input<"GetBucketAcl">,
  context: RequestContext,
): Promise<Output<"GetBucketAcl">> {
  const bucket = await deps.store.read((reader) =>
    loadBucket(reader, input, { context, mode: deps.mode }),
  );
  return aclMembers(bucket.settings["acl"], bucket.accountId);
}

export async function putObjectAcl(
  deps: S3Deps,
  input: Input<"PutObjectAcl">,
  context: RequestContext,
): Promise<Output<"PutObjectAcl">> {
  await deps.store.write((tx) => {
    const bucket = loadBucket(tx, input, { context, mode: deps.mode });
    const at = { bucket, key: input.Key };
    const record = findReadable(tx, at, input.VersionId);
    const { acl: _before, ...rest } = record;
    const acl = readAcl(input, bucket);
    rewriteVersion(tx, at, acl === undefined ? rest : { ...rest, acl });
    const event = { name: "ObjectAcl:Put", bucket, record, atMs: deps.clock.nowMs() };
    notify(deps, tx, { event, cause: context });
  });
  return {};
}

export async function getObjectAcl(
  deps: S3Deps,
  input: Input<"GetObjectAcl">,
  context: RequestContext,
): Promise<Output<"GetObjectAcl">> {
  return deps.store.read((reader) => {
    const bucket = loadBucket(reader, input, { context, mode: deps.mode });
    const record = findReadable(reader, { bucket, key: input.Key }, input.VersionId);
    return aclMembers(record.acl, record.accountId);
  });
}

type AclInput = { readonly ACL?: string | undefined } & Pick<
  Input<"PutBucketAcl">,
  | "AccessControlPolicy"
  | "GrantFullControl"
  | "GrantRead"
  | "GrantReadACP"
  | "GrantWrite"
  | "GrantWriteACP"
>;

/** Errors: `AccessControlListNotSupported` where the bucket's owner owns everything. */
function readAcl(input: AclInput, bucket: BucketRecord): StoredAcl | undefined {
  const grants = [
    input.GrantFullControl,
    input.GrantRead,
    input.GrantReadACP,
    input.GrantWrite,
    input.GrantWriteACP,
  ];
  if (grants.some((grant) => grant !== undefined))
    throw notImplemented("Granting by x-amz-grant headers");
  const { ACL: canned, AccessControlPolicy: policy } = input;
  if (canned === undefined && !policy?.Owner) throw malformedXml();
  if (canned === "private") return undefined;
  const controls = bucket.settings["ownership-controls"] as
    | { readonly Rules?: readonly { readonly ObjectOwnership?: string }[] }
    | undefined; // stored by PutBucketOwnershipControls
  const isEnforced = controls?.Rules?.[0]?.ObjectOwnership === "BucketOwnerEnforced";
  if (isEnforced && canned !== "bucket-owner-full-control") {
    throw s3Error("AccessControlListNotSupported", "The bucket does not allow ACLs");
  }
  return canned ?? { Grants: policy?.Grants ?? [] };
}

const groups = "http://acs.amazonaws.com/groups/global/";
const everybody = `${groups}AllUsers`;

const cannedGrants: Readonly<
  Record<string, readonly (readonly [uri: string, permission: string])[]>
> = {
  "public-read": [[everybody, "READ"]],
  "public-read-write": [
    [everybody, "READ"],
    [everybody, "WRITE"],
  ],
  "authenticated-read": [[`${groups}AuthenticatedUsers`, "READ"]],
  "log-delivery-write": [
    ["http://acs.amazonaws.com/groups/s3/LogDelivery", "WRITE"],
    ["http://acs.amazonaws.com/groups/s3/LogDelivery", "READ_ACP"],
  ],
};

function aclMembers(stored: unknown, accountId: string): Output<"GetBucketAcl"> {
  const Owner = ownerOf(accountId);
  if (typeof stored === "object" && stored !== null) {
    const { Grants = [] } = stored as { Grants?: Grant[] }; // stored by `readAcl`
    return { Owner, Grants };
  }
  const own: Grant = { Grantee: { ...Owner, Type: "CanonicalUser" }, Permission: "FULL_CONTROL" };
  const others = (cannedGrants[String(stored)] ?? []).map(([URI, permission]): Grant => ({
    Grantee: { URI, Type: "Group" },
    Permission: permission as "READ", // one of the table's
  }));
  return { Owner, Grants: [own, ...others] };
}
