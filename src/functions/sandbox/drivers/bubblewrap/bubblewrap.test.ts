import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { systemClock } from "#base/clock.ts";
import { isPlatformError } from "#base/errors.ts";
import { systemRandom } from "#base/random.ts";
import { createBubblewrapDriver } from "./bubblewrap.ts";
import type { BubblewrapDriver } from "./bubblewrap.ts";
import { createProbe, probeSpec } from "./probe-sandbox.ts";
import type { Facts, ProbeSandbox } from "./probe-sandbox.ts";
import { findBubblewrap } from "./probe.ts";

const never = new AbortController().signal;
const skip = findBubblewrap() === undefined ? "bubblewrap is not installed" : false;
const isRoot = process.getuid?.() === 0;

void request;
void rmSync;
void readFileSync;

describe("bubblewrap sandboxes", { skip, timeout: 120_000 }, () => {
  let driver: BubblewrapDriver;
  let workDir: string;

  before(() => {
    workDir = mkdtempSync(join(tmpdir(), "skerry-sandbox-"));
    driver = createBubblewrapDriver({
      workDir,
      log: { event: () => undefined },
      clock: systemClock,
      random: systemRandom,
    });
  });
  after(async () => {
    await driver[Symbol.asyncDispose]();
    assert.deepEqual(readdirSync(workDir), [], "the driver leaves its directory empty");
    rmSync(workDir, { recursive: true });
  });
  const open = (change = {}): Promise<ProbeSandbox> =>
    createProbe(driver, probeSpec(change), never);

  test("accepts outside what connects to a loopback port inside", async () => {
    await using probe = await open({ listeners: [9001, 9002] });
    const answers = [9001, 9002].map((port) => {
      const server = createServer((_, response) => response.end(`port ${port}`));
      const listener = probe.sandbox.listeners.get(port);
      assert.ok(listener);
      listener.on("connection", (socket) => server.emit("connection", socket));
      return server;
    });
    assert.equal(await probe.ask("fetch", "http://127.0.0.1:9002/"), "port 9002");
    assert.equal(await probe.ask("fetch", "http://127.0.0.1:9001/"), "port 9001");
    for (const server of answers) server.close();
  });

  test("shows exactly the descriptors it means to", async () => {
    const show = "for f in /proc/self/fd/*; do readlink $f; done; ls /proc/self/fd";
    const spec = probeSpec({ command: ["/bin/sh", "-c", `(${show}) >&2; exit 7`] });
    await assert.rejects(driver.create(spec, never), (error) => {
      console.log(String(error));
      return true;
    });
    await using probe = await open({ listeners: [9001] });
    const facts = await probe.ask<Facts>("facts");
    console.log(
      JSON.stringify(facts.initEnvironment),
      JSON.stringify(facts.initCommand),
      facts.status,
      facts.mounts,
      facts.root,
      facts.etc,
      facts.environment,
      facts.namespaces,
    );
  });
});
