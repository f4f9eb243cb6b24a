import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { architectures } from "#functions/sandbox/drivers/bubblewrap/syscalls.ts";
import { deploy } from "../support/functions.ts";
import { invoke } from "../support/invoke.ts";
import { runtimes, whyNoAttacker } from "./support/attackers.ts";
import type { AttackerRuntime } from "./support/attackers.ts";
import { carryOut, controls, deployContestant } from "./support/contest.ts";
import type { Attack } from "./support/contest.ts";
import { compareWithGolden } from "./support/golden.ts";
import { prepareGround } from "./support/ground.ts";
import type { Ground } from "./support/ground.ts";
import { startTarget, whyNoSandboxes } from "./support/platform.ts";
import type { Target } from "./support/platform.ts";
import {
  accessLines,
  callLines,
  fileLines,
  limitLines,
  mountLines,
  socketLines,
  statusLines,
  views,
} from "./support/views.ts";

/** What a function can see and do, compared with tables that a person has read: `golden/`. */
describe("the view from inside", { skip: whyNoSandboxes ?? false, timeout: 280_000 }, () => {
  const begun = new AsyncDisposableStack();
  let ground: Ground;
  let target: Target;
  const reasons = new Map<AttackerRuntime, string | undefined>();

  before(async () => {
    ground = begun.use(await prepareGround());
    process.env["SKERRY_TEST_SECRET"] = ground.canary;
    begun.defer(() => void delete process.env["SKERRY_TEST_SECRET"]);
    target = begun.use(await startTarget());
    for (const runtime of runtimes) {
      const reason = await whyNoAttacker(target, runtime, "isolation");
      reasons.set(runtime, reason);
      if (reason === undefined) await deployContestant(target, runtime, runtime);
    }
    // Node looks with the program it brings along.
    if (reasons.get("native") !== undefined) reasons.set("node", reasons.get("native"));
    const code = `export const handler = async () => ${JSON.stringify(ground.canary)};`;
    const Environment = { Variables: { SECRET: ground.canary } };
    await deploy(target.lambda, "secret", { "index.mjs": code }, { Environment });
    assert.equal((await invoke(target.lambda, "secret")).payload, ground.canary);
  });
  after(() => begun.disposeAsync());

  const look = async (runtime: AttackerRuntime, view: Attack): Promise<unknown> => {
    const outcomes = await carryOut(target, runtime, { runtime, attacks: [view] });
    const { code, value } = outcomes.get(view.id) ?? { code: "missing", value: undefined };
    assert.equal(code, "");
    return value;
  };

  for (const runtime of runtimes) {
    test(`a ${runtime} function finds these files and no others`, async (t) => {
      const reason = reasons.get(runtime);
      if (reason !== undefined) return t.skip(reason);
      compareWithGolden(`files-${runtime}`, fileLines(await look(runtime, views.files)));
    });

    test(`no canary is in any byte a ${runtime} function can read`, async (t) => {
      const reason = reasons.get(runtime);
      if (reason !== undefined) return t.skip(reason);
      const needles = [ground.canary];
      const view = { ...views.search, given: { ...views.search.given, needles } };
      const { found, files, bytes } = (await look(runtime, view)) as Found; // the operation's answer
      assert.deepEqual(found, []);
      t.diagnostic(`${files} files, ${bytes} bytes searched`);
      assert.ok(files > 1_000 && bytes > 1_000_000, `${files} files, ${bytes} bytes`);
    });
  }

  test("the search finds the canary where nothing is isolated", async (t) => {
    const reason = reasons.get("native");
    if (reason !== undefined) return t.skip(reason);
    await using open = await startTarget(controls.none);
    await deployContestant(open, "native", "native");
    for (const path of [target.dataDir, `/proc/${ground.victimPid}`]) {
      const given = { path, needles: [ground.canary], skip: [] };
      const attacks = [{ ...views.search, given }];
      const outcomes = await carryOut(open, "native", { runtime: "native", attacks });
      const outcome = outcomes.get(views.search.id);
      assert.ok(outcome);
      const { found } = outcome.value as Found; // the operation's answer
      assert.ok(found.length > 0, path);
    }
  });

  test("users, capabilities, limits and mounts are these", async (t) => {
    const reason = reasons.get("native");
    if (reason !== undefined) return t.skip(reason);
    compareWithGolden("status", statusLines(await look("native", views.status)));
    compareWithGolden("limits", limitLines(await look("native", views.limits)));
    // Which files of /proc there are to cover, and which folders beside /usr, is the host's.
    const isHosts = (line: string): boolean => /^\/(?:proc\/|usr\/|s?bin |lib\w* )/.test(line);
    const mounts = mountLines(await look("native", views.mounts));
    compareWithGolden(
      "mounts",
      mounts.filter((line) => !isHosts(line)),
    );
    for (const line of mounts.filter(isHosts)) assert.match(line, / ro,nosuid,nodev,/);
  });

  test("these entries of /proc and /sys can be read, and none can be written", async (t) => {
    const reason = reasons.get("native");
    if (reason !== undefined) return t.skip(reason);
    const seen = accessLines(await look("native", views.access));
    const mayDiffer = (line: string): boolean => /^[r-] /.test(line);
    for (const line of compareWithGolden("proc", seen, { mayDiffer }))
      t.diagnostic(`differs here: ${line}`);
    assert.deepEqual(
      seen.filter((line) => /^r?w /.test(line)),
      [],
    );
  });

  test("system calls 0 to 1023 and those of x32 are allowed, refused or absent as reviewed", async (t) => {
    const reason = reasons.get("native");
    if (reason !== undefined) return t.skip(reason);
    if (process.arch !== "x64") return t.skip("the table is that of x86_64");
    compareWithGolden("system-calls", callLines(await look("native", views.calls), 0));
    const x32 = { ...views.calls, given: shifted(architectures.x64.x32From ?? 0) };
    compareWithGolden("system-calls-x32", callLines(await look("native", x32), x32.given.from));
  });

  test("socket families, types and protocols are allowed or refused as reviewed", async (t) => {
    const reason = reasons.get("native");
    if (reason !== undefined) return t.skip(reason);
    compareWithGolden("sockets", socketLines(await look("native", views.sockets)));
  });
});

interface Found {
  readonly found: readonly string[];
  readonly files: number;
  readonly bytes: number;
}

function shifted(by: number): { readonly from: number; readonly until: number } {
  return { from: by, until: by + 1024 };
}
