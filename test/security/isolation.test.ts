import assert from "node:assert/strict";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { deploy } from "../support/functions.ts";
import { invoke } from "../support/invoke.ts";
import { callAttacks } from "./cases/calls.ts";
import { fileAttacks } from "./cases/files.ts";
import { limitAttacks } from "./cases/limits.ts";
import { networkAttacks } from "./cases/network.ts";
import type { Neighbour } from "./cases/network.ts";
import { procAttacks } from "./cases/proc.ts";
import { processAttacks } from "./cases/processes.ts";
import { socketAttacks } from "./cases/sockets.ts";
import { attempt, deployAttacker, runtimes, whyNoAttacker } from "./support/attackers.ts";
import type { AttackerRuntime, Outcome } from "./support/attackers.ts";
import { attacksFor, carryOut, controls, deployContestant, judge } from "./support/contest.ts";
import type { Attack, ControlName } from "./support/contest.ts";
import { prepareGround } from "./support/ground.ts";
import type { Ground } from "./support/ground.ts";
import { startTarget, whyNoSandboxes } from "./support/platform.ts";
import type { Target } from "./support/platform.ts";
import { createScoreboard } from "./support/scoreboard.ts";

/**
 * Every attack of the rows 1 to 6, 9 to 15 and 26, by functions deployed through the API, against the
 * platform as it is and against control runs whose defences are off. The tables are in `cases/`.
 */
describe("isolation", { skip: whyNoSandboxes ?? false, timeout: 280_000 }, () => {
  const begun = new AsyncDisposableStack();
  const board = createScoreboard("Attacks on isolation (rows 1-6, 9-15, 19, 26)");
  const targets = new Map<ControlName | "defended", Target>();
  let ground: Ground;
  let groups: readonly (readonly [string, readonly Attack[]])[];

  before(async () => {
    ground = begun.use(await prepareGround());
    process.env["SKERRY_TEST_SECRET"] = ground.canary;
    begun.defer(() => void delete process.env["SKERRY_TEST_SECRET"]);
    const defended = begun.use(await startTarget());
    targets.set("defended", defended);
    for (const [name, settings] of Object.entries(controls))
      targets.set(name as ControlName, begun.use(await startTarget(settings))); // the table's keys
    const neighbour: Neighbour = {
      port: await freePort(),
      unixSocket: `/tmp/skerry-neighbour-${ground.canary}`,
      abstractSocket: `@skerry-neighbour-${ground.canary}`,
    };
    for (const name of ["defended", "none"] as const) await settle(targetOf(name), neighbour);
    const secretCode = await deploySecret(defended, ground);
    groups = [
      ["files of the host", fileAttacks(ground, { dataDir: defended.dataDir, secretCode })],
      ["/proc and /sys", procAttacks(ground)],
      ["processes of the host", processAttacks(ground)],
      ["the host's network", networkAttacks(ground, neighbour)],
      ["sockets", socketAttacks()],
      ["system calls", callAttacks()],
      ["limits and core dumps", limitAttacks()],
    ];
  });
  after(async () => {
    board.print();
    await begun.disposeAsync();
  });

  const targetOf = (name: ControlName | "defended"): Target => {
    const target = targets.get(name);
    assert.ok(target);
    return target;
  };

  for (const runtime of runtimes)
    test(`nothing gets through from ${runtime}, and without its defence everything does`, async (t) => {
      const reason = await whyNoAttacker(targetOf("defended"), runtime, "isolation");
      if (reason !== undefined) return t.skip(reason);
      for (const target of targets.values()) await deployContestant(target, runtime, runtime);
      for (const [title, all] of groups)
        await t.test(title, async () => {
          const attacks = await attacksFor(runtime, all);
          const by = { runtime, attacks };
          const defended = await carryOut(targetOf("defended"), runtime, by);
          judge({ ...by, defended, controlled: await control(by) }, board);
        });
    });

  async function control(by: {
    readonly runtime: AttackerRuntime;
    readonly attacks: readonly Attack[];
  }): Promise<ReadonlyMap<string, Outcome>> {
    const outcomes = new Map<string, Outcome>();
    for (const name of targets.keys()) {
      // the table's keys
      const attacks = by.attacks.filter((attack) => attack.control === name);
      if (attacks.length === 0) continue;
      const found = await carryOut(targetOf(name), by.runtime, { ...by, attacks });
      for (const [id, outcome] of found) outcomes.set(id, outcome);
    }
    return outcomes;
  }
});

async function settle(target: Target, neighbour: Neighbour): Promise<void> {
  const operations = "isolation";
  await deployAttacker(target, "neighbour", { runtime: "node", operations });
  const given = {
    port: neighbour.port,
    path: neighbour.unixSocket,
    abstract: neighbour.abstractSocket,
  };
  const answer = await attempt(target, "neighbour", [{ id: "up", operation: "listen", given }]);
  assert.equal(answer.get("up")?.code, "");
}

/** A function whose code and environment hold the canary; resolves with a file of its code. */
async function deploySecret(target: Target, ground: Ground): Promise<string> {
  const code = `export const handler = async () => ${JSON.stringify(ground.canary)};`;
  const settings = { Environment: { Variables: { SECRET: ground.canary } } };
  await deploy(
    target.lambda,
    "secret",
    { "index.mjs": code, "secret.txt": ground.canary },
    settings,
  );
  assert.equal((await invoke(target.lambda, "secret")).payload, ground.canary);
  const work = join(target.dataDir, "work");
  const paths = await readdir(work, { recursive: true });
  const path = paths.find((each) => each.endsWith("/secret.txt"));
  assert.ok(path !== undefined, "the code is unpacked somewhere");
  return join(work, path);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo; // a TCP server
  server.close();
  await once(server, "close");
  return port;
}
