import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { release } from "node:os";

const folder = new URL("../golden/", import.meta.url);

export interface GoldenRules {
  /** What another kernel may add or lack: facts that can only be read. They are told, not failed. */
  readonly mayDiffer?: (line: string) => boolean;
}

/**
 * Compares with `golden/<name>.txt`, line by line: a line that is not in the table, or that is only
 * in the table, is a failure whose message lists both. Lines with a leading `?` may be absent, for
 * they depend on the host. Returns what was tolerated on a kernel other than the one the table was
 * reviewed on (its first line). `SKERRY_GOLDEN=write` rewrites the table for a review.
 */
export function compareWithGolden(
  name: string,
  seen: readonly string[],
  rules: GoldenRules = {},
): readonly string[] {
  const path = new URL(`${name}.txt`, folder);
  const known = readLines(path);
  if (process.env["SKERRY_GOLDEN"] === "write") {
    write(path, seen, known);
    return [];
  }
  const isReviewedKernel = known[0]?.startsWith(`# reviewed on Linux ${kernel()}`) ?? false;
  const mayDiffer = (line: string): boolean =>
    !isReviewedKernel && (rules.mayDiffer?.(line.slice(2)) ?? false);
  const differences = differencesOf(known, seen);
  const failures = differences.filter((line) => !mayDiffer(line));
  assert.equal(failures.join("\n"), "", `golden/${name}.txt: + is new inside, - is gone`);
  return differences.filter(mayDiffer);
}

/** `+ line` for what the table lacks, `- line` for what only the table has. */
function differencesOf(known: readonly string[], seen: readonly string[]): readonly string[] {
  const lines = known.filter((line) => line !== "" && !line.startsWith("#"));
  const expected = new Set(lines.map((line) => line.replace(/^\?/, "")));
  const found = new Set(seen);
  return [
    ...seen.filter((line) => !expected.has(line)).map((line) => `+ ${line}`),
    ...lines.filter((line) => !line.startsWith("?") && !found.has(line)).map((line) => `- ${line}`),
  ];
}

function kernel(): string {
  return release().split(".").slice(0, 2).join(".");
}

function readLines(path: URL): readonly string[] {
  try {
    return readFileSync(path, "utf8").split("\n");
  } catch {
    return [];
  }
}

/** Keeps the comments and which lines may be absent. */
function write(path: URL, seen: readonly string[], known: readonly string[]): void {
  const optional = new Set(known.filter((line) => line.startsWith("?")));
  const comments = known.filter((line) => line.startsWith("# ") && !line.startsWith("# reviewed"));
  const lines = seen.map((line) => (optional.has(`?${line}`) ? `?${line}` : line));
  const gone = [...optional].filter((line) => !seen.includes(line.slice(1)));
  const all = [`# reviewed on Linux ${kernel()}`, ...comments, ...lines, ...gone];
  writeFileSync(path, `${all.join("\n")}\n`);
}

/** `3-5 allowed` for a run of numbers with the same outcome. */
export function runsOf(
  outcomes: readonly (readonly [number: number, outcome: string])[],
): string[] {
  const runs: { first: number; last: number; outcome: string }[] = [];
  for (const [number, outcome] of outcomes) {
    const run = runs.at(-1);
    if (run && run.outcome === outcome && run.last === number - 1) run.last = number;
    else runs.push({ first: number, last: number, outcome });
  }
  return runs.map(({ first, last, outcome }) =>
    first === last ? `${first} ${outcome}` : `${first}-${last} ${outcome}`,
  );
}
