import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { attempt, deployAttacker, runtimes, whyNoAttacker } from "./support/attackers.ts";
import { startTarget, whyNoSandboxes } from "./support/platform.ts";
import type { Target } from "./support/platform.ts";
import { createScoreboard } from "./support/scoreboard.ts";

/** What every other file here rests on: attackers answer, and a defence left out is really out. */
describe("the attack suite's own ground", { skip: whyNoSandboxes ?? false }, () => {
  let defended: Target;
  let bare: Target;
  before(async () => {
    defended = await startTarget();
    bare = await startTarget({
      without: { cuts: [{ words: ["--ro-bind", "/dev/null", "/proc/cmdline"] }] },
    });
  });
  after(async () => {
    await defended[Symbol.asyncDispose]();
    await bare[Symbol.asyncDispose]();
  });

  for (const runtime of runtimes) {
    test(`a ${runtime} attacker answers, and a control run leaves its defence out`, async (t) => {
      const reason = await whyNoAttacker(defended, runtime, "isolation");
      if (reason !== undefined) return t.skip(reason);
      const attacks = [
        { id: "mask", operation: "read", given: { path: "/proc/cmdline" } },
        { id: "none", operation: "read", given: { path: "/no/such/file" } },
      ];
      const answers = await Promise.all(
        [defended, bare].map(async (target) => {
          await deployAttacker(target, runtime, { runtime, operations: "isolation" });
          return attempt(target, runtime, attacks);
        }),
      );
      const [blocked, control] = answers.map((answer) => answer.get("mask"));
      assert.equal(blocked?.code, "EACCES");
      assert.equal(control?.code, "");
      assert.ok(String(control?.value).length > 0);
      for (const answer of answers) assert.equal(answer.get("none")?.code, "ENOENT");
    });
  }
});

test("the table counts attacks, blocked ones and controls per runtime", () => {
  const board = createScoreboard("an example");
  const row = "4 masks";
  board.add({ row, attack: "a", runtime: "node", blocked: true, control: "succeeded" });
  board.add({ row, attack: "b", runtime: "node", blocked: false, control: { impossible: "none" } });
  board.add({ row, attack: "a", runtime: "python", blocked: true, control: "failed" });
  assert.match(board.table(), /^\| node \| 2 \| 1 \| 1 \| 1 \|$/m);
  assert.match(board.table(), /^\| python \| 1 \| 1 \| 0 \| 0 \|$/m);
  assert.match(board.table(), /^- not possible here: 4 masks: none \(1\)$/m);
});
