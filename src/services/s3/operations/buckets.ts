import {
  CreateBucket$,
  DeleteBucket$,
  GetBucketLocation$,
  HeadBucket$,
  ListBuckets$,
} from "@aws-sdk/client-s3";
import type { RequestContext } from "#base/context.ts";
import { keyAfter, keyParts } from "#storage/keys.ts";
import { findBucket, loadBucket, ownerOf, saveBucket } from "../buckets.ts";
import { isBucketName } from "../bucket-names.ts";
import type { Input, Output, S3Deps, S3Rows } from "../deps.ts";
import { invalidArgument, notImplemented, s3Error } from "../errors.ts";
import { bucketPageMax, bucketsMax } from "../limits.ts";
import { wholeSeconds } from "../outputs.ts";
import { isEmpty, keys, type BucketRecord } from "../records.ts";
import { newBucketSettings } from "../setting-checks.ts";
import { formatToken, parseToken } from "../tokens.ts";
import { abortUploads } from "../uploads.ts";

/** Buckets themselves; what is configured for them is in `bucket-settings.ts`. */
export function bucketOperations(deps: S3Deps): S3Rows {
  return {
    CreateBucket: [CreateBucket$, (input, context) => createBucket(deps, input, context)],
    HeadBucket: [HeadBucket$, (input, context) => headBucket(deps, input, context)],
    DeleteBucket: [DeleteBucket$, (input, context) => deleteBucket(deps, input, context)],
    ListBuckets: [ListBuckets$, (input, context) => listBuckets(deps, input, context)],
    GetBucketLocation: [
      GetBucketLocation$,
      (input, context) => getBucketLocation(deps, input, context),
      { isUnwrapped: true },
    ],
  };
}

async function createBucket(
  deps: S3Deps,
  input: Input<"CreateBucket">,
  context: RequestContext,
): Promise<Output<"CreateBucket">> {
  const name = input.Bucket;
  if (!isBucketName(name)) {
    throw s3Error("InvalidBucketName", "The specified bucket is not valid.", {
      fields: { BucketName: name },
    });
  }
  const { CreateBucketConfiguration: configuration } = input;
  if (configuration?.Bucket ?? configuration?.Location) throw notImplemented("A directory bucket");
  const region = regionOf(configuration?.LocationConstraint, context.region);
  const { accountId } = context.principal;
  checkAcl(input);
  const settings = {
    ...newBucketSettings,
    ...(input.ACL !== undefined && input.ACL !== "private" && { acl: input.ACL }),
    ...(input.ObjectOwnership !== undefined && {
      "ownership-controls": { Rules: [{ ObjectOwnership: input.ObjectOwnership }] },
    }),
    ...(configuration?.Tags && { tagging: { TagSet: configuration.Tags } }),
  };
  const bucket: BucketRecord = {
    name,
    accountId,
    region,
    createdMs: deps.clock.nowMs(),
    settings,
    ...(input.ObjectLockEnabledForBucket && {
      hasObjectLock: true as const,
      versioning: "Enabled" as const,
    }),
  };
  await deps.store.write((tx) => {
    const known = findBucket(tx, name);
    if (known) {
      // https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html: in us-east-1 it is no error.
      if (known.accountId === accountId && region === "us-east-1" && known.region === region)
        return;
      throw alreadyThere(known, accountId);
    }
    let count = 0;
    for (const _ of tx.list(keys.everyOwned(accountId))) count++;
    if (count >= bucketsMax) {
      throw s3Error("TooManyBuckets", "You have attempted to create more buckets than allowed");
    }
    saveBucket(tx, bucket);
    tx.put(keys.owned(accountId, name), new Uint8Array([1]));
  });
  const host = region === "us-east-1" ? `/${name}` : `${context.endpoint}/${name}`;
  return { Location: host, BucketArn: `arn:aws:s3:::${name}` };
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html (seen 2026-11) */
function checkAcl({ ACL, ObjectOwnership = "BucketOwnerEnforced" }: Input<"CreateBucket">): void {
  if (ACL === undefined || ACL === "private" || ObjectOwnership !== "BucketOwnerEnforced") return;
  throw s3Error(
    "InvalidBucketAclWithObjectOwnership",
    "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
  );
}

function alreadyThere(known: BucketRecord, accountId: string): Error {
  const details = { status: 409, fields: { BucketName: known.name } };
  return known.accountId === accountId
    ? s3Error(
        "BucketAlreadyOwnedByYou",
        "Your previous request to create the named bucket succeeded and you already own it.",
        details,
      )
    : s3Error(
        "BucketAlreadyExists",
        "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.",
        details,
      );
}

const regionForm = /^[a-z]{2}(-[a-z]+)+-\d$/;

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html (LocationConstraint, seen 2026-11) */
function regionOf(constraint: string | undefined, requestRegion: string): string {
  if (constraint === undefined || constraint === "") {
    if (requestRegion === "us-east-1") return requestRegion;
    throw illegal(
      "The unspecified location constraint is incompatible for the region specific endpoint this request was sent to.",
    );
  }
  const region = constraint === "EU" ? "eu-west-1" : constraint;
  if (region === "us-east-1" || !regionForm.test(region)) {
    throw s3Error("InvalidLocationConstraint", "The specified location-constraint is not valid", {
      fields: { LocationConstraint: constraint },
    });
  }
  if (requestRegion !== "us-east-1" && requestRegion !== region) {
    throw illegal(
      `The ${constraint} location constraint is incompatible for the region specific endpoint this request was sent to.`,
    );
  }
  return region;
}

function illegal(message: string): Error {
  return s3Error("IllegalLocationConstraintException", message);
}

async function headBucket(
  deps: S3Deps,
  input: Input<"HeadBucket">,
  context: RequestContext,
): Promise<Output<"HeadBucket">> {
  const bucket = await deps.store.read((reader) =>
    loadBucket(reader, input, { context, mode: deps.mode }),
  );
  return {
    BucketArn: `arn:aws:s3:::${bucket.name}`,
    BucketRegion: bucket.region,
    AccessPointAlias: false,
  };
}

async function deleteBucket(
  deps: S3Deps,
  input: Input<"DeleteBucket">,
  context: RequestContext,
): Promise<object> {
  await deps.store.write((tx) => {
    const bucket = loadBucket(tx, input, { context, mode: deps.mode });
    const { name } = bucket;
    const isUsed = [keys.objects(name), keys.versions(name)].some((range) => !isEmpty(tx, range));
    if (isUsed) {
      throw s3Error(
        "BucketNotEmpty",
        bucket.versioning === undefined
          ? "The bucket you tried to delete is not empty"
          : "The bucket you tried to delete is not empty. You must delete all versions in the bucket.",
        { status: 409, fields: { BucketName: name } },
      );
    }
    abortUploads(tx, name);
    tx.delete(keys.bucket(name));
    tx.delete(keys.owned(bucket.accountId, name));
    tx.delete(keys.lifecycle(name));
  });
  return {};
}

async function listBuckets(
  deps: S3Deps,
  input: Input<"ListBuckets">,
  context: RequestContext,
): Promise<Output<"ListBuckets">> {
  const {
    MaxBuckets: limit = bucketPageMax,
    Prefix: prefix = "",
    ContinuationToken: token,
  } = input;
  if (limit < 1 || limit > bucketPageMax) {
    throw invalidArgument(
      `Argument max-buckets must be an integer between 1 and ${bucketPageMax}`,
      "max-buckets",
      String(limit),
    );
  }
  const { accountId } = context.principal;
  const scope = `buckets ${accountId}`;
  const after = token === undefined ? undefined : parseToken(scope, token);
  const page = await deps.store.read((reader) => {
    const range = keys.everyOwned(accountId);
    const start = after === undefined ? range.start : keyAfter(keys.owned(accountId, after));
    const found: BucketRecord[] = [];
    for (const { key } of reader.list({ start, end: range.end })) {
      const bucket = findBucket(reader, String(keyParts(key).at(-1)));
      if (!bucket?.name.startsWith(prefix)) continue;
      if (input.BucketRegion !== undefined && bucket.region !== input.BucketRegion) continue;
      if (found.length === limit) return { found, isTruncated: true };
      found.push(bucket);
    }
    return { found, isTruncated: false };
  });
  const last = page.found.at(-1);
  return {
    Buckets: page.found.map(({ name, createdMs, region }) => ({
      Name: name,
      CreationDate: new Date(wholeSeconds(createdMs)),
      BucketRegion: region,
      BucketArn: `arn:aws:s3:::${name}`,
    })),
    Owner: ownerOf(accountId),
    ...(prefix !== "" && { Prefix: prefix }),
    ...(page.isTruncated && last && { ContinuationToken: formatToken(scope, last.name) }),
  };
}

async function getBucketLocation(
  deps: S3Deps,
  input: Input<"GetBucketLocation">,
  context: RequestContext,
): Promise<Output<"GetBucketLocation">> {
  const { region } = await deps.store.read((reader) =>
    loadBucket(reader, input, { context, mode: deps.mode }),
  );
  // https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html: none for us-east-1.
  return region === "us-east-1" ? {} : { LocationConstraint: region as "eu-west-1" }; // any region's name
}
