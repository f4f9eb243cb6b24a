import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Finding, format, type Result, type Spread } from "./harness.ts";
import type { Machine } from "./machine.ts";
import { boundOf, judge, type Target, type TargetId, targets, type Verdict } from "./targets.ts";
import { method, notMeasured } from "./words.ts";

/** One run, as `--save` writes it. */
export interface Report {
  readonly date: string;
  readonly commit: string;
  /** A brief run whose numbers mean nothing. */
  readonly isQuick: boolean;
  readonly machine: Machine;
  readonly cases: CaseReport[];
}

export interface CaseReport {
  readonly name: string;
  readonly seconds: number;
  readonly findings: readonly Finding[];
  readonly error?: string;
}

/** Writes docs/benchmarks.md from runs that were made one after the other. */
export function writeTable(reports: readonly Report[]): void {
  if (reports.length === 0) throw new Error("--table needs the files that --save wrote");
  const path = fileURLToPath(new URL("../docs/benchmarks.md", import.meta.url));
  writeFileSync(path, render(reports));
  const formatter = new URL("../node_modules/.bin/oxfmt", import.meta.url);
  execFileSync(fileURLToPath(formatter), [path]);
  console.log(`wrote docs/benchmarks.md from ${reports.length} runs`);
}

/** The page, in Markdown that is yet to be formatted. */
export function render(reports: readonly Report[]): string {
  const quick = reports.some((report) => report.isQuick)
    ? ["**A brief trial run: the numbers mean nothing.**", ""]
    : [];
  const lines = [
    "# Benchmarks",
    "",
    "Made by `npm run bench`; do not edit. Every figure stands beside a reference that was measured in the",
    "same run, in turn with it. The ratio is what counts: absolute numbers are this machine's.",
    "",
    ...quick,
    ...machineTable(reports),
    "## Targets",
    "",
    ...targetTable(reports),
    "## Method",
    "",
    ...method.map((each) => `- ${each}`),
    "",
    "## All figures",
    "",
    "Median [smallest … largest] of the measurements of each run; the ratio is of the medians.",
    "",
    ...namesOfCases(reports).flatMap((name) => caseTable(reports, name)),
    "## Not measured",
    "",
    ...absences(reports).map((each) => `- ${each}`),
    ...notMeasured.map((each) => `- ${each}`),
  ];
  return `${lines.join("\n").trimEnd()}\n`;
}

function machineTable(reports: readonly Report[]): readonly string[] {
  const rows: readonly (readonly [string, (report: Report) => string])[] = [
    ["date", (report) => report.date],
    ["commit", (report) => report.commit],
    ["processor", ({ machine }) => `${machine.cores} cores, ${machine.processor}`],
    ["memory", ({ machine }) => `${machine.memoryGiB} GiB`],
    ["kernel", ({ machine }) => `Linux ${machine.kernel}`],
    ["as root", ({ machine }) => (machine.isRoot ? "yes" : "no")],
    [
      "versions",
      ({ machine }) =>
        Object.entries(machine.versions)
          .map(([name, version]) => `${name}: ${version}`)
          .join("; "),
    ],
    [
      "duration",
      ({ cases }) =>
        `${Math.round(cases.reduce((sum, each) => sum + each.seconds, 0) / 60)} minutes`,
    ],
  ];
  return table(
    ["", ...reports.map((_, index) => `run ${index + 1}`)],
    rows.map(([name, of]) => [name, ...reports.map(of)]),
  );
}

function targetTable(reports: readonly Report[]): readonly string[] {
  const rows = Object.entries(targets).map(([id, target]) => [
    target.figure,
    `${boundOf(target)} (${target.measure})`,
    ...reports.map((report) => verdictCell(report, id as TargetId, target)), // a key of the table
  ]);
  return table(["figure", "target", ...reports.map((_, index) => `run ${index + 1}`)], rows);
}

/** Where several results decide one target, the worst of them, and how many met it. */
function verdictCell(report: Report, id: TargetId, target: Target): string {
  const verdicts = resultsOf(report).flatMap((result) =>
    judge(result).filter((verdict) => verdict.id === id),
  );
  const [first, ...others] = verdicts.toSorted((a, b) => worseFirst(a, b, target));
  if (!first) return "not measured";
  const met = verdicts.filter((verdict) => verdict.isMet).length;
  const of = others.length > 0 ? `; worst of ${verdicts.length}, ${met} met` : "";
  return `${format(first.value)} ${target.unit}: ${first.isMet ? "met" : `**${first.text}**`}${of}`;
}

function worseFirst(a: Verdict, b: Verdict, target: Target): number {
  return target.atMost === undefined ? a.value - b.value : b.value - a.value;
}

function caseTable(reports: readonly Report[], caseName: string): readonly string[] {
  const runs = reports.map((report) => report.cases.find((each) => each.name === caseName));
  const names = new Set(
    runs.flatMap((run) =>
      (run?.findings ?? []).flatMap((each) => ("name" in each ? each.name : [])),
    ),
  );
  if (names.size === 0) return [];
  const rows = [...names].flatMap((name) =>
    runs.flatMap((run, index) => {
      const found = run?.findings.find((each) => "name" in each && each.name === name);
      return found && "name" in found ? [resultRow(found, index)] : [];
    }),
  );
  const head = ["figure", "run", "unit", "ours", "reference", "denominator", "ratio", "n", "steal"];
  const notes = runs.flatMap((run, index) =>
    [
      ...new Set(
        (run?.findings ?? []).flatMap((each) => ("notes" in each ? (each.notes ?? []) : [])),
      ),
    ].map((note) => `- run ${index + 1}: ${note}`),
  );
  return [`### ${caseName}`, "", ...table(head, rows), ...notes, ...(notes.length > 0 ? [""] : [])];
}

function resultRow(result: Result, index: number): readonly string[] {
  return [
    result.name,
    String(index + 1),
    result.unit,
    range(result.ours),
    range(result.reference),
    result.referenceName,
    Number.isFinite(result.ratio) ? `${result.ratio.toFixed(3)} ×` : "–",
    String(result.ours.count),
    result.stealPercentMax === undefined ? "" : `${result.stealPercentMax.toFixed(1)} %`,
  ];
}

function range({ median, min, max, count }: Spread): string {
  return count > 1 ? `${format(median)} [${format(min)} … ${format(max)}]` : format(median);
}

function absences(reports: readonly Report[]): readonly string[] {
  const found = reports.flatMap((report, index) =>
    report.cases.flatMap(({ name, error, findings }) => [
      ...(error === undefined ? [] : [`run ${index + 1}, ${name} failed: ${inline(error)}`]),
      ...findings.flatMap((each) =>
        "absent" in each ? [`run ${index + 1}, ${each.absent}: ${inline(each.why)}`] : [],
      ),
    ]),
  );
  return found;
}

function resultsOf(report: Report): readonly Result[] {
  return report.cases.flatMap(({ findings }) =>
    findings.flatMap((each) => ("name" in each ? [each] : [])),
  );
}

function namesOfCases(reports: readonly Report[]): readonly string[] {
  return [...new Set(reports.flatMap(({ cases }) => cases.map(({ name }) => name)))];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const line = (cells: readonly string[]): string => `| ${cells.map(inline).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line), ""];
}

/** One line that cannot break a cell. */
function inline(text: string): string {
  return text.replaceAll(/\s+/g, " ").replaceAll("|", "\\|").trim();
}
