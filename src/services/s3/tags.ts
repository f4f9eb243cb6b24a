import { invalidArgument, s3Error } from "./errors.ts";
import {
  bucketTagsMax,
  objectTagsMax,
  tagKeyCharactersMax,
  tagValueCharactersMax,
} from "./limits.ts";

export type Tags = readonly (readonly [key: string, value: string])[];

/** The `x-amz-tagging` header: a query string. */
export function parseTagging(text: string): Tags {
  if (text === "") return [];
  const pairs = [...new URLSearchParams(text)];
  if (pairs.some(([key]) => key === "")) {
    throw invalidArgument(
      "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
      "x-amz-tagging",
      text,
    );
  }
  return checkTags(pairs, objectTagsMax);
}

/** The body of a tagging operation. */
export function readTagSet(
  tagging:
    | {
        readonly TagSet?:
          | readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[]
          | undefined;
      }
    | undefined,
  of: "object" | "bucket",
): Tags {
  const pairs = (tagging?.TagSet ?? []).map(({ Key = "", Value = "" }) => [Key, Value] as const);
  return checkTags(pairs, of === "object" ? objectTagsMax : bucketTagsMax);
}

export function tagSet(tags: Tags = []): { Key: string; Value: string }[] {
  return tags.map(([Key, Value]) => ({ Key, Value }));
}

const characters = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html (seen 2026-11) */
function checkTags(tags: Tags, countMax: number): Tags {
  if (tags.length > countMax) {
    if (countMax === objectTagsMax) {
      throw s3Error("BadRequest", `Object tags cannot be greater than ${countMax}`);
    }
    throw s3Error("BadRequest", `Bucket tag count cannot be greater than ${countMax}`);
  }
  const seen = new Set<string>();
  for (const [key, value] of tags) {
    if (key === "" || key.length > tagKeyCharactersMax || !characters.test(key)) {
      throw invalidTag("The TagKey you have provided is invalid", key);
    }
    if (value.length > tagValueCharactersMax || !characters.test(value)) {
      throw invalidTag("The TagValue you have provided is invalid", key);
    }
    if (key.startsWith("aws:")) {
      throw invalidTag("System tags cannot be added/updated by requester", key);
    }
    if (seen.has(key)) throw invalidTag("Cannot provide multiple Tags with the same key", key);
    seen.add(key);
  }
  return tags;
}

function invalidTag(message: string, key: string): Error {
  return s3Error("InvalidTag", message, { fields: { TagKey: key } });
}
