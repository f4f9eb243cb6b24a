/**
 * Runs every `*.test.ts` (or those whose path contains one of the arguments) with Node's own runner.
 * Files run two at a time: each may start platforms and sandboxes of its own.
 *
 * In continuous integration (`CI=true`) the files of a failed run are run once more, one at a time,
 * and said so: many of these tests end real processes on machines shared with others. What fails
 * again, or in more than a few files, fails.
 */
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** More failing files than this are no accident. */
const secondTriesMax = 3;

const wanted = process.argv.slice(2);
const patterns = ["src", "guest", "test", "scripts", "bench"].map(
  (folder) => `${folder}/**/*.test.ts`,
);
const files = globSync(patterns)
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .toSorted();
if (files.length === 0) {
  console.error(`no test file matches ${wanted.join(" ")}`);
  process.exit(1);
}
const first = run(files, 2);
const isAccident = first.failed.length > 0 && first.failed.length <= secondTriesMax;
if (first.status === 0 || process.env["CI"] !== "true" || !isAccident) process.exit(first.status);
console.log(`\nfailed once, and run again alone:\n  ${first.failed.join("\n  ")}\n`);
process.exit(run(first.failed, 1).status);

function run(
  chosen: readonly string[],
  concurrency: number,
): { readonly status: number; readonly failed: readonly string[] } {
  const folder = mkdtempSync(join(tmpdir(), "skerry-failed-"));
  const list = join(folder, "files");
  const { status } = spawnSync(
    process.execPath,
    [
      "--conditions=source",
      "--test",
      `--test-concurrency=${concurrency}`,
      "--test-timeout=300000",
      "--test-reporter=spec",
      "--test-reporter-destination=stdout",
      "--test-reporter=./scripts/failed-files.mjs",
      `--test-reporter-destination=${list}`,
      ...chosen,
    ],
    { stdio: "inherit" },
  );
  const failed = readFileSync(list, "utf8").split("\n").filter(Boolean);
  rmSync(folder, { recursive: true });
  return { status: status ?? 1, failed };
}
