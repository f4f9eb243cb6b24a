import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, describe, test } from "node:test";
import { systemClock } from "#base/clock.ts";
import { isPlatformError } from "#base/errors.ts";
import type { Revision } from "#functions/registry/registry.ts";
import { controlGroups, eventually } from "#functions/sandbox/testing/host.ts";
import { startPlatform } from "../invoker/testing/platform.ts";

const platform = await startPlatform({ pool: { freezeAfterMs: 50 } });
after(() => platform[Symbol.asyncDispose]());
const { freeze: canFreeze } = await platform.driver.limits();
const skip = canFreeze ? false : "this host has no cgroup.freeze";
const never = new AbortController().signal;

/** How long a frozen sandbox is left alone before it is asked what it did meanwhile. */
const aloneMs = 300;

const environmentOf = (revision: Revision) =>
  platform.pool
    .snapshot()
    .environments.find((one) => one.functionArn === revision.functionArn && one.state !== "ending");
const frozen = (revision: Revision): Promise<void> =>
  eventually("it is frozen", () => environmentOf(revision)?.state === "frozen");

/** Each counts every five milliseconds whether it is called or not, and answers what it has seen. */
const counters: Readonly<
  Record<string, { readonly files: Readonly<Record<string, string>>; readonly runtime: string }>
> = {
  Node: {
    runtime: "nodejs24.x",
    files: {
      "index.mjs": `let ticks = 0, last = Date.now(), gapMs = 0;
        setInterval(() => { const now = Date.now(); gapMs = Math.max(gapMs, now - last); last = now; ticks++; }, 5);
        export const handler = async () => {
          const until = ticks + 3;
          while (ticks < until) await new Promise((go) => setTimeout(go, 1));
          return { ticks, gapMs };
        };`,
    },
  },
  Python: {
    runtime: "python3.11",
    files: {
      "index.py": `import threading, time
seen = {"ticks": 0, "gapMs": 0}
def count():
    last = time.time()
    while True:
        time.sleep(0.005)
        now = time.time()
        seen["gapMs"] = max(seen["gapMs"], (now - last) * 1000)
        last = now
        seen["ticks"] += 1
threading.Thread(target=count, daemon=True).start()
def handler(event, context):
    until = seen["ticks"] + 3
    while seen["ticks"] < until:
        time.sleep(0.001)
    return seen`,
    },
  },
  "a custom runtime": {
    runtime: "provided.al2023",
    files: {
      bootstrap: `#!/var/lang/bin/node
        const api = "http://" + process.env.AWS_LAMBDA_RUNTIME_API + "/2018-06-01/runtime/invocation/";
        let ticks = 0, last = Date.now(), gapMs = 0;
        setInterval(() => { const now = Date.now(); gapMs = Math.max(gapMs, now - last); last = now; ticks++; }, 5);
        (async () => { for (;;) {
          const next = await fetch(api + "next");
          await next.text();
          const until = ticks + 3;
          while (ticks < until) await new Promise((go) => setTimeout(go, 1));
          const id = next.headers.get("lambda-runtime-aws-request-id");
          await fetch(api + id + "/response", { method: "POST", body: JSON.stringify({ ticks, gapMs }) });
        } })();`,
    },
  },
};

describe("an idle environment is frozen", { skip, timeout: 120_000 }, () => {
  for (const [name, { files, runtime }] of Object.entries(counters)) {
    test(`what ${name} left running stands still and goes on with the next invocation`, async (t) => {
      const probed = await platform.runtimes.get(runtime)?.probe();
      if (probed?.usable !== true) return t.skip(probed?.reason ?? `no ${runtime}`);
      const revision = await platform.deploy(files, { runtime });
      const call = async (): Promise<{ readonly ticks: number; readonly gapMs: number }> => {
        const { json, text, outcome } = await platform.call(revision);
        assert.equal(outcome.kind, "ok", text);
        return json as { ticks: number; gapMs: number }; // written by the function above
      };
      await call();
      const before = environmentOf(revision)?.id;
      await frozen(revision);
      await systemClock.sleep(aloneMs, never);
      const seen = await call();
      assert(seen.gapMs >= aloneMs, `the longest pause was ${seen.gapMs} ms`);
      assert((await call()).ticks > seen.ticks, "it goes on");
      assert.equal(environmentOf(revision)?.id, before, "all in one environment");
    });
  }

  test("what is left over prints into the next invocation's time, and costs it nothing", async () => {
    const revision = await platform.deploy(
      `export const handler = async (event) => {
        if (event.leave) setTimeout(() => console.log("left over"), 200);
        else await new Promise((go) => setTimeout(go, event.ms));
      };`,
    );
    await platform.call(revision, { leave: true });
    await frozen(revision);
    await systemClock.sleep(aloneMs, never);
    assert.doesNotMatch(platform.logText(), /left over/);
    const { context } = await platform.call(revision, { ms: 20 });
    const text = platform.logText();
    assert(text.indexOf("left over") > text.indexOf(`START RequestId: ${context.requestId}`));
    const durations = [...text.matchAll(/RequestId: (\S+)\tDuration: ([\d.]+) ms/g)];
    const own = durations.find(([, requestId]) => requestId === context.requestId)?.[2];
    assert(Number(own) < aloneMs + 20 + 3_000, "the time it stood still is nobody's");
  });

  test("one that is frozen ends like any other when its function changes", async () => {
    const revision = await platform.deploy(`export const handler = async () => 1;`);
    await platform.call(revision);
    await frozen(revision);
    const id = environmentOf(revision)?.id ?? "";
    platform.pool.retire(revision.functionArn, undefined);
    await eventually("its groups are gone", () => controlGroups(id).length === 0);
    assert.equal(environmentOf(revision), undefined);
  });

  test("a sandbox that is killed while it is frozen is noticed, and the next call starts anew", async () => {
    const revision = await platform.deploy(`export const handler = async () => process.pid;`);
    await platform.call(revision);
    await frozen(revision);
    const first = environmentOf(revision)?.id ?? "";
    killAll(new Set(controlGroups(first).flatMap(membersOf)));
    await eventually("it is gone", () => environmentOf(revision) === undefined);
    assert.equal((await platform.call(revision)).outcome.kind, "ok");
    assert.notEqual(environmentOf(revision)?.id, first);
  });

  test("one that cannot be thawed ends, and its invocation fails as the platform's fault", async () => {
    const revision = await platform.deploy(`export const handler = async () => 1;`);
    await platform.call(revision);
    await frozen(revision);
    const id = environmentOf(revision)?.id ?? "";
    const [unified] = controlGroups(id).filter((group) => existsSync(join(group, "cgroup.freeze")));
    assert(unified);
    // Its processes go to another group that stands still, and the group with their own file disappears.
    const elsewhere = join(dirname(dirname(unified)), `elsewhere-${id}`);
    mkdirSync(elsewhere);
    writeFileSync(join(elsewhere, "cgroup.freeze"), "1");
    for (const pid of membersOf(unified)) writeFileSync(join(elsewhere, "cgroup.procs"), pid);
    rmdirSync(unified);
    await assert.rejects(platform.call(revision), (error) =>
      isPlatformError(error, "sandbox.not-thawed"),
    );
    await eventually("no process is left", () => membersOf(elsewhere).length === 0);
    rmdirSync(elsewhere);
    await eventually("its groups are gone", () => controlGroups(id).length === 0);
    assert.equal((await platform.call(revision)).json, 1);
  });
});

function membersOf(group: string): readonly string[] {
  const text = readFileSync(join(group, "cgroup.procs"), "utf8");
  return text.split("\n").filter((pid) => pid !== "");
}

/** With the first process of a sandbox the others go by themselves. */
function killAll(pids: ReadonlySet<string>): void {
  for (const pid of pids) {
    try {
      process.kill(Number(pid), "SIGKILL");
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
    }
  }
}
