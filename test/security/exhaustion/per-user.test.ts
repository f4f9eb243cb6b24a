import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { AttackerRuntime } from "../support/attackers.ts";
import { attempt, deployAttacker, whyNoAttacker } from "../support/attackers.ts";
import { startTarget, whyNoSandboxes } from "../support/platform.ts";
import type { Target } from "../support/platform.ts";
import { createScoreboard } from "../support/scoreboard.ts";

/**
 * What the kernel counts per user: one sandbox takes all of it, another wants some. With a uid for
 * each it gets as much as ever; where sandboxes share one it gets less.
 */
const objects = [
  { id: "inotify instances", operation: "inotify", given: { max: 10_000 } },
  { id: "pending signals", operation: "signals", given: { max: 1_000_000 } },
] as const;

describe(
  "one function takes all the kernel gives a user",
  { skip: whyNoSandboxes ?? false },
  () => {
    const scores = createScoreboard("Kernel objects per user");
    const row = "19 kernel objects per user";
    let defended: Target;
    before(async () => void (defended = await startTarget()));
    after(async () => {
      await defended[Symbol.asyncDispose]();
      scores.print();
    });

    for (const runtime of ["python", "native"] as const)
      test(`from ${runtime}: another gets its own`, async (t) => {
        const reason = await whyNoAttacker(defended, runtime, "exhaustion");
        if (reason !== undefined) return t.skip(reason);
        const apart = await takeAndGet(defended, runtime);
        await using sharing = await startTarget({ without: { separateUids: true } });
        const shared = await takeAndGet(sharing, runtime);
        for (const { id, given } of objects) {
          const [takes = 0, gets] = apart.map((counts) => counts.get(id));
          assert.ok(takes > 0 && takes < given.max, `${id}: the first took ${takes}`);
          assert.equal(gets, takes, `${id}: the other's share is whole`);
          const [took = 0, got = 0] = shared.map((counts) => counts.get(id));
          assert.ok(took > 0 && got < took, `${id} with one uid: ${took}, then ${got}`);
          scores.add({ row, attack: id, runtime, blocked: true, control: "succeeded" });
        }
      });
  },
);

type Counts = ReadonlyMap<string, number>;

/** How many of each one function took and holds, and another was given after it. */
async function takeAndGet(target: Target, runtime: AttackerRuntime): Promise<readonly Counts[]> {
  const counts: Counts[] = [];
  for (const who of ["taker", "other"]) {
    const name = `${who}-${runtime}`;
    const settings = { MemorySize: 512 }; // both stay: none has to make room for the other
    await deployAttacker(target, name, { runtime, operations: "exhaustion", settings });
    const outcomes = await attempt(target, name, objects);
    const entries = [...outcomes].map(
      ([id, { value }]) => [id, (value as { count: number }).count] as const, // they all count
    );
    counts.push(new Map(entries));
  }
  return counts;
}
