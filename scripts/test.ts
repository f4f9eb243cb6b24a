/**
 * Runs every `*.test.ts` (or those whose path contains one of the arguments) with Node's own runner.
 * Files run a few at a time: each may start platforms and sandboxes of its own.
 */
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";

const wanted = process.argv.slice(2);
const files = globSync([
  "src/**/*.test.ts",
  "guest/**/*.test.ts",
  "test/**/*.test.ts",
  "scripts/**/*.test.ts",
])
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .toSorted();
if (files.length === 0) {
  console.error(`no test file matches ${wanted.join(" ")}`);
  process.exit(1);
}
const run = spawnSync(
  process.execPath,
  ["--conditions=source", "--test", "--test-concurrency=2", "--test-timeout=300000", ...files],
  { stdio: "inherit" },
);
process.exit(run.status ?? 1);
