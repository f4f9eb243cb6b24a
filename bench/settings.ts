import { parseArgs } from "node:util";

/**
 * `npm run bench -- [case …] [--list] [--quick] [--rounds N] [--save FILE] [--table FILE …]`.
 * A case runs when a word given is part of its name; without words all do.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    list: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    rounds: { type: "string" },
    save: { type: "string" },
    table: { type: "boolean", default: false },
  },
});

const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
if (rounds !== undefined && !(Number.isSafeInteger(rounds) && rounds >= 1)) {
  throw new Error("--rounds is a count of 1 or more");
}

/** What the command line asked for. */
export const settings = {
  words: positionals,
  list: values.list,
  /** Everything once and briefly: whether it works, not how fast it is. */
  quick: values.quick,
  rounds,
  /** File the results are written to. */
  save: values.save,
  /** Make docs/benchmarks.md from the files named instead of measuring. */
  table: values.table,
};

/** Rounds of a comparison that would like this many. */
export function roundsOf(wanted: number): number {
  return settings.rounds ?? (settings.quick ? 1 : wanted);
}

/** A number of a case for a full run, and for a quick one. */
export function sized(full: number, quick: number): number {
  return settings.quick ? quick : full;
}
