import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { deploy, publish, source } from "../support/functions.ts";
import { visit } from "../support/neighbour.ts";
import { startTarget, whyNoSandboxes } from "./support/platform.ts";
import type { Target } from "./support/platform.ts";
import { createScoreboard } from "./support/scoreboard.ts";

const own = { perSecond: 10, connectionsMax: 16 };
/** A hundred times as many calls as the other sends. */
const flood = { perSecond: 100 * own.perSecond, connectionsMax: 512 };

describe("one tenant calls a hundred times as often", { skip: whyNoSandboxes ?? false }, () => {
  const scores = createScoreboard("Tenants");
  let target: Target;
  before(async () => {
    target = await startTarget({
      flags: { "account-concurrency": "20", "max-connections-per-address": "4096" },
    });
  });
  after(async () => {
    await target[Symbol.asyncDispose]();
    scores.print();
  });

  /** An access key of twelve digits is the account it names. */
  const client = (accessKeyId: string): LambdaClient =>
    new LambdaClient({ ...target.client, credentials: { accessKeyId, secretAccessKey: "x" } });

  /** How each was served while the loud one's crowd was there. */
  async function storm(loudAccount: string, quietAccount: string) {
    const [loud, quiet] = [client(loudAccount), client(quietAccount)];
    const code = `export const handler = () => new Promise((go) => setTimeout(() => go("done"), 100));`;
    await deploy(loud, "busy", { "index.mjs": code }, { MemorySize: 128 });
    await deploy(quiet, "neighbour", { "index.mjs": await source("echo.mjs") });
    const visitors = visit(await publish(quiet, "neighbour"), own);
    await visitors.answers(2);
    const crowd = visit(await publish(loud, "busy"), flood);
    await crowd.answers(500);
    await visitors.answers(20);
    const [seen, stormed] = await Promise.all([visitors.stop(), crowd.stop()]);
    loud.destroy();
    quiet.destroy();
    return { seen, stormed };
  }

  test("the other's calls are all answered, the crowd's beyond its limit refused", async (t) => {
    const { seen, stormed } = await storm("111111111111", "222222222222");
    t.diagnostic(`quiet tenant: ${seen.calls} calls, p50 ${seen.p50Ms.toFixed(1)} ms`);
    t.diagnostic(`loud tenant: ${stormed.calls} calls, ${stormed.errors.length} refused`);
    assert.deepEqual(seen.errors, []);
    assert.deepEqual(new Set(stormed.errors), new Set(["status 429"]));
    assert.ok(stormed.errors.length < stormed.calls, "some of its own are served");
    const control = await storm("333333333333", "333333333333");
    assert.ok(control.seen.errors.length > 0, "in one account the crowd takes it all");
    scores.add({
      row: "52 tenants",
      attack: "a hundred times the load",
      runtime: "platform",
      blocked: true,
      control: "succeeded",
    });
  });
});
