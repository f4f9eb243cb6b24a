import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { DeleteFunctionCommand } from "@aws-sdk/client-lambda";
import { processesNaming } from "#functions/sandbox/testing/host.ts";
import { measureKills } from "./kill-time.ts";
import type { AttackerRuntime } from "../support/attackers.ts";
import { attempt, deployAttacker, runtimes, whyNoAttacker } from "../support/attackers.ts";
import { startFarTarget } from "../support/far-platform.ts";
import {
  become,
  environmentsOf,
  isFrozen,
  membersOf,
  throttledCount,
  ticksOf,
} from "../support/groups.ts";
import { startTarget, whyNoSandboxes } from "../support/platform.ts";
import type { Target, TargetSettings } from "../support/platform.ts";
import { createScoreboard } from "../support/scoreboard.ts";

/** What goes on beside and after an invocation: shares, daemons, work left running, a dead platform. */
const options = { skip: whyNoSandboxes ?? false, concurrency: 2 };
describe("functions that go on", options, () => {
  const scores = createScoreboard("Aftermath");
  let defended: Target;
  before(async () => void (defended = await startTarget()));
  after(async () => {
    await defended[Symbol.asyncDispose]();
    scores.print();
  });

  const deploy = (target: Target, name: string, runtime: AttackerRuntime, memoryMiB: number) =>
    deployAttacker(target, name, {
      runtime,
      operations: "exhaustion",
      settings: { MemorySize: memoryMiB },
    });
  const onlyOne = async (target: Target, name: string): Promise<string> => {
    const [id, ...others] = await environmentsOf(target, name);
    assert.ok(id !== undefined && others.length === 0);
    return id;
  };

  for (const runtime of runtimes) {
    test(`a hog from ${runtime} gets the share its memory pays for`, async (t) => {
      const reason = await whyNoAttacker(defended, runtime, "exhaustion");
      if (reason !== undefined) return t.skip(reason);
      const spin = [{ id: "it", operation: "spin", given: { ms: 1_500, threads: 4 } }];
      const hog = async (target: Target) => {
        await deploy(target, `hog-${runtime}`, runtime, 128); // 7 % of a core
        const value = (await attempt(target, `hog-${runtime}`, spin)).get("it")?.value;
        const { cpuMs, wallMs } = value as { cpuMs: number; wallMs: number }; // spin
        const id = await onlyOne(target, `hog-${runtime}`);
        return { share: cpuMs / wallMs, throttled: throttledCount(id) };
      };
      const held = await hog(defended);
      assert.ok(held.share < 0.15, `${held.share} of a core`);
      assert.ok(held.throttled > 0, "the kernel held it back");
      await using free = await startTarget({ without: { controls: ["cpuMilli"] } });
      assert.equal((await hog(free)).throttled, 0);
      const row = "21 share of the processor";
      const attack = "a hog below its timeout";
      scores.add({ row, attack, runtime, blocked: true, control: "succeeded" });
    });

    test(`daemons from ${runtime} are gone when their environment ends`, async (t) => {
      const reason = await whyNoAttacker(defended, runtime, "exhaustion");
      if (reason !== undefined) return t.skip(reason);
      const left = async (target: Target): Promise<readonly number[]> => {
        const marker = `daemon-${process.pid}-${runtime}-${target.port}`;
        const name = `daemons-${runtime}`;
        await deploy(target, name, runtime, 512);
        await attempt(target, name, [
          { id: "it", operation: "daemons", given: { count: 3, marker } },
        ]);
        await become(() => processesNaming(marker).length >= 3);
        await target.lambda.send(new DeleteFunctionCommand({ FunctionName: name }));
        await become(async () => (await environmentsOf(target, name)).length === 0);
        return processesNaming(marker);
      };
      assert.deepEqual(await left(defended), []);
      await using bare = await startTarget({ flags: { sandbox: "process" } });
      const survivors = await left(bare);
      survivors.forEach(endFamily);
      assert.ok(survivors.length > 0, "without a sandbox they live on");
      const row = "22 daemons";
      const attack = "own session, deaf, holding the output";
      scores.add({ row, attack, runtime, blocked: true, control: "succeeded" });
    });

    test(`work left running by ${runtime} stands still between invocations`, async (t) => {
      const reason = await whyNoAttacker(defended, runtime, "exhaustion");
      if (reason !== undefined) return t.skip(reason);
      const name = `linger-${runtime}`;
      const linger = [{ id: "it", operation: "linger" }];
      await deploy(defended, name, runtime, 512);
      await attempt(defended, name, linger);
      const id = await onlyOne(defended, name);
      await become(() => isFrozen(id));
      const ticks = ticksOf(id);
      const again = `other-${runtime}`;
      await deploy(defended, again, runtime, 512);
      for (let call = 0; call < 5; call++)
        await attempt(defended, again, [
          { id: "it", operation: "touch", given: { path: "/tmp/x" } },
        ]);
      assert.equal(ticksOf(id), ticks, "not a tick of the clock");
      await using awake = await startTarget({ flags: { "freeze-after": "86400000" } });
      await deploy(awake, name, runtime, 512);
      await attempt(awake, name, linger);
      const awakeId = await onlyOne(awake, name);
      const before = ticksOf(awakeId);
      await become(() => ticksOf(awakeId) > before);
      const row = "23 work left running";
      const attack = "a thread that never rests";
      scores.add({ row, attack, runtime, blocked: true, control: "succeeded" });
    });
  }

  test("a fork bomb is gone after its timeout; how soon is printed", async (t) => {
    const reason = await whyNoAttacker(defended, "python", "exhaustion");
    if (reason !== undefined) return t.skip(reason);
    for (const { goneAfterMs, processCount } of await measureKills(defended, "python", {
      runs: 2,
    })) {
      assert.ok(processCount > 8 && processCount <= 1_024, `${processCount} processes`);
      t.diagnostic(`${processCount} processes gone ${goneAfterMs.toFixed(0)} ms after the timeout`);
    }
  });

  test("a platform killed with signal 9 takes bombs, daemons and busy loops along", async (t) => {
    const reason = await whyNoAttacker(defended, "python", "exhaustion");
    if (reason !== undefined) return t.skip(reason);
    const killed = async (settings: TargetSettings): Promise<readonly number[]> => {
      const far = await startFarTarget(settings);
      const marker = `killed-${process.pid}-${far.port}`;
      await deploy(far, "victim", "python", 512);
      await attempt(far, "victim", [
        { id: "it", operation: "daemons", given: { count: 3, marker } },
      ]);
      await become(() => processesNaming(marker).length >= 3);
      const [id] = await environmentsOf(far, "victim");
      assert.ok(id !== undefined);
      await deploy(far, "busy", "python", 512);
      const busy = attempt(far, "busy", [{ id: "it", operation: "spin", given: { ms: 1e6 } }]);
      const cut = assert.rejects(busy);
      await become(async () => (await environmentsOf(far, "busy")).length > 0);
      await far.kill();
      await cut;
      far.lambda.destroy();
      await rm(far.dataDir, { recursive: true });
      if (settings.flags?.["sandbox"] === "process") {
        const survivors = processesNaming(marker);
        // The busy loop survives too, and nobody else will end it.
        processesAbout(far.dataDir).forEach(endFamily);
        return survivors;
      }
      await become(() => membersOf(id).length === 0 && far.family().length === 0);
      return processesNaming(marker);
    };
    assert.deepEqual(await killed({}), []);
    const survivors = await killed({ flags: { sandbox: "process" } });
    survivors.forEach(endFamily);
    assert.ok(survivors.length > 0, "without a sandbox they live on");
    const row = "24 platform killed";
    const attack = "daemons and busy loops";
    scores.add({ row, attack, runtime: "python", blocked: true, control: "succeeded" });
  });
});

/** Processes that were started with a variable that names `text`. */
function processesAbout(text: string): readonly number[] {
  return readdirSync("/proc").flatMap((name) => {
    try {
      return readFileSync(`/proc/${name}/environ`, "utf8").includes(text) ? [Number(name)] : [];
    } catch {
      return []; // It is no process, or ended while we looked.
    }
  });
}

/** A survivor of a control run with what it started: it leads its own session. */
function endFamily(pid: number): void {
  for (const target of [-pid, pid]) {
    try {
      process.kill(target, "SIGKILL");
    } catch {
      // It led no group, or ended with it.
    }
  }
}
