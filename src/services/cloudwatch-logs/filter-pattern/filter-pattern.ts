import { compileJsonPattern } from "./json-pattern.ts";
import { compileSpacePattern } from "./space-pattern.ts";
import { compileTextPattern } from "./text-pattern.ts";

/** Whether a log message matches. Pure, and linear in the length of the message. */
export type FilterPattern = (message: string) => boolean;

/**
 * The three forms of filter pattern: terms, `{ JSON }` and `[space, delimited]`. Undefined when the
 * text is none of them; the service then says "Invalid filter pattern".
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html (seen 2026-11)
 */
export function compileFilterPattern(text: string): FilterPattern | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return () => true;
  if (trimmed.startsWith("{")) return compileJsonPattern(trimmed);
  if (trimmed.startsWith("[")) return compileSpacePattern(trimmed);
  return compileTextPattern(trimmed);
}
