import { readBranches, type Branch } from "./compile.ts";
import { PatternIndex } from "./pattern-index.ts";

/** A pattern in EventBridge's language, checked and ready. */
export class Pattern {
  readonly branches: readonly Branch[];
  #index: PatternIndex<Pattern> | undefined;

  constructor(branches: readonly Branch[]) {
    this.branches = branches;
  }

  /** Whether `event`, a value of JSON.parse, has what the pattern asks for. Throws `EventTooComplexError`. */
  matches(event: object): boolean {
    if (!this.#index) {
      this.#index = new PatternIndex();
      this.#index.add(this, this);
    }
    return this.#index.matching(event).length > 0;
  }
}

/**
 * The pattern that `source` is the text of
 * (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html). Throws
 * `PatternError` with the service's words.
 */
export function compilePattern(source: string): Pattern {
  return new Pattern(readBranches(source));
}

/** Whether `event` has what `pattern` asks for; what is no JSON object never does. */
export function matches(pattern: Pattern, event: unknown): boolean {
  return (
    typeof event === "object" && event !== null && !Array.isArray(event) && pattern.matches(event)
  );
}
