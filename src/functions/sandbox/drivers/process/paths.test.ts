import assert from "node:assert/strict";
import { test } from "node:test";
import { probeSpec } from "../bubblewrap/probe-sandbox.ts";
import { hostEnvironment, hostPaths, rewrite, toHost } from "./paths.ts";

const places = { root: "/w/1", slot: "/w/1/slot", scratch: "/w/1/tmp" };
const spec = probeSpec({
  mounts: [
    { source: "/opt/node", target: "/var/lang" },
    { source: "/opt/guest", target: "/var/runtime" },
    { source: "/opt/special", target: "/var/runtime/lib" },
  ],
  environment: { PATH: "/var/lang/bin:/usr/bin", NAME: "value" },
});
const map = hostPaths(spec, places);

test("the longest mount wins, and a link leads where its target does", () => {
  assert.equal(toHost("/var/runtime/boot.mjs", map), "/opt/guest/boot.mjs");
  assert.equal(toHost("/var/runtime/lib/a", map), "/opt/special/a");
  assert.equal(toHost("/var/runtimes", map), "/var/runtimes");
  assert.equal(toHost("/var/task/index.mjs", map), "/w/1/slot/task/index.mjs");
  assert.equal(toHost("/tmp", map), "/w/1/tmp");
});

test("paths are found in options and lists, and other text stays", () => {
  assert.equal(rewrite("--import=/var/runtime/x.mjs", map), "--import=/opt/guest/x.mjs");
  assert.equal(rewrite("/var/lang/bin:/usr/bin", map), "/opt/node/bin:/usr/bin");
  assert.equal(rewrite("plain", map), "plain");
});

test("the environment says where everything is", () => {
  const environment = hostEnvironment(spec, map, places);
  assert.equal(environment["PATH"], "/opt/node/bin:/usr/bin");
  assert.equal(environment["SKERRY_SLOT"], "/w/1/slot");
  const mounts = JSON.parse(environment["SKERRY_MOUNTS"] ?? "") as Record<string, string>;
  assert.equal(mounts["/var/task"], "/w/1/slot/task");
});
