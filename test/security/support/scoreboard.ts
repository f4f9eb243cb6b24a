import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { AttackerRuntime } from "./attackers.ts";

/** What became of an attack in one runtime. */
export interface Score {
  /** Row of the attack list, e.g. `10 sockets`. */
  readonly row: string;
  readonly attack: string;
  readonly runtime: AttackerRuntime | "platform";
  readonly blocked: boolean;
  /** The same attack with its defence off; or why that cannot be tried on this host. */
  readonly control: "succeeded" | "failed" | { readonly impossible: string };
}

/** Collects what the attacks of one test file came to. */
export interface Scoreboard {
  add(score: Score): void;
  /** One line per runtime: attacks, blocked, controls that succeeded, controls that cannot be run. */
  table(): string;
  /**
   * The table per runtime, printed at the end of a file. With `SKERRY_ATTACK_RESULTS` set to a folder
   * the scores are also left there as JSON, for a table over several files.
   */
  print(): void;
}

export function createScoreboard(title: string): Scoreboard {
  const scores: Score[] = [];
  return {
    add: (score) => void scores.push(score),
    table: () => tableOf(scores),
    print() {
      console.log(`\n${title}\n${tableOf(scores)}\n`);
      const folder = process.env["SKERRY_ATTACK_RESULTS"];
      if (folder === undefined) return;
      mkdirSync(folder, { recursive: true });
      const name = title.replaceAll(/\W+/g, "-");
      writeFileSync(join(folder, `${name}.json`), JSON.stringify(scores));
    },
  };
}

function tableOf(scores: readonly Score[]): string {
  const names = [...new Set(scores.map((score) => score.runtime))];
  const lines = names.map((runtime) => {
    const own = scores.filter((score) => score.runtime === runtime);
    const blocked = own.filter((score) => score.blocked).length;
    const succeeded = own.filter((score) => score.control === "succeeded").length;
    const impossible = own.filter((score) => typeof score.control === "object").length;
    return `| ${runtime} | ${own.length} | ${blocked} | ${succeeded} | ${impossible} |`;
  });
  return [
    "| runtime | attacks | blocked | controls that succeeded | controls not possible here |",
    "|---|---|---|---|---|",
    ...lines,
    ...reasonsOf(scores).map((reason) => `- not possible here: ${reason}`),
  ].join("\n");
}

function reasonsOf(scores: readonly Score[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const { control, row } of scores) {
    if (typeof control === "string") continue;
    const text = `${row}: ${control.impossible}`;
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return [...counts].map(([text, count]) => `${text} (${count})`);
}
