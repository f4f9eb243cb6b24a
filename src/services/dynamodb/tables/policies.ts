import type { Random } from "#base/random.ts";
import { resourcePolicyBytesMax } from "../limits.ts";
import { validation } from "../values/values.ts";

/**
 * A resource policy is stored as it is. Throws ValidationException for what is no JSON object or too large
 * (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutResourcePolicy.html).
 */
export function checkPolicy(document: string): void {
  if (Buffer.byteLength(document) > resourcePolicyBytesMax) {
    throw validation(
      `Invalid policy document: the document is larger than ${resourcePolicyBytesMax} bytes`,
    );
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(document);
  } catch {
    throw validation("Invalid policy document: the document is not valid JSON");
  }
  if (typeof parsed !== "object" || parsed === null || !("Statement" in parsed)) {
    throw validation("Invalid policy document: the document has no Statement");
  }
}

/** The service's are numbers of time; these are too, and never twice the same. */
export function newRevision(nowMs: number, random: Random): string {
  return `${nowMs}${String(Math.floor(random.fraction() * 1_000_000)).padStart(6, "0")}`;
}
