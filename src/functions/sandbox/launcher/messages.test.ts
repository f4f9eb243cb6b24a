import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { bootMessagesMax, listenersMax, mountsMax } from "../limits.ts";
import { parseBootMessage, parseReport, parseRequest } from "./messages.ts";

const create = {
  type: "create",
  id: "0123456789abcdef",
  mounts: [{ source: "/a/b", target: "/var/runtime" }],
  links: [{ target: "/var/slot/task", path: "/var/task" }],
  command: ["/bin/true"],
  environment: { PATH: "/bin" },
  memoryMiB: 128,
  cpuMilli: 72,
  scratchMiB: 512,
  pidsMax: 64,
  listeners: [9001],
};

describe("requests to the launcher", () => {
  test("a well-formed one passes unchanged", () => {
    assert.deepEqual(parseRequest(create), create);
    for (const rest of [
      { type: "kill" },
      { type: "attach", request: 1, name: "task", source: "/code/ab" },
    ]) {
      assert.deepEqual(parseRequest({ id: create.id, ...rest }), { id: create.id, ...rest });
    }
  });

  test("anything else is refused", () => {
    const path = (text: string): object => ({
      ...create,
      mounts: [{ source: text, target: "/x" }],
    });
    const broken: readonly unknown[] = [
      undefined,
      null,
      1,
      "create",
      [],
      {},
      { ...create, type: "exec" },
      { ...create, id: "../../etc" },
      { ...create, id: 7 },
      ...["", "relative", "/a/../b", "/a//b", "/a/.", "/a\0b", `/${"a".repeat(5000)}`].map(path),
      { ...create, mounts: Array.from({ length: mountsMax + 1 }, () => create.mounts[0]) },
      { ...create, listeners: [0] },
      { ...create, listeners: [70_000] },
      { ...create, listeners: Array.from({ length: listenersMax + 1 }, () => 9001) },
      { ...create, environment: { "A=B": "" } },
      { ...create, environment: { A: "a\0b" } },
      { ...create, command: [1] },
      ...[0, -1, 1.5, Number.NaN, "128", 1e12].map((memoryMiB) => ({ ...create, memoryMiB })),
      ...["..", ".hidden", "a/b", ""].map((name) => ({
        type: "attach",
        id: create.id,
        request: 1,
        name,
        source: "/a",
      })),
    ];
    for (const value of broken) assert.equal(parseRequest(value), undefined, JSON.stringify(value));
  });
});

describe("what a boot program says", () => {
  test("listeners and the end are understood", () => {
    assert.deepEqual(parseBootMessage({ listener: 9001 }, 0), {
      kind: "listener",
      port: 9001,
      actualPort: 9001,
    });
    assert.deepEqual(parseBootMessage({ listener: 9001, port: 40_000 }, 0), {
      kind: "listener",
      port: 9001,
      actualPort: 4e4,
    });
    assert.deepEqual(parseBootMessage({ booted: true }, 1), { kind: "booted" });
  });

  test("other shapes and too many messages are ignored", () => {
    for (const value of [null, "booted", { booted: 1 }, { listener: "9001" }, { listener: -1 }]) {
      assert.equal(parseBootMessage(value, 0), undefined);
    }
    assert.equal(parseBootMessage({ booted: true }, bootMessagesMax), undefined);
  });
});

test("reports without a sandbox's id are refused", () => {
  assert.equal(parseReport({ type: "exit", id: "not hex" }), undefined);
  assert.equal(parseReport({ type: "shell" }), undefined);
  assert.equal(parseReport(null), undefined);
});
