import type { Tag } from "@aws-sdk/client-dynamodb";
import { tagsMax } from "../limits.ts";
import { validation } from "../values/values.ts";

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Tagging.html: each key once, `aws:` is not for callers. */
export function tagsOf(given: readonly Tag[]): Readonly<Record<string, string>> {
  const tags: Record<string, string> = Object.create(null) as Record<string, string>; // keys are the caller's
  for (const { Key: name = "", Value: value = "" } of given) {
    if (name in tags) {
      throw validation(`One or more parameter values are not valid. Duplicate tag key: ${name}`);
    }
    if (name.startsWith("aws:")) {
      throw validation(
        "One or more parameter values are not valid. Tag keys must not begin with aws:",
      );
    }
    tags[name] = value;
  }
  checkTagCount(tags);
  return tags;
}

/** Throws ValidationException. */
export function checkTagCount(tags: Readonly<Record<string, string>>): void {
  if (Object.keys(tags).length > tagsMax) {
    throw validation(
      `One or more parameter values are not valid. Too many tags: a resource has at most ${tagsMax}`,
    );
  }
}
