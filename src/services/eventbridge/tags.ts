import { limitExceeded, validationError } from "./errors.ts";
import { tagsPerResourceMax } from "./limits.ts";
import type { Tag } from "./records.ts";

interface GivenTag {
  readonly Key?: string | undefined;
  readonly Value?: string | undefined;
}

/** Tags with others added: same key, new value. Throws ValidationException or LimitExceededException. */
export function mergeTags(before: readonly Tag[], added: readonly GivenTag[]): readonly Tag[] {
  const merged = new Map(before.map((tag) => [tag.Key, tag.Value]));
  for (const { Key = "", Value = "" } of added) {
    if (/^aws:/i.test(Key)) throw validationError("Tag keys that begin with aws: are reserved.");
    merged.set(Key, Value);
  }
  if (merged.size > tagsPerResourceMax)
    throw limitExceeded(`A resource has at most ${tagsPerResourceMax} tags.`);
  return [...merged].map(([Key, Value]) => ({ Key, Value }));
}

export function withoutTags(before: readonly Tag[], names: readonly string[]): readonly Tag[] {
  return before.filter(({ Key }) => !names.includes(Key));
}
