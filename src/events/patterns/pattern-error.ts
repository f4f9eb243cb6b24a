import { quotedSourceMax } from "./limits.ts";

/**
 * A pattern that is not one. `reason` is worded and located as the service does: it stands behind
 * `Event pattern is not valid. Reason: `. Its column is the one behind what had been read.
 */
export class PatternError extends Error {
  override readonly name = "PatternError";
  readonly reason: string;

  constructor(reason: string) {
    super(`Event pattern is not valid. Reason: ${reason}`);
    this.reason = reason;
  }
}

/** An event that cannot be looked at within the limits. */
export class EventTooComplexError extends Error {
  override readonly name = "EventTooComplexError";
}

/** An error at the place `offset` characters into `source`. */
export function errorAt(source: string, offset: number, reason: string): PatternError {
  return new PatternError(`${reason}${locate(source, offset)}`);
}

/** ` at [Source: (String)"…"; line: 1, column: 2]`, on a line of its own, as Jackson writes it. */
export function locate(source: string, offset: number): string {
  return `\n at ${place(source, offset)}`;
}

export function place(source: string, offset: number): string {
  const before = source.slice(0, offset);
  const line = before.split("\n").length;
  const column = offset - (before.lastIndexOf("\n") + 1) + 1;
  const hidden = source.length - quotedSourceMax;
  const quoted =
    hidden > 0 ? `"${source.slice(0, quotedSourceMax)}"[truncated ${hidden} chars]` : `"${source}"`;
  return `[Source: (String)${quoted}; line: ${line}, column: ${column}]`;
}
