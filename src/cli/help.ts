import { type Option, options, variableOf } from "#config/options.ts";
import type { Command } from "./command.ts";

/** What `skerry help` prints. */
export function generalHelp(commands: readonly Command[]): string {
  return [
    "Skerry: a serverless cloud on your own machine, behind the AWS API.",
    "",
    "Usage: skerry COMMAND [OPTIONS]",
    "",
    ...table(commands.map((command) => [`  ${command.name} ${command.operands}`, command.summary])),
    "",
    "Every command takes --json and --help. Client commands find the server at --endpoint",
    "(SKERRY_ENDPOINT), by default http://127.0.0.1:4566.",
    "",
  ].join("\n");
}

/** What `skerry help COMMAND` prints. */
export function commandHelp(command: Command): string {
  const own = command.flags.map((flag): [string, string] => [
    `  ${flag.short === undefined ? "" : `-${flag.short}, `}--${flag.name}${flag.value === undefined ? "" : ` ${flag.value}`}`,
    flag.meaning,
  ]);
  const server = command.serverFlags ? Object.values(options).map(describeOption) : [];
  return [
    `Usage: skerry ${command.name} ${command.operands}`.trimEnd(),
    "",
    command.summary,
    "",
    ...table([...own, ...server, ["  --json", "answer in JSON"]]),
    "",
  ].join("\n");
}

function describeOption(option: Option): [string, string] {
  const allowed =
    option.choices === undefined ? option.kind.toUpperCase() : option.choices.join("|");
  const fallback = option.fallback ? ` (default ${option.fallback})` : "";
  return [`  --${option.flag} ${allowed}`, `${option.meaning}${fallback}; ${variableOf(option)}`];
}

/** Rows of cells as lines with aligned columns, two spaces apart. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, cell.length)));
  }
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
