import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { filterArchitecture } from "#functions/sandbox/drivers/bubblewrap/seccomp.ts";
import { examine, fallen, masksOf } from "./support/examination.ts";
import type { Findings } from "./support/examination.ts";
import { decisionsChanged, filterMutations } from "./support/filter-mutations.ts";
import { prepareGround } from "./support/ground.ts";
import type { Ground } from "./support/ground.ts";
import { uncoveredOptions, wallMutations } from "./support/mutations.ts";
import { buildNative } from "./support/native.ts";
import { whyNoSandboxes } from "./support/platform.ts";

const architecture = filterArchitecture(process.arch);
const built = await buildNative("isolation");
const reason = whyNoSandboxes ?? ("reason" in built ? built.reason : undefined);

test("every option of the profile is taken away by a mutation, or a reason is written down", () => {
  assert.deepEqual(uncoveredOptions(), []);
});

for (const each of ["x64", "arm64"] as const)
  test(`every rule of the filter for ${each} decides something`, () => {
    const mutations = filterMutations(each);
    const idle = mutations.filter((mutation) => decisionsChanged(mutation, each).length === 0);
    assert.deepEqual(
      idle.map(({ name }) => name),
      [],
    );
    assert.ok(mutations.length > 80, `${mutations.length} mutations`);
  });

/** A few of them with real functions; `npm run attack:mutations` tries them all. */
describe(
  "without a defence an attack gets through",
  { skip: reason ?? false, timeout: 280_000 },
  () => {
    let ground: Ground;
    let walls: Findings;
    before(async () => {
      ground = await prepareGround();
      walls = await examine(ground, { kind: "walls", base: "whole", without: {} });
    });
    after(() => ground[Symbol.asyncDispose]());

    test("nothing falls where nothing is taken away", async () => {
      const again = await examine(ground, { kind: "walls", base: "whole", without: {} });
      assert.deepEqual(fallen(walls, again), []);
    });

    for (const name of [
      "--unshare-net",
      "--remount-ro /proc",
      "mask /proc/kallsyms",
      "prlimit --nofile",
    ])
      test(name, async () => {
        const mutation = wallMutations(masksOf(walls)).find((each) => each.name === name);
        assert.ok(mutation, `${name} is one of the mutations`);
        const falls = fallen(walls, await examine(ground, mutation));
        assert.ok(
          falls.some((line) => line.startsWith("attack: ")),
          falls.join("\n"),
        );
      });

    test("rules of the filter", async () => {
      const subject = { kind: "filter", base: "root inside" } as const;
      const base = await examine(ground, { ...subject, without: {} });
      const mutations = filterMutations(architecture ?? "x64");
      for (const name of ["rule unshare", "rule clone3", "clone's flag for user namespaces"]) {
        const mutation = mutations.find((each) => each.name === name);
        assert.ok(mutation, `${name} is one of the mutations`);
        assert.notDeepEqual(fallen(base, await examine(ground, mutation)), [], name);
      }
    });
  },
);
