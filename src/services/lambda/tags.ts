import type { Revision } from "#functions/registry/registry.ts";
import { invalid } from "./errors.ts";
import { tagKeyLengthMax, tagsMax, tagValueLengthMax } from "./limits.ts";
import type { Tags } from "./records.ts";

/**
 * Whether a function may reach the internet is a tag, because every deployment tool can set tags.
 * It belongs to the function with all its versions and takes effect at once.
 */
const egressTag = "skerry:egress";

/** Asks for a particular id in the function's URL; read when the URL is made. */
export const urlIdTag = "_custom_id_";

/** Tag rules: https://docs.aws.amazon.com/lambda/latest/dg/configuration-tags.html (seen 2026-11). */
export function checkTags(tags: Tags): void {
  if (Object.keys(tags).length > tagsMax) {
    throw invalid("Number of tags exceeds resource tag limit.");
  }
  for (const [name, value] of Object.entries(tags)) {
    if (name.length < 1 || name.length > tagKeyLengthMax) {
      throw invalid(`Tag keys must be between 1 and ${tagKeyLengthMax} characters in length.`);
    }
    if (value.length > tagValueLengthMax) {
      throw invalid(`Tag values must be at most ${tagValueLengthMax} characters in length.`);
    }
    if (/^aws:/i.test(name))
      throw invalid("Tag keys beginning with aws: are reserved for AWS use.");
  }
  egressOf(tags);
}

/** Nothing beyond the platform itself unless the tag says otherwise. */
export function egressOf(tags: Tags): Revision["egress"] {
  const value = tags[egressTag] ?? "platform";
  if (value === "platform" || value === "internet") return value;
  throw invalid(`The tag ${egressTag} must be 'platform' or 'internet', not '${value}'.`);
}
