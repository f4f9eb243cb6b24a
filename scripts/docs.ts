/**
 * Writes docs/reference from the code: one table of operations per service, the settings, the error
 * codes. `--check` writes nothing and fails when a page is out of date (`scripts/docs.test.ts`).
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { platformErrorCodes } from "#base/errors.ts";
import { type Option, options, variableOf } from "#config/options.ts";
import { start } from "#main.ts";

const folder = "docs/reference";
const pages = new Map<string, string>();

interface ServiceEntry {
  readonly name: string;
  readonly sdkId: string;
  readonly operations: readonly string[];
}

await using server = await start({ sandbox: "process", logLevel: "error" });
const response = await fetch(`${server.url}/_skerry/services`);
const { services } = (await response.json()) as { services: ServiceEntry[] }; // the platform's own route
for (const { name, sdkId, operations } of services) {
  const model = (await import(`@aws-sdk/client-${name}`)) as Record<string, unknown>; // folders are named as clients
  const all = Object.keys(model)
    .filter((key) => /^[A-Z].*Command$/.test(key) && key !== "$Command")
    .map((key) => key.replace(/Command$/, ""))
    .toSorted();
  const supported = new Set(operations);
  const rows = all.map(
    (operation) => `| ${operation} | ${supported.has(operation) ? "yes" : "—"} |`,
  );
  pages.set(
    `${name}.md`,
    page(`${sdkId}: operations`, [
      `${supported.size} of ${all.length} operations of the model are answered. The others are refused by name,`,
      `with the protocol's own error. What differs from AWS is written in`,
      `[the service's README](../../src/services/${folderOf(name)}/README.md).`,
      "",
      "| operation | supported |",
      "|---|---|",
      ...rows,
    ]),
  );
}

pages.set(
  "settings.md",
  page("Settings", [
    "Strongest first: flag, environment variable, key in `skerry.config.json` (named like the flag).",
    "",
    "| flag | variable | default | meaning |",
    "|---|---|---|---|",
    ...Object.values(options).map((option: Option) => {
      const allowed = option.choices ? ` (${option.choices.join(", ")})` : rangeOf(option);
      return `| \`--${option.flag}\` | \`${variableOf(option)}\` | ${option.fallback || "—"} | ${option.meaning}${allowed} |`;
    }),
  ]),
);

pages.set(
  "errors.md",
  page("Errors of the platform", [
    "What the platform itself can report, in logs and as the cause of a service's server fault.",
    "",
    "| code | meaning | may help to try again |",
    "|---|---|---|",
    ...Object.entries(platformErrorCodes).map(
      ([code, { retryable, meaning }]) =>
        `| \`${code}\` | ${meaning} | ${retryable ? "yes" : "no"} |`,
    ),
  ]),
);

const isCheck = process.argv.includes("--check");
const outdated = [...pages].filter(([name, text]) => read(`${folder}/${name}`) !== text);
if (!isCheck) {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of outdated) writeFileSync(`${folder}/${name}`, text);
}
for (const [name] of outdated)
  console.log(`${isCheck ? "out of date" : "written"}: ${folder}/${name}`);
process.exitCode = isCheck && outdated.length > 0 ? 1 : 0;

function page(title: string, lines: readonly string[]): string {
  return [`# ${title}`, "", "<!-- generated: npm run docs -->", "", ...lines, ""].join("\n");
}

function rangeOf(option: Option): string {
  if (!option.range) return "";
  const [least, most] = option.range;
  return ` (${least} to ${most}${option.hasAuto ? " or auto" : ""})`;
}

/** STS lives with IAM, streams with their tables: two APIs over one engine. */
function folderOf(service: string): string {
  if (service === "dynamodb-streams") return "dynamodb";
  return service === "sts" ? "iam" : service;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
