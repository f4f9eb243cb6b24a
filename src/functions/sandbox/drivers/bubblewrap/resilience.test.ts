import assert from "node:assert/strict";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { systemClock } from "#base/clock.ts";
import { isPlatformError } from "#base/errors.ts";
import { createSeededRandom, systemRandom } from "#base/random.ts";
import { createBubblewrapDriver } from "./bubblewrap.ts";
import type { BubblewrapDriver } from "./bubblewrap.ts";
import { instanceName, instancePrefix } from "./instance.ts";
import { createProbe, probeSpec } from "./probe-sandbox.ts";
import { findBubblewrap } from "./probe.ts";
import {
  controlGroups,
  eventually,
  launcherProcess,
  processesOf,
  shellSpec,
} from "../../testing/host.ts";
import { killPlatform, victims } from "../../testing/kill-platform.ts";

const never = new AbortController().signal;
const isRoot = process.getuid?.() === 0;
const skip =
  findBubblewrap() === undefined
    ? "bubblewrap is not installed"
    : !isRoot && "needs root, to tell sandboxes' processes by their uid";
const uids = { first: 1_985_000_000 + (process.pid % 4096) * 64, count: 64 };

function open(): { driver: BubblewrapDriver; workDir: string } & AsyncDisposable {
  const workDir = mkdtempSync(join(tmpdir(), "skerry-resilience-"));
  const log = { event: () => undefined };
  const driver = createBubblewrapDriver({
    workDir,
    uids,
    log,
    clock: systemClock,
    random: systemRandom,
  });
  return {
    driver,
    workDir,
    async [Symbol.asyncDispose]() {
      await driver[Symbol.asyncDispose]();
      rmSync(workDir, { recursive: true });
    },
  };
}

describe("sandboxes and the death of their makers", { skip, timeout: 180_000 }, () => {
  test("when the launcher dies, sandboxes die, pending starts fail, and the next start works", async () => {
    await using host = open();
    const { driver } = host;
    const running = await createProbe(driver, probeSpec(), never);
    const hanging = probeSpec({ command: ["/var/lang/bin/node", "-e", "setInterval(()=>{},1e3)"] });
    const pending = driver.create(hanging, never);
    const lost = assert.rejects(pending, (error) =>
      isPlatformError(error, "sandbox.launcher-lost"),
    );
    await eventually("the second sandbox runs", () => processesOf(uids).length >= 6);
    const launcherPid = launcherProcess(driver.launcherPid);
    process.kill(launcherPid, "SIGKILL");
    await lost;
    assert.equal((await running.sandbox.exited).cause, "lost");
    assert.deepEqual(processesOf(uids), [], "exited means that the last process is gone");
    await using next = await createProbe(driver, probeSpec(), never);
    assert.equal(typeof (await next.ask("counter")), "number");
    assert.notEqual(launcherProcess(driver.launcherPid), launcherPid);
    assert.equal(driver.liveCount, 1);
  });

  test("a launcher that dies again and again comes back each time", async () => {
    await using host = open();
    await using _ = await host.driver.create(shellSpec(), never);
    for (let deaths = 0; deaths < 3; deaths++) {
      await host.driver.capabilities();
      const { launcherPid } = host.driver;
      if (launcherPid !== undefined) process.kill(launcherPid, "SIGKILL");
      await eventually("it is gone", () => host.driver.launcherPid !== launcherPid);
    }
    await using after = await host.driver.create(shellSpec(), never);
    assert.ok(after.id);
  });

  test("when the platform is killed, nothing stays: no process, and at the next start no group or directory", async () => {
    for (let kills = 0; kills < 5; kills++) {
      // From before the launcher is there to after the last sandbox runs.
      const afterMs = 60 * kills;
      const victim = victims[kills % victims.length] ?? "all";
      const which = kills / 5;
      const remains = await killPlatform({ uids, sandboxes: 3 + kills, afterMs, victim, which });
      const { livedOnMs: _, ...left } = remains;
      assert.deepEqual(left, { processes: 0, groups: 0, directories: 0, works: true }, victim);
    }
  });

  test("starts given up at any moment leave no process and no group", async () => {
    await using host = open();
    await using _ = await host.driver.create(shellSpec(), never);
    const seed = Date.now() % 1_000_000;
    console.log(`seed ${seed}`);
    const random = createSeededRandom(seed);
    const before = processesOf(uids).length;
    const giveUp = async (): Promise<void> => {
      const controller = new AbortController();
      const started = host.driver.create(shellSpec(), controller.signal);
      const given = Promise.allSettled([started]);
      await systemClock.sleep(random.fraction() * 25, never);
      controller.abort(new Error("not wanted any more"));
      const [end] = await given;
      if (end.status === "fulfilled") await end.value[Symbol.asyncDispose]();
    };
    for (let round = 0; round < 15; round++) await Promise.all([giveUp(), giveUp(), giveUp()]);
    await eventually("all are gone", () => host.driver.liveCount === 1);
    assert.equal(processesOf(uids).length, before);
    const own = controlGroups(instanceName(process.pid)).flatMap((home) => readdirSync(home));
    assert.equal(new Set(own.filter((name) => /^[0-9a-f]{16,}$/.test(name))).size, 1);
  });

  test("two hundred sandboxes leave no descriptor, group, mount, directory or uid behind", async () => {
    await using host = open();
    const { driver, workDir } = host;
    const cycle = async (count: number): Promise<void> => {
      for (let index = 0; index < count; index++) {
        const sandbox = await driver.create(shellSpec({ listeners: [] }), never);
        await sandbox[Symbol.asyncDispose]();
      }
    };
    await cycle(10);
    const launcherPid = launcherProcess(driver.launcherPid);
    const look = (): Record<string, number> => ({
      ownDescriptors: readdirSync("/proc/self/fd").length,
      launcherDescriptors: readdirSync(`/proc/${launcherPid}/fd`).length,
      launcherMounts: readFileSync(`/proc/${launcherPid}/mountinfo`, "utf8").split("\n").length,
      groups: controlGroups(instanceName(process.pid)).length,
      slots: readdirSync(join(workDir, slotsOf(workDir))).length,
      processes: processesOf(uids).length,
    });
    await systemClock.sleep(20, never);
    const before = look();
    await cycle(200);
    await eventually(
      "streams are closed",
      () => look()["ownDescriptors"] === before["ownDescriptors"],
    );
    assert.deepEqual(look(), before);
    assert.equal(before["slots"], 0);
    assert.equal(before["processes"], 0);
    assert.equal(driver.liveCount, 0);
  });

  test("a platform with a strict umask shows its sandboxes what they need", async () => {
    const previous = process.umask(0o077);
    try {
      await using host = open();
      const tree = mkdtempSync(join(host.workDir, "tree-"));
      mkdirSync(join(tree, "sub"));
      for (const path of ["a", "sub/b"]) {
        writeFileSync(join(tree, path), "x");
        chmodSync(join(tree, path), 0o644);
      }
      await using probe = await createProbe(host.driver, probeSpec(), never);
      await probe.sandbox.link("task", tree);
      const paths = ["/var/task/a", "/var/task/sub/b", "/etc/passwd", "/etc/hosts"];
      for (const answer of await probe.ask<string[]>("files", paths)) assert.match(answer, /^ok/);
    } finally {
      process.umask(previous);
    }
  });

  test("a launcher keeps few descriptors open for a running sandbox", async () => {
    await using host = open();
    await using _ = await host.driver.create(shellSpec(), never);
    const launcherPid = launcherProcess(host.driver.launcherPid);
    const count = (): number => readdirSync(`/proc/${launcherPid}/fd`).length;
    const before = count();
    const sandboxes = await Promise.all(
      Array.from({ length: 10 }, () => host.driver.create(shellSpec(), never)),
    );
    await eventually("each holds one at most", () => count() - before <= sandboxes.length);
    await Promise.all(sandboxes.map((each) => each[Symbol.asyncDispose]()));
  });

  test("many at once start and end", async () => {
    await using host = open();
    const sandboxes = await Promise.all(
      Array.from({ length: 24 }, () => host.driver.create(shellSpec(), never)),
    );
    assert.equal(new Set(sandboxes.map((each) => each.id)).size, 24);
    await Promise.all(sandboxes.map((each) => each[Symbol.asyncDispose]()));
    assert.deepEqual(processesOf(uids), []);
  });
});

function slotsOf(workDir: string): string {
  const [instance] = readdirSync(workDir).filter((name) => name.startsWith(instancePrefix));
  const [own] = readdirSync(join(workDir, instance ?? ""));
  return join(instance ?? "", own ?? "", "slots");
}
