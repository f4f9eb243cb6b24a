import assert from "node:assert/strict";
import { test } from "node:test";
import { type Result, result, spread } from "./harness.ts";
import { describeMachine } from "./machine.ts";
import { render, type Report } from "./table.ts";
import { judge, type TargetId } from "./targets.ts";

function measured(ours: readonly number[], reference: readonly number[], targets: TargetId[]) {
  const about = { name: "a | b", unit: "ms", referenceName: "bare" };
  return result({ ...about, ours: spread(ours), reference: spread(reference), targets });
}

function report(cases: Report["cases"]): Report {
  const date = "2026-01-01T00:00:00.000Z";
  return { date, commit: "abc", isQuick: false, machine: describeMachine(), cases };
}

test("a spread's quantiles are among its values", () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  const { median, p95, p99, min, max, count } = spread(hundred);
  assert.deepEqual(
    { median, p95, p99, min, max, count },
    {
      median: 50,
      p95: 95,
      p99: 99,
      min: 1,
      max: 100,
      count: 100,
    },
  );
});

test("a target counts as met at its bound, and says by how much it is missed beyond", () => {
  const at = (ours: number, target: TargetId) => judge(measured([ours], [10], [target]))[0]?.text;
  assert.equal(at(13, "miss-node"), "met");
  assert.equal(at(26, "miss-node"), "missed by 100 %");
  assert.equal(at(5, "warm-throughput"), "met");
  assert.equal(at(4, "warm-throughput"), "missed by 20 %");
  assert.equal(at(18, "overhead-median"), "met");
  assert.equal(at(3, "neighbour-errors"), "missed by 3 errors");
});

test("what was not measured never counts as met", () => {
  const nothing = measured([], [], ["ready", "refusals"]);
  const kept = JSON.parse(JSON.stringify(nothing)) as Result; // as a file gives it back
  for (const each of [nothing, kept]) {
    assert.deepEqual(
      judge(each).map(({ isMet }) => isMet),
      [false, false],
    );
    const page = render([report([{ name: "ready", seconds: 1, findings: [each] }])]);
    assert.match(page, /\*\*has no value\*\*/);
  }
});

test("of several results for one target the table shows the worst and how many met it", () => {
  const findings = [measured([15], [10], ["neighbour"]), measured([30], [10], ["neighbour"])];
  const page = render([report([{ name: "neighbours", seconds: 1, findings }])]);
  assert.match(page, /3\.00 ×: \*\*missed by 50 %\*\*; worst of 2, 1 met/);
});

test("failures and absences of each run are listed with their reasons", () => {
  const findings = [{ absent: "a peer", why: "no\nsuch package" }];
  const first = report([{ name: "peers", seconds: 1, findings }]);
  const second = report([
    { name: "warm", seconds: 1, findings: [], error: "wrk is not installed" },
  ]);
  const page = render([first, second]);
  assert.match(page, /- run 1, a peer: no such package/);
  assert.match(page, /- run 2, warm failed: wrk is not installed/);
});

test("two runs stand beside each other and a name cannot break its row", () => {
  const of = (ours: number) =>
    report([{ name: "ready", seconds: 1, findings: [measured([ours], [1], ["ready"])] }]);
  const page = render([of(300), of(500)]);
  assert.match(page, /\| 300\.00 ms: met \| 500\.00 ms: \*\*missed by 25 %\*\* \|/);
  assert.match(page, /\| a \\\| b \| 1 \| ms \| 300\.00 \|/);
});
