import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type ChainPlan, runChain } from "./chain.ts";

/** Killing a process of a sandbox is for root. */
const isRoot = process.getuid?.() === 0;

async function survive(
  plan: Omit<ChainPlan, "dataDir" | "seed" | "platformKills" | "sandboxKills">,
): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), "skerry-chain-"));
  try {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const kills = { platformKills: 1, sandboxKills: isRoot ? 2 : 0 };
    const { lost, faults, ...figures } = await runChain({ ...plan, ...kills, dataDir, seed });
    const what = `${JSON.stringify(figures)}, seed ${seed}`;
    assert.deepEqual({ lost, faults }, { lost: [], faults: [] }, what);
    assert.equal(figures.acknowledged, plan.messageCount, what);
    return what;
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}

test("queue, function, table: what was acknowledged arrives although platform and sandboxes are killed", async (t) => {
  t.diagnostic(await survive({ messageCount: 1_000, groupCount: 0 }));
});

test("and ordered groups arrive in their order", async (t) => {
  t.diagnostic(await survive({ messageCount: 200, groupCount: 4 }));
});
