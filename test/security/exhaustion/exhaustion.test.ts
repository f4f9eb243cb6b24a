import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Omissions } from "#functions/sandbox/drivers/bubblewrap/bubblewrap.ts";
import { deploy, publish, source } from "../../support/functions.ts";
import type { Service } from "../../support/neighbour.ts";
import { visit } from "../../support/neighbour.ts";
import type { AttackerRuntime } from "../support/attackers.ts";
import { whyNoAttacker } from "../support/attackers.ts";
import type { FarTarget } from "../support/far-platform.ts";
import { startFarTarget } from "../support/far-platform.ts";
import { environmentsOf, membersOf } from "../support/groups.ts";
import { startTarget, whyNoSandboxes } from "../support/platform.ts";
import type { Target } from "../support/platform.ts";
import { createScoreboard } from "../support/scoreboard.ts";
import type { Attack } from "./attacks.ts";
import { attacks } from "./attacks.ts";
import { Attackers } from "./carry-out.ts";

/** Enough to notice a standstill, too little to be a load of its own. */
const rate = { perSecond: 20, connectionsMax: 64 };

const options = { skip: whyNoSandboxes ?? false, concurrency: 3 };
describe("functions that use up what they can", options, () => {
  const scores = createScoreboard("Exhaustion");
  const lines: string[] = [];
  let target: FarTarget;
  let attackers: Attackers;
  let url: string;
  const controls = new Map<string, Promise<Control>>();

  before(async () => {
    target = await startFarTarget();
    attackers = new Attackers(target);
    await deploy(target.lambda, "neighbour", { "index.mjs": await source("echo.mjs") });
    url = await publish(target.lambda, "neighbour");
    const quiet = await serviceDuring(() => Promise.resolve());
    lines.push(lineOf("quiet", quiet));
  });
  after(async () => {
    for (const control of controls.values()) await (await control).target[Symbol.asyncDispose]();
    await target[Symbol.asyncDispose]();
    scores.print();
    console.log(["The neighbour meanwhile (ms):", ...lines].join("\n"));
  });

  /** Calls the neighbour all the while, and a few times after it. */
  async function serviceDuring(work: () => Promise<unknown>): Promise<Service> {
    const visitors = visit(url, rate);
    await visitors.answers(1);
    await work();
    await visitors.answers(5);
    return visitors.stop();
  }

  async function control(attack: Attack, runtime: AttackerRuntime) {
    if ("impossible" in attack.control) return attack.control;
    const { without, succeeded } = attack.control;
    const key = JSON.stringify(without);
    const starting = controls.get(key) ?? startControl(without);
    controls.set(key, starting);
    const { attackers } = await starting;
    const told = await attackers.carryOut(attack, runtime);
    await attackers.retire(attack, runtime);
    assert.ok(succeeded(told), `the control was stopped too: ${JSON.stringify(told)}`);
    return "succeeded" as const;
  }

  for (const attack of attacks)
    for (const runtime of attack.runtimes)
      test(`${attack.row}, ${attack.what}, from ${runtime}`, async (t) => {
        const reason = await whyNoAttacker(target, runtime, "exhaustion");
        if (reason !== undefined) return t.skip(reason);
        const name = await attackers.function(attack, runtime);
        let failure: string | undefined;
        const service = await serviceDuring(async () => {
          const told = await attackers.carryOut(attack, runtime);
          failure = attack.blocked(told);
          if (told.error !== undefined) await untilGone(target, name);
        });
        lines.push(lineOf(`${attack.row}, ${attack.what}, ${runtime}`, service));
        assert.equal(failure, undefined);
        assert.deepEqual(service.errors, [], "the neighbour is served");
        await attackers.retire(attack, runtime);
        const { row, what } = attack;
        const outcome = await control(attack, runtime);
        scores.add({ row, attack: what, runtime, blocked: true, control: outcome });
      });
});

interface Control {
  readonly target: Target;
  readonly attackers: Attackers;
}

async function startControl(without: Omissions): Promise<Control> {
  const target = await startTarget({ without });
  return { target, attackers: new Attackers(target) };
}

/** After a failure an environment ends, and with it all its processes. */
async function untilGone(target: FarTarget, name: string): Promise<void> {
  for (;;) {
    const ids = await environmentsOf(target, name);
    if (ids.length === 0) return;
    for (const id of ids) if (membersOf(id).length === 0) return;
  }
}

function lineOf(what: string, { calls, p50Ms, p99Ms, errors }: Service): string {
  const [p50, p99] = [p50Ms, p99Ms].map((ms) => ms.toFixed(1).padStart(7));
  return `${p50} p50 ${p99} p99  ${calls} calls, ${errors.length} errors: ${what}`;
}
