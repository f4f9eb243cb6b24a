import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { createVirtualClock, systemClock } from "#base/clock.ts";
import { isPlatformError } from "#base/errors.ts";
import type { Revision } from "#functions/registry/registry.ts";
import { instanceName, instancePrefix } from "#functions/sandbox/drivers/bubblewrap/instance.ts";
import { findBubblewrap } from "#functions/sandbox/drivers/bubblewrap/probe.ts";
import {
  controlGroups,
  eventually,
  launcherProcess,
  processesOf,
} from "#functions/sandbox/testing/host.ts";
import { contextOf, startPlatform, targetOf, type Platform } from "./testing/platform.ts";

const skip =
  findBubblewrap() === undefined
    ? "bubblewrap is not installed"
    : process.getuid?.() !== 0 && "needs root, to end what runs under other uids";

const uids = { first: 1_983_000_000 + (process.pid % 4096) * 64, count: 64 };
const clock = createVirtualClock(Date.parse("2026-11-25T10:00:00Z"));
const platform = await startPlatform({ uids, clock, pool: { freezeAfterMs: 0 } });
after(() => platform[Symbol.asyncDispose]());

await platform.driver.limits(); // starts the launcher, and with it there is a parent of all groups
const homes = controlGroups(instanceName(process.pid));

/** Every process in every sandbox of this platform. */
function insiders(): readonly number[] {
  const found = homes
    .flatMap((home) =>
      readdirSync(home, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => join(home, entry.name, "cgroup.procs")),
    )
    .flatMap((file) => read(file).split("\n").filter(Boolean).map(Number));
  return [...new Set(found)];
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return ""; // The group went while we looked.
  }
}

function killInsiders(): void {
  for (const pid of insiders()) kill(pid);
}

function killLauncher(): void {
  kill(launcherProcess(platform.driver.launcherPid));
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself.
  }
}

const environmentsOf = (revision: Revision) =>
  platform.pool.snapshot().environments.filter((one) => one.functionArn === revision.functionArn);

/** Process, group, slot and folder: all that a sandbox has on the host. */
async function nothingStays(revision: Revision): Promise<void> {
  platform.pool.retire(revision.functionArn, undefined);
  await eventually("no environment is left", () => environmentsOf(revision).length === 0);
  await eventually("the driver has nothing left", () => platform.driver.liveCount === 0);
  assert.deepEqual(processesOf(uids), []);
  assert.deepEqual(insiders(), []);
  await eventually("its slot is gone", () => slots().length === 0);
}

function slots(): readonly string[] {
  return readdirSync(platform.directory)
    .filter((name) => name.startsWith(instancePrefix))
    .flatMap((instance) => {
      const [own = ""] = readdirSync(join(platform.directory, instance));
      return readdirSync(join(platform.directory, instance, own, "slots"));
    });
}

const exitError = (requestId: string) => ({
  errorType: "Runtime.ExitError",
  errorMessage: `RequestId: ${requestId} Error: Runtime exited with error: signal: killed`,
});

const sleeper = `export const handler = async (event) => {
  if (event.quick) return "quick";
  console.log("running " + event.mark);
  await new Promise(() => setInterval(() => {}, 1000));
};`;

const streamer = `export const handler = awslambda.streamifyResponse(async (event, stream) => {
  stream.write("first");
  await new Promise(() => setInterval(() => {}, 1000));
});`;

/** Says half of its answer over the Runtime API and no more. */
const halfAnswer = `#!/var/lang/bin/node
const http = require("node:http");
const base = "http://" + process.env.AWS_LAMBDA_RUNTIME_API + "/2018-06-01/runtime/invocation/";
http.get(base + "next", (next) => {
  next.resume();
  const id = next.headers["lambda-runtime-aws-request-id"];
  const answer = http.request(base + id + "/response", { method: "POST", headers: { "content-length": 100 } });
  answer.write("half", () => console.log("answering"));
});`;

async function streamed(revision: Revision): Promise<{
  readonly bytes: AsyncIterator<Uint8Array>;
  readonly outcome: Awaited<ReturnType<Platform["invoker"]["invoke"]>>["outcome"];
}> {
  const result = await platform.invoker.invoke({
    target: targetOf(revision),
    payload: Buffer.from("{}"),
    context: contextOf(platform.tracer, systemClock),
    streaming: true,
  });
  assert(!(result.payload instanceof Uint8Array));
  return { bytes: result.payload[Symbol.asyncIterator](), outcome: result.outcome };
}

describe("a sandbox killed from outside", { skip, timeout: 120_000 }, () => {
  test("while it starts: the platform's fault, and nothing stays", async () => {
    const revision = await platform.deploy(sleeper);
    let failure: unknown;
    // On a busy host the first look can come too late: then init is already under way.
    for (let tries = 0; tries < 10 && failure === undefined; tries++) {
      let isOver = false;
      const called = platform
        .call(revision, { quick: true })
        .catch((error: unknown) => {
          failure = error;
        })
        .finally(() => {
          isOver = true;
        });
      await eventually("its first process is there", () => isOver || insiders().length > 0);
      killInsiders();
      await called;
      await nothingStays(revision);
    }
    assert(isPlatformError(failure, "sandbox.start-failed"), String(failure));
    assert.equal((await platform.call(revision, { quick: true })).json, "quick");
    await nothingStays(revision);
  });

  test("during init: the function has exited", async () => {
    const revision = await platform.deploy(
      `console.log("initialising"); await new Promise(() => setInterval(() => {}, 1000)); export const handler = 1;`,
    );
    const called = platform.call(revision);
    await platform.logged("initialising");
    killInsiders();
    const { context, json, outcome } = await called;
    assert.deepEqual(json, exitError(context.requestId));
    assert.equal(outcome.kind, "crash");
    await nothingStays(revision);
  });

  test("while it waits, frozen or not: the next call starts anew", async () => {
    const revision = await platform.deploy(sleeper);
    for (const state of ["idle", "frozen"]) {
      await platform.call(revision, { quick: true });
      if (state === "frozen")
        await eventually("it is frozen", () => environmentsOf(revision)[0]?.state === "frozen");
      killInsiders();
      await eventually("its end is noticed", () => environmentsOf(revision).length === 0);
    }
    assert.equal((await platform.call(revision, { quick: true })).json, "quick");
    await nothingStays(revision);
  });

  test("while it runs: the function has exited", async () => {
    const revision = await platform.deploy(sleeper);
    const called = platform.call(revision, { mark: "once" });
    await platform.logged("running once");
    killInsiders();
    const { context, json, outcome } = await called;
    assert.deepEqual(json, exitError(context.requestId));
    assert.equal(outcome.kind, "crash");
    await nothingStays(revision);
  });

  test("when half of its answer is there: the half is never taken for the whole", async () => {
    const revision = await platform.deploy(
      { bootstrap: halfAnswer },
      { runtime: "provided.al2023" },
    );
    const called = platform.call(revision);
    await platform.logged("answering");
    killInsiders();
    const { context, json, outcome } = await called;
    // Whichever is noticed first, the connection's end or the sandbox's.
    const { errorType } = json as { readonly errorType: string };
    if (errorType === "Runtime.ExitError") assert.deepEqual(json, exitError(context.requestId));
    else assert.equal(errorType, "Runtime.TruncatedResponse");
    assert.notEqual(outcome.kind, "ok");
    await nothingStays(revision);
  });

  test("while it streams: the stream breaks off", async () => {
    const revision = await platform.deploy(streamer, { timeoutMs: 60_000 });
    const { bytes, outcome } = await streamed(revision);
    assert.equal(String((await bytes.next()).value), "first");
    killInsiders();
    await assert.rejects(async () => bytes.next());
    assert.notEqual((await outcome).kind, "ok");
    await nothingStays(revision);
  });

  test("with an asynchronous event: it runs again a minute later", async () => {
    const revision = await platform.deploy(
      `export const handler = async (event, context) => {
        console.log("attempt " + context.awsRequestId);
        await new Promise((go) => setTimeout(go, 1_000));
        console.log("done " + context.awsRequestId);
      };`,
      { timeoutMs: 60_000 },
    );
    const context = contextOf(platform.tracer, clock);
    await platform.invoker.enqueue({
      target: targetOf(revision),
      payload: Buffer.from("{}"),
      context,
    });
    await platform.logged(`attempt ${context.requestId}`);
    killInsiders();
    await platform.logged(`REPORT RequestId: ${context.requestId}`);
    await eventually("the attempt is over", () =>
      platform.events.some((event) => event.startsWith("async.attempt-failed")),
    );
    await clock.advance(59_000);
    assert.doesNotMatch(platform.logText(), new RegExp(`done ${context.requestId}`));
    await clock.advance(2_000);
    await platform.logged(`done ${context.requestId}`);
    await eventually("it is given back", () => platform.invoker.runningCount === 0);
    await nothingStays(revision);
  });
});

describe("the launcher killed", { skip, timeout: 120_000 }, () => {
  test("running, starting and streaming calls fail as the platform's fault, waiting environments go", async () => {
    const running = await platform.deploy(sleeper, { timeoutMs: 60_000 });
    const streaming = await platform.deploy(streamer, { timeoutMs: 60_000 });
    const initialising = await platform.deploy(
      `console.log("also initialising"); await new Promise(() => setInterval(() => {}, 1000)); export const handler = 1;`,
    );
    const idle = await platform.deploy(sleeper);
    await platform.call(idle, { quick: true });
    const { bytes, outcome } = await streamed(streaming);
    await bytes.next();
    const calls = [platform.call(running, { mark: "long" }), platform.call(initialising)];
    const failures = Promise.allSettled(calls);
    await platform.logged("running long");
    await platform.logged("also initialising");
    const killedMs = systemClock.monotonicMs();
    killLauncher();
    for (const failure of await failures) {
      assert.equal(failure.status, "rejected");
      assert(isPlatformError(failure.reason, "sandbox.launcher-lost"), String(failure.reason));
    }
    await assert.rejects(async () => bytes.next());
    assert.notEqual((await outcome).kind, "ok");
    assert.equal((await platform.call(idle, { quick: true })).json, "quick");
    const recoveredMs = systemClock.monotonicMs() - killedMs;
    console.log(`answers again ${recoveredMs.toFixed(0)} ms after the launcher's death`);
    for (const revision of [running, streaming, initialising])
      assert.deepEqual(environmentsOf(revision), []);
    assert.equal(platform.invoker.runningCount, 0);
    await nothingStays(idle);
  });

  test("with an asynchronous event: it counts as not run and is tried again soon", async () => {
    const revision = await platform.deploy(
      `export const handler = async (event, context) => {
        console.log("attempt " + context.awsRequestId);
        await new Promise((go) => setTimeout(go, 1_000));
        console.log("done " + context.awsRequestId);
      };`,
      { timeoutMs: 60_000 },
    );
    const context = contextOf(platform.tracer, clock);
    platform.events.length = 0;
    await platform.invoker.enqueue({
      target: targetOf(revision),
      payload: Buffer.from("{}"),
      context,
    });
    await platform.logged(`attempt ${context.requestId}`);
    killLauncher();
    await eventually("the attempt is over", () =>
      platform.events.some((event) => event.startsWith("async.attempt-failed")),
    );
    await clock.advance(5_000);
    await platform.logged(`done ${context.requestId}`);
    await eventually("it is given back", () => platform.invoker.runningCount === 0);
    await nothingStays(revision);
  });
});
