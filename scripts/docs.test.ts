import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

test("the generated reference pages agree with the code", () => {
  const check = spawnSync(process.execPath, ["--conditions=source", "scripts/docs.ts", "--check"], {
    encoding: "utf8",
  });
  assert.equal(check.status, 0, `run: npm run docs\n${check.stdout}${check.stderr}`);
});
