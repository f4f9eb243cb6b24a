import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { PublishLayerVersionCommand } from "@aws-sdk/client-lambda";
import { zip } from "../support/zip.ts";
import { attempt, deployAttacker, runtimes, whyNoAttacker } from "./support/attackers.ts";
import type { AttackerRuntime, Attempt } from "./support/attackers.ts";
import { startTarget, whyNoSandboxes } from "./support/platform.ts";
import type { Target } from "./support/platform.ts";
import { createScoreboard } from "./support/scoreboard.ts";

const original = "the original";
const poison = "the poison";
const row = "25 own code";
/** More entries than a tree that is hard-linked has: this one is mounted into the running sandbox. */
const manyFiles = Object.fromEntries(
  Array.from({ length: 200 }, (_, index) => [`many/${index}`, original]),
);
const packages = { small: {}, big: manyFiles } as const;
/** Root's uid, and everything of the slot writable: what then becomes of a package is the control. */
const unprotected = {
  ownUids: true,
  cuts: [{ words: ["--ro-bind", null, "/var/slot"], instead: ["--bind", null, "/var/slot"] }],
} as const;

/** A function changes its own code; the next environment must run what was deployed. */
describe("own code", { skip: whyNoSandboxes ?? false, timeout: 240_000 }, () => {
  const begun = new AsyncDisposableStack();
  const board = createScoreboard("Attacks on own code (row 25)");
  let defended: Target;
  let open: Target;

  before(async () => {
    defended = begun.use(await startTarget());
    open = begun.use(await startTarget({ without: unprotected }));
  });
  after(async () => {
    board.print();
    await begun.disposeAsync();
  });

  for (const runtime of runtimes)
    for (const size of ["small", "big"] as const)
      test(`a ${runtime} function with a ${size} package runs what was deployed, whatever it did`, async (t) => {
        const reason = await whyNoAttacker(defended, runtime, "isolation");
        if (reason !== undefined) return t.skip(reason);
        const name = `${runtime}-${size}`;
        await deployWithLayer(defended, name, { runtime, size });
        const attacks = codeAttacks(runtime);
        const outcomes = await attempt(defended, name, attacks);
        const succeeded = attacks.filter(({ id }) => outcomes.get(id)?.code === "");
        assert.deepEqual(succeeded, []);
        await renew(defended, name);
        assert.deepEqual(await digests(defended, name), [digestOf(original), digestOf(original)]);
        for (const { id } of attacks)
          board.add({
            row,
            attack: `${size}: ${id}`,
            runtime,
            blocked: true,
            control: size === "small" ? controlOf(id) : untried,
          });
      });

  for (const runtime of runtimes)
    test(`without protection a ${runtime} function poisons its next environment`, async (t) => {
      const reason = await whyNoAttacker(open, runtime, "isolation");
      if (reason !== undefined) return t.skip(reason);
      await deployWithLayer(open, runtime, { runtime, size: "small" });
      const attacks = codeAttacks(runtime).filter(({ id }) => controlOf(id) === "succeeded");
      const outcomes = await attempt(open, runtime, attacks);
      const failed = attacks.filter(({ id }) => outcomes.get(id)?.code !== "");
      assert.deepEqual(failed, []);
      await renew(open, runtime);
      assert.deepEqual(await digests(open, runtime), [digestOf(poison), digestOf(poison)]);
    });
});

async function deployWithLayer(
  target: Target,
  name: string,
  { runtime, size }: { readonly runtime: AttackerRuntime; readonly size: keyof typeof packages },
): Promise<void> {
  const layer = await target.lambda.send(
    new PublishLayerVersionCommand({
      LayerName: `layer-${name}`,
      Content: { ZipFile: await zip({ "data.txt": original }) },
    }),
  );
  await deployAttacker(target, name, {
    runtime,
    operations: "isolation",
    files: { "data.txt": original, ...packages[size] },
    settings: { Layers: [layer.LayerVersionArn ?? ""], MemorySize: 512 },
  });
}

/** Every way to change what is there that leaves the function itself able to answer. */
function codeAttacks(runtime: AttackerRuntime): readonly Attempt[] {
  const own = { node: "serve.mjs", python: "serve.py", native: "bootstrap" }[runtime];
  const task = "$LAMBDA_TASK_ROOT";
  const on = (operation: string, path: string, given: object = {}): Attempt => ({
    id: `${operation} ${path}`,
    operation,
    given: { path, ...given },
  });
  return [
    on("overwrite", `${task}/data.txt`, { text: poison }),
    on("overwrite", "/opt/data.txt", { text: poison }),
    on("create", `${task}/new`),
    on("create", "/opt/new"),
    on("directory", `${task}/folder`),
    on("directory", "/opt/folder"),
    on("rename", `${task}/data.txt`, { to: `${task}/other.txt` }),
    on("rename", "/opt/data.txt", { to: "/opt/other.txt" }),
    on("mode", `${task}/${own}`),
    on("mode", `${task}/data.txt`),
    on("mode", "/opt/data.txt"),
    on("link", `${task}/data.txt`, { to: "/tmp/linked" }),
    on("link", "/opt/data.txt", { to: `${task}/linked` }),
    on("open_write", "/proc/self/exe"),
    on("open_write", "/var/lang/bin/node"),
    on("open_write", "/var/runtime"),
    on("create", "/var/runtime/new"),
    on("create", "/var/slot/new"),
    on("rename", "/var/task", { to: "/var/other" }),
    on("rename", "/var/slot/task", { to: "/var/slot/other" }),
  ];
}

const untried = {
  impossible: "tried with a small package: big ones are mounted by a launcher with its own uids",
};

/** The control opens the slot with the code in it, and nothing else. */
function controlOf(id: string): "succeeded" | { readonly impossible: string } {
  const inside = /^(?:overwrite|create|directory|rename|mode) (?:\$LAMBDA_TASK_ROOT|\/opt)\//;
  const isCode = inside.test(id) && !id.includes("bootstrap");
  return isCode || id.startsWith("mode $LAMBDA_TASK_ROOT")
    ? "succeeded"
    : { impossible: "another file system, or a file in use: refused by the kernel in any case" };
}

/** The process that runs the function ends itself: what comes next is a new environment. */
async function renew(target: Target, name: string): Promise<void> {
  const leaving = attempt(target, name, [{ id: "leave", operation: "leave" }]);
  await assert.rejects(leaving, /exit status 3/);
}

async function digests(target: Target, name: string): Promise<readonly unknown[]> {
  const paths = ["$LAMBDA_TASK_ROOT/data.txt", "/opt/data.txt"];
  const attacks = paths.map((path) => ({ id: path, operation: "digest", given: { path } }));
  const outcomes = await attempt(target, name, attacks);
  return paths.map((path) => outcomes.get(path)?.value);
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
