import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { systemRandom } from "#base/random.ts";
import { killRepeatedly } from "./dynamodb-kills.ts";

test("kill -9 loses no answered write, cuts no transaction in two, and indexes and streams tell what their table holds", async (t) => {
  const seed = Math.floor(systemRandom.fraction() * 2 ** 31);
  t.diagnostic(`seed ${seed}`);
  const dataDir = await mkdtemp(join(tmpdir(), "skerry-dynamodb-kill-"));
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  const report = await killRepeatedly({ dataDir, seed, kills: 3 });
  t.diagnostic(
    `${report.kills} kills, ${report.answered} of ${report.begun} calls answered, ${report.items} items found`,
  );
  assert.ok(report.answered < report.begun, "calls were under way when the server was killed");
});
