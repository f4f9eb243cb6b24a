import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { runInNewContext } from "node:vm";
import { joinModules, writeGuestScript } from "./guest-script.ts";
import { guestDirectory } from "./node.ts";

function joined(files: Readonly<Record<string, string>>): string {
  return joinModules("/g/a.mjs", (path) => files[path] ?? assert.fail(`${path} was read`));
}

describe("joining modules", () => {
  test("each runs once, after what it needs, with names of its own", () => {
    const script = joined({
      "/g/a.mjs": `import { b as one, count } from "./b.mjs";\nimport { c } from "./deep/c.mjs";\nconst own = 1;\nlog(one(), c, count, own);\n`,
      "/g/b.mjs": `const own = 2;\nlog("b");\nexport const count = own;\nexport function b() {\n  return own;\n}\n`,
      "/g/deep/c.mjs": `import {\n  b,\n} from "../b.mjs";\nimport path from "node:path";\nexport const c = path.join("x", String(b()));\n`,
    });
    const seen: unknown[] = [];
    const load = (name: string): unknown => process.getBuiltinModule(name);
    runInNewContext(script, { log: (...values: unknown[]) => seen.push(...values), require: load });
    assert.deepEqual(seen, ["b", 2, "x/2", 2, 1]);
  });

  test("what it does not know is refused by name", () => {
    for (const line of [
      `import * as all from "./b.mjs";`,
      `import "./b.mjs";`,
      `import { x } from "left-pad";`,
      `export default 1;`,
      `export let x = 1;`,
      `export { x };`,
    ]) {
      assert.throws(() => joined({ "/g/a.mjs": `${line}\n`, "/g/b.mjs": "" }), /cannot be joined/);
    }
    const circle = { "/g/a.mjs": `import { b } from "./b.mjs";`, "/g/b.mjs": "" };
    circle["/g/b.mjs"] = `import { a } from "./a.mjs";`;
    assert.throws(() => joined(circle), /imports itself/);
  });
});

test("the same guest is written once, and a changed one beside it", () => {
  const workDir = mkdtempSync(join(tmpdir(), "skerry-guest-"));
  const entry = join(guestDirectory, "node/boot.mjs");
  const first = writeGuestScript({ workDir, name: "node", entry, beside: [] });
  assert.equal(writeGuestScript({ workDir, name: "node", entry, beside: [] }), first);
  const beside = [{ name: "x.mjs", source: join(guestDirectory, "node/warm.mjs") }];
  assert.notEqual(writeGuestScript({ workDir, name: "node", entry, beside }), first);
  assert.equal(readdirSync(workDir).length, 2);
  rmSync(workDir, { recursive: true });
});
