import assert from "node:assert/strict";
import { test } from "node:test";
import { readConfig } from "./config.ts";

const empty = { flags: {}, environment: {}, file: undefined, workingDirectory: "/srv" };

test("without any source the documented defaults hold", () => {
  const config = readConfig("dev", empty);
  assert.equal(config.port, 4566);
  assert.equal(config.host, "127.0.0.1");
  assert.equal(config.dataDir, "/srv/.skerry");
  assert.equal(config.sandbox, "bubblewrap");
  assert.equal(config.defaultAccountId, "000000000000");
  assert.deepEqual(config.allowedHosts, []);
  assert.equal(config.otlpEndpoint, undefined);
  assert.ok(Object.isFrozen(config));
});

test("a flag beats the environment, which beats the file", () => {
  const file = { port: 1, region: "eu-north-1", data: "from-file" };
  const environment = { SKERRY_PORT: "2", SKERRY_REGION: "eu-west-1" };
  const config = readConfig("dev", { ...empty, flags: { port: "3" }, environment, file });
  assert.equal(config.port, 3);
  assert.equal(config.defaultRegion, "eu-west-1");
  assert.equal(config.dataDir, "/srv/from-file");
});

test("lists come as comma-separated text or as arrays in the file", () => {
  const file = { "allowed-hosts": ["a.test", "b.test"] };
  const environment = { SKERRY_PREBOOT: "nodejs24.x, python3.11" };
  const config = readConfig("serve", { ...empty, environment, file });
  assert.deepEqual(config.allowedHosts, ["a.test", "b.test"]);
  assert.deepEqual(config.prebootKinds, ["nodejs24.x", "python3.11"]);
});

for (const [flag, value, expected] of [
  ["port", "65536", /--port must be a whole number 0 to 65535, not "65536"/],
  ["port", "-1", /--port/],
  ["port", "1e3", /--port/],
  ["port", "", /--port/],
  ["sandbox", "none", /--sandbox must be one of bubblewrap, process, not "none"/],
  ["storage", "sqlite", /--storage/],
  ["host", "", /--host/],
  ["otlp-endpoint", "collector", /--otlp-endpoint/],
  ["account-concurrency", "0", /--account-concurrency/],
] as const) {
  test(`--${flag}=${value} is refused with its name and what is allowed`, () => {
    assert.throws(() => readConfig("dev", { ...empty, flags: { [flag]: value } }), {
      code: "config.invalid",
      message: expected,
    });
  });
}

test("misspelt settings are errors, not silence", () => {
  const misspelt = { ...empty, environment: { SKERRY_PROT: "1" } };
  assert.throws(() => readConfig("dev", misspelt), /SKERRY_PROT/);
  assert.throws(() => readConfig("dev", { ...empty, file: { prot: 1 } }), /"prot"/);
  assert.throws(() => readConfig("dev", { ...empty, file: [] }), /JSON object/);
});
