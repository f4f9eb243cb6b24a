import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSync } from "oxc-parser";
import { functionLengths } from "./tidy/functions.ts";
import { importProblem, isDoor, resolveImport } from "./tidy/modules.ts";

test("imports are judged by where they lead, not by how they are written", () => {
  assert.equal(
    resolveImport("services/iam/iam.ts", "../lambda/records.ts"),
    "services/lambda/records.ts",
  );
  assert.equal(resolveImport("services/iam/iam.ts", "#storage/storage.ts"), "storage/storage.ts");
  assert.equal(resolveImport("services/iam/iam.ts", "yauzl"), undefined);
});

for (const [file, target] of [
  ["services/iam/iam.ts", "services/lambda/lambda.ts"],
  ["services/iam/iam.ts", "functions/pool/pool.ts"],
  ["protocol/dispatch/dispatch.ts", "storage/storage.ts"],
  ["functions/pool/pool.ts", "gateway/gateway.ts"],
  ["cli/up.ts", "telemetry/telemetry.ts"],
  ["base/clock.ts", "config/config.ts"],
  ["services/lambda/lambda.ts", "functions/pool/log-pump.ts"],
  ["gateway/gateway.ts", "services/lambda/lambda.ts"],
] as const) {
  test(`${file} may not import ${target}`, () => {
    assert.notEqual(importProblem(file, target), undefined);
  });
}

for (const [file, target] of [
  ["services/lambda/lambda.ts", "functions/pool/pool.ts"],
  ["services/iam/iam.ts", "storage/keys.ts"],
  ["functions/pool/pool.ts", "functions/sandbox/sandbox.ts"],
  ["main.ts", "services/iam/iam.ts"],
  ["gateway/gateway.ts", "protocol/auth/auth.ts"],
  ["services/iam/operations.ts", "services/iam/records.ts"],
] as const) {
  test(`${file} may import ${target}`, () => {
    assert.equal(importProblem(file, target), undefined);
  });
}

test("a front door is the file named like its folder", () => {
  assert.ok(isDoor("events/events.ts"));
  assert.ok(isDoor("base/clock.ts"));
  assert.ok(!isDoor("events/backlog.ts"));
});

test("function lengths are found with the names they are bound to", () => {
  const text = "const a = () => {\n1;\n};\nfunction b() {\n}\nconst o = { c() { return 1; } };\n";
  assert.deepEqual(functionLengths(parseSync("x.ts", text).program, text), [
    { name: "a", lines: 3 },
    { name: "b", lines: 2 },
    { name: "c", lines: 1 },
  ]);
});
