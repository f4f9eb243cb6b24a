import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  GetLogEventsCommand,
} from "@aws-sdk/client-cloudwatch-logs";
import {
  GetProvisionedConcurrencyConfigCommand,
  InvokeCommand,
  type LambdaClient,
  PutProvisionedConcurrencyConfigCommand,
} from "@aws-sdk/client-lambda";
import { deploy, source } from "../support/functions.ts";
import { invoke } from "../support/invoke.ts";
import { descendants, isRunning, type Server, up } from "../cli/program.ts";
import {
  burst,
  client,
  environmentsOf,
  gate,
  gated,
  overlap,
  workerAsked,
  workersOf,
} from "./asking.ts";

const names = Array.from({ length: 8 }, (_unused, n) => `name-${n}`);
const slow = ["slow-0", "slow-1", "slow-2", "slow-3"];
const accountConcurrency = 6;
let server: Server;
let lambda: LambdaClient;

before(async () => {
  server = await up(["--workers=2", `--account-concurrency=${accountConcurrency}`]);
  lambda = client(server.url);
  const answering = { "index.mjs": "export const handler = async ({ word }) => word;" };
  for (const name of names) await deploy(lambda, name, answering, { MemorySize: 128 });
  for (const name of slow)
    await deploy(lambda, name, { "index.mjs": gated }, { MemorySize: 128, Timeout: 60 });
});
after(() => server[Symbol.asyncDispose]());

/** Process ids of the workers, once both serve. */
async function bothWorkers(of: Server = server): Promise<readonly number[]> {
  const asked = new Set<number>();
  while (asked.size < 2) {
    const worker = await workerAsked(of.url).catch(() => undefined);
    if (worker !== undefined) asked.add(worker);
  }
  return workersOf(of.child.pid ?? 0);
}

/** Ends one like a crash would; resolves when its sandboxes are gone too. */
async function kill(pid: number): Promise<void> {
  const below = descendants(pid);
  process.kill(pid, "SIGKILL");
  for (;;) {
    if (![pid, ...below].some(isRunning)) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Tries again while it fails: a connection may be one of the dead worker's. */
async function untilDone(work: () => Promise<void>): Promise<void> {
  for (let isDone = false; !isDone;)
    isDone = await work().then(
      () => true,
      () => false,
    );
}

describe("a worker that is killed", () => {
  it("takes its own calls with it; the others are answered, and then all are again", async () => {
    for (const name of names) await invoke(lambda, name, { word: "before" });
    const [first] = await bothWorkers();
    assert.ok(first);
    const running = burst(lambda, slow.slice(0, 3), {
      count: 3,
      event: { gate: "gate-1" },
      mayFail: true,
    });
    await kill(first);
    await untilDone(() => deploy(lambda, "gate-1", gate));
    for (const name of names) {
      // Its connections are closed; whoever asks again reaches somebody who lives.
      let answer: unknown;
      while (answer !== "after")
        answer = (await invoke(lambda, name, { word: "after" }).catch(() => undefined))?.payload;
    }
    const pids = await bothWorkers();
    assert.equal(pids.length, 2);
    assert.ok(!pids.includes(first), "another has taken its place");
    await running.ran();
  });

  it("gives its share of the account's concurrency back only with its last sandbox", async () => {
    for (let round = 0; round < 2; round++) {
      const name = `gate-2-${round}`;
      const before_ = burst(lambda, slow, {
        count: 20,
        event: { gate: name },
        mayFail: true,
      });
      const pids = await bothWorkers();
      const killing = kill(pids[round] ?? 0);
      const during = burst(lambda, slow, { count: 20, event: { gate: name }, mayFail: true });
      await killing;
      await untilDone(() => deploy(lambda, name, gate));
      const spans = [...(await before_.ran()), ...(await during.ran())];
      const most = overlap(spans);
      assert.ok(most <= accountConcurrency, `${most} ran at once`);
      await bothWorkers();
    }
    // None has been lost either.
    const all = burst(lambda, slow, {
      count: accountConcurrency,
      event: { gate: "gate-2-0" },
    });
    assert.equal((await all.ran()).length, accountConcurrency);
  });

  it("is not missed at the end: SIGTERM leaves nothing running", async () => {
    const pids = await bothWorkers();
    const below = descendants(server.child.pid ?? 0);
    assert.ok(pids.every((pid) => below.includes(pid)));
    server.child.kill("SIGTERM");
    assert.equal(await server.exited, 0);
    assert.deepEqual(below.filter(isRunning), []);
  });
});

describe("without a limit in the way", () => {
  let other: Server;
  let mine: LambdaClient;
  before(async () => {
    other = await up(["--workers=2"]);
    mine = client(other.url);
  });
  after(() => other[Symbol.asyncDispose]());

  it("a worker that is killed loses no asynchronous event that was accepted", async (t) => {
    const logs = new CloudWatchLogsClient({
      endpoint: other.url,
      region: "us-east-1",
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
    });
    await deploy(mine, "evidence", { "index.mjs": await source("evidence.mjs") }, { Timeout: 30 });
    const group = { logGroupName: "evidence" };
    await logs.send(new CreateLogGroupCommand(group));
    await logs.send(new CreateLogStreamCommand({ ...group, logStreamName: "all" }));
    const accepted = new Set<string>();
    const enqueue = async (id: string): Promise<void> => {
      const event = { FunctionName: "evidence", InvocationType: "Event" } as const;
      const sent = mine.send(new InvokeCommand({ ...event, Payload: JSON.stringify({ id }) }));
      // Refused or cut off: not accepted, whatever becomes of it.
      if ((await sent.catch(() => undefined))?.StatusCode === 202) accepted.add(id);
    };
    const pids = await bothWorkers(other);
    for (let turn = 0; turn < 10; turn++) {
      const ids = Array.from({ length: 20 }, (_unused, n) => `event-${turn * 20 + n}`);
      const sending = ids.map(enqueue);
      if (turn === 4) await kill(pids[0] ?? 0);
      await Promise.all(sending);
    }
    assert.ok(accepted.size >= 100, `${accepted.size} of 200 were accepted`);
    const seen: string[] = [];
    while (!accepted.isSubsetOf(new Set(seen))) {
      const page = await logs.send(
        new GetLogEventsCommand({ ...group, logStreamName: "all", startFromHead: true }),
      );
      seen.splice(0, seen.length, ...(page.events ?? []).map((event) => event.message ?? ""));
    }
    logs.destroy();
    const more = seen.length - new Set(seen).size;
    t.diagnostic(`${accepted.size} accepted, all ran, ${more} of them more than once`);
    // Only what the dead worker, or one that asked it, had in hand runs again.
    assert.ok(more <= 2 * 128);
  });

  it("a worker that is killed has its provisioned environments made again, wherever they live", async () => {
    const target = { FunctionName: "kept", Qualifier: "1" };
    await deploy(mine, target.FunctionName, gate, { MemorySize: 128, Publish: true });
    await mine.send(
      new PutProvisionedConcurrencyConfigCommand({
        ...target,
        ProvisionedConcurrentExecutions: 2,
      }),
    );
    const get = new GetProvisionedConcurrencyConfigCommand(target);
    const untilReady = async (): Promise<void> => {
      while ((await mine.send(get).catch(() => undefined))?.Status !== "READY");
    };
    await untilReady();
    for (const place of [0, 1]) {
      const pids = await bothWorkers(other);
      await kill(pids[place] ?? 0);
      await bothWorkers(other);
      await untilReady();
      let alive = await environmentsOf(other.url);
      const kept = () => alive.filter((one) => one.functionArn.endsWith(":kept")).length;
      while (kept() !== 2) alive = await environmentsOf(other.url);
    }
  });

  it("a primary that is killed takes its workers and their sandboxes with it", async () => {
    const below = descendants(other.child.pid ?? 0);
    const primary = below.find((pid) => workersOf(pid).length === 2);
    assert.ok(primary);
    process.kill(primary, "SIGKILL");
    while (below.some(isRunning)) await new Promise((resolve) => setImmediate(resolve));
  });
});
