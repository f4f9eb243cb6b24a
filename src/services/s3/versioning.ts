import type { RequestContext } from "#base/context.ts";
import { loadBucket, saveBucket } from "./buckets.ts";
import type { Input, Output, S3Deps } from "./deps.ts";
import { malformedXml, notImplemented, s3Error } from "./errors.ts";

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketVersioning.html (seen 2026-11) */
export async function putVersioning(
  deps: S3Deps,
  input: Input<"PutBucketVersioning">,
  context: RequestContext,
): Promise<object> {
  const { Status: status, MFADelete: mfa } = input.VersioningConfiguration;
  if (mfa === "Enabled" || input.MFA !== undefined) throw notImplemented("MFA delete");
  if (status !== "Enabled" && status !== "Suspended") throw malformedXml();
  await deps.store.write((tx) => {
    const bucket = loadBucket(tx, input, { context, mode: deps.mode });
    if (bucket.hasObjectLock && status !== "Enabled") {
      throw s3Error(
        "InvalidBucketState",
        "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.",
        { status: 409 },
      );
    }
    saveBucket(tx, { ...bucket, versioning: status });
  });
  return {};
}

export async function readVersioning(
  deps: S3Deps,
  input: Input<"GetBucketVersioning">,
  context: RequestContext,
): Promise<Output<"GetBucketVersioning">> {
  const bucket = await deps.store.read((reader) =>
    loadBucket(reader, input, { context, mode: deps.mode }),
  );
  return bucket.versioning === undefined ? {} : { Status: bucket.versioning };
}
