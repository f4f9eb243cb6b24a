import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { killSpine } from "./kill.ts";

test("12 kills -9 with three deliveries in ten made twice lose nothing and keep order", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "skerry-kill-spine-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const seed = 1 + Math.floor(Math.random() * 2 ** 30);
  console.log(`seed ${seed}`);
  const report = await killSpine({ directory, kills: 12, seed });
  console.log(JSON.stringify(report));
  assert.ok(report.acknowledged > 0 && report.delivered >= report.acknowledged);
  assert.ok(report.repeated > 0);
});
