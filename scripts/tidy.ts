/**
 * Checks the house rules that no linter knows. Prints one sentence per breach and exits 1.
 * `--accept` rewrites scripts/tidy-debt.json with today's excess lengths; entries may only shrink.
 */
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { parseSync } from "oxc-parser";
import { importProblem, resolveImport } from "./tidy/modules.ts";
import { functionLengths } from "./tidy/functions.ts";
import {
  banned,
  doorLinesMax,
  fileLinesMax,
  functionLinesMax,
  homes,
  mainLinesMax,
} from "./tidy/rules.ts";

const debtFile = "scripts/tidy-debt.json";
const debt = JSON.parse(readFileSync(debtFile, "utf8")) as Record<string, number>; // written by this script
const excess: Record<string, number> = {};
const problems: string[] = [];
const imported = new Set<string>();

const paths = globSync("src/**/*.ts").toSorted();
for (const path of paths) inspect(path);
for (const path of paths) reportUnused(path);
checkWorkingTree();

if (process.argv.includes("--accept")) {
  writeFileSync(debtFile, `${JSON.stringify(excess, undefined, 2)}\n`);
} else {
  for (const [what, lines] of Object.entries(excess)) {
    const allowed = debt[what];
    if (allowed === undefined) problems.push(`${what} is ${lines} lines; split it`);
    else if (lines > allowed) problems.push(`${what} grew from ${allowed} to ${lines} lines`);
  }
  for (const what of Object.keys(debt)) {
    if (!(what in excess))
      problems.push(`${what} is within the limit now; remove it from ${debtFile}`);
  }
}
for (const problem of problems) console.error(problem);
console.log(`tidy: ${paths.length} files, ${problems.length} problems`);
process.exit(problems.length === 0 ? 0 : 1);

function inspect(path: string): void {
  const file = path.slice("src/".length);
  const text = readFileSync(path, "utf8");
  const isTest = /\.(test|contract|fuzz|bench)\.ts$/.test(file) || file.includes("/testing/");
  const lines = text.split("\n");
  measure(file, lines.length, isTest);
  const parsed = parseSync(path, text);
  if (!isTest) {
    for (const { name, lines: length } of functionLengths(parsed.program, text)) {
      if (length > functionLinesMax) excess[`${file} ${name}()`] = length;
    }
  }
  const specifiers = [
    ...parsed.module.staticImports.map((entry) => entry.moduleRequest.value),
    ...parsed.module.staticExports.flatMap((statement) =>
      statement.entries.flatMap((entry) => entry.moduleRequest?.value ?? []),
    ),
    ...parsed.module.dynamicImports.map((entry) =>
      text.slice(entry.moduleRequest.start, entry.moduleRequest.end).replaceAll(/["'`]/g, ""),
    ),
  ];
  for (const specifier of specifiers) checkImport(file, specifier, isTest);
  if (!isTest) lines.forEach((line, index) => checkLine(file, line, index + 1));
}

function measure(file: string, lines: number, isTest: boolean): void {
  const limit = isTest ? fileLinesMax * 2 : fileLinesMax;
  if (lines > limit) excess[file] = lines;
  if (file === "main.ts" && lines > mainLinesMax) excess[file] = lines;
  const [first, second, third] = file.split("/");
  if (first === "services" && third === `${second}.ts` && lines > doorLinesMax)
    excess[file] = lines;
}

function checkImport(file: string, specifier: string, isTest: boolean): void {
  const target = resolveImport(file, specifier);
  if (target !== undefined) {
    imported.add(target);
    const problem = isTest ? undefined : importProblem(file, target);
    if (problem) problems.push(problem);
    return;
  }
  if (isTest) return;
  for (const { what, where, instead } of homes) {
    if (what.test(specifier) && !where.some((home) => home.test(file))) {
      problems.push(`${file}: imports ${specifier}; ${instead}`);
    }
  }
  const client = /^@aws-sdk\/client-(.+)$/.exec(specifier)?.[1];
  if (client && !file.startsWith("services/") && !file.startsWith("cli/")) {
    problems.push(`${file}: imports ${specifier}; SDK clients belong to their service`);
  }
}

function checkLine(file: string, line: string, number: number): void {
  const code = line.replace(/^\s*(\*|\/\/).*/, "").replace(/\s\/\/ .*$/, "");
  for (const { pattern, where, instead } of banned) {
    if (pattern.test(code) && !where.some((home) => home.test(file))) {
      problems.push(`src/${file}:${number}: ${pattern.source} is banned here; use ${instead}`);
    }
  }
}

/** A file nobody imports is dead unless something outside `src` starts it. */
function reportUnused(path: string): void {
  const file = path.slice("src/".length);
  const started = new Set([
    "main.ts",
    "skerry.ts",
    "worker.ts",
    "functions/sandbox/launcher/launcher.ts",
  ]);
  const isTest = /\.(test|fuzz|bench)\.ts$/.test(file) || file.includes("/testing/");
  if (!isTest && !started.has(file) && !imported.has(file))
    problems.push(`${file}: nobody imports it`);
}

function checkWorkingTree(): void {
  for (const path of globSync("{src,test,scripts,guest,docs,bench}/**/*", {
    withFileTypes: true,
  })) {
    if (!path.isFile()) continue;
    const name = `${path.parentPath}/${path.name}`;
    const bytes = readFileSync(name);
    if (bytes.length > 512 * 1024)
      problems.push(`${name}: ${bytes.length} bytes; too large for the repository`);
    if (bytes.subarray(0, 8_000).includes(0) && !name.endsWith(".zip")) {
      problems.push(`${name}: binary files do not belong here`);
    }
  }
}
