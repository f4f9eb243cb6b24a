import { invalidInput, limitExceeded } from "./errors.ts";
import { tagsPerResourceMax } from "./limits.ts";
import type { Tag } from "./records.ts";

/** Tags with others added: same key, new value. Pure; throws InvalidInput or LimitExceeded. */
export function mergeTags(present: readonly Tag[], added: readonly GivenTag[]): readonly Tag[] {
  const given = new Set<string>();
  for (const { Key = "" } of added) {
    if (/^aws:/i.test(Key)) {
      throw invalidInput("aws: prefixed tag key names are not allowed for external use.");
    }
    if (given.has(Key.toLowerCase())) {
      throw invalidInput(
        "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
      );
    }
    given.add(Key.toLowerCase());
  }
  const kept = present.filter((tag) => !given.has(tag.Key.toLowerCase()));
  const merged = [...kept, ...added.map(({ Key = "", Value = "" }) => ({ Key, Value }))];
  if (merged.length > tagsPerResourceMax) {
    throw limitExceeded("The number of tags has reached the maximum limit.");
  }
  return merged;
}

/** Tags as the SDK types them: members may be undefined. */
export interface GivenTag {
  readonly Key?: string | undefined;
  readonly Value?: string | undefined;
}

/** Keys that are not there are no error. */
export function withoutTags(present: readonly Tag[], tagKeys: readonly string[]): readonly Tag[] {
  const removed = new Set(tagKeys.map((tagKey) => tagKey.toLowerCase()));
  return present.filter((tag) => !removed.has(tag.Key.toLowerCase()));
}
