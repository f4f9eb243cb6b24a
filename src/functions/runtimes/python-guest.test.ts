import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { systemClock } from "#base/clock.ts";
import { createBench, driverNames, whyNot } from "./testing/bench.ts";
import { guestDirectory } from "./node.ts";
import { pythonGuest } from "./python-guest.ts";
import { findPython } from "./python-hosts.ts";

const code = `
import importlib.util, os, sys
def handler(event, context):
    modules = [m for n, m in sys.modules.items() if n.startswith("skerry_guest.")]
    heads = []
    for module in modules:
        with open(module.__spec__.cached, "rb") as file:
            heads.append(file.read(8))
    return {
        "modules": len(modules),
        "own": all(head[:4] == importlib.util.MAGIC_NUMBER for head in heads),
        "flags": sorted({int.from_bytes(head[4:], "little") for head in heads}),
    }
`;

for (const name of driverNames) {
  const skip = await whyNot(name);
  test(
    `a Python guest finds its byte code beside its sources under the ${name} driver`,
    { skip },
    async (t) => {
      await using bench = await createBench(name);
      const runtime = [...bench.runtimes.values()].find((row) =>
        row.identifier.startsWith("python"),
      );
      const { usable, reason } = (await runtime?.probe()) ?? {};
      if (!runtime || !usable) return t.skip(reason ?? "no Python runtime");
      await using started = await bench.start({
        runtime: runtime.identifier,
        files: { "index.py": code },
      });
      assert.equal(started.init.kind, "ok", started.output());
      const answer = (await started.call({})) as Record<string, unknown>; // the function above wrote it
      assert.equal(answer["own"], true);
      // PEP 552: a hash instead of a time, and not compared.
      assert.deepEqual(answer["flags"], [1]);
      assert.ok(Number(answer["modules"]) > 5, JSON.stringify(answer));
      const made = readdirSync(join(bench.directory, "runtimes"));
      assert.equal(made.filter((entry) => entry.startsWith("python-guest-")).length, 1);
    },
  );
}

test("a guest that cannot be compiled is given as it is, and the log says so", async (t) => {
  const host = ["3.11", "3.12", "3.13", "3.14"]
    .map((version) => findPython(version, { programFolders: ["/usr/bin"], versionFolders: [] }))
    .find((found) => found !== undefined);
  if (!host) return t.skip("no Python in /usr/bin");
  const bench = await createBench("process");
  await bench[Symbol.asyncDispose]();
  const events: string[] = [];
  const deps = {
    workDir: bench.directory,
    clock: systemClock,
    driver: bench.driver,
    log: { event: (event: string) => void events.push(event) },
  };
  const interpreter = { mounts: [], command: [host.executable], environment: {} };
  assert.equal(await pythonGuest(deps, host, interpreter), guestDirectory);
  assert.deepEqual(events, ["python.guest-not-compiled"]);
});
