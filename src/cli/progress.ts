import { systemClock } from "#base/clock.ts";
import type { Terminal } from "./command.ts";

/** A person who waits longer than this is told for what. */
const patienceMs = 1_000;

/** `work`, and when it takes its time a line about it for whoever sits at the terminal. */
export async function announced<T>(
  terminal: Pick<Terminal, "isInteractive" | "err">,
  what: string,
  work: Promise<T>,
): Promise<T> {
  if (!terminal.isInteractive) return work;
  using _timer = systemClock.timer(patienceMs, () => terminal.err(`${what} …\n`));
  return await work;
}
