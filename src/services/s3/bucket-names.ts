/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html (seen 2026-11) */
const form = /^[a-z0-9](?:[a-z0-9.-]{1,61})[a-z0-9]$/;
const address = /^\d+\.\d+\.\d+\.\d+$/;
const reservedPrefixes = ["xn--", "sthree-", "amzn-s3-demo-"];
const reservedSuffixes = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];

/** Whether a bucket may be called so. */
export function isBucketName(name: string): boolean {
  if (!form.test(name) || name.includes("..") || address.test(name)) return false;
  if (reservedPrefixes.some((prefix) => name.startsWith(prefix))) return false;
  return !reservedSuffixes.some((suffix) => name.endsWith(suffix));
}
