/**
 * Thrown when the program contradicts itself. Never caused by input: input gets a modelled error.
 * In an operation it fails that request; in storage, scheduler or pool it must end the process.
 */
export class AssertionFailure extends Error {
  override readonly name = "AssertionFailure";
}

/** One condition per call; the message says what must hold, in the words of the glossary. */
export function assert(condition: unknown, mustHold: string): asserts condition {
  if (!condition) throw new AssertionFailure(mustHold);
}

/** Closes an exhaustive switch: the compiler proves it is never reached. */
export function unreachable(value: never): never {
  throw new AssertionFailure(`unreachable value ${JSON.stringify(value)}`);
}
