import assert from "node:assert/strict";
import { readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createSeededRandom } from "#base/random.ts";
import { createBench, driverNames, errorOf, textOf, whyNot } from "./testing/bench.ts";
import type { Bench, Started } from "./testing/bench.ts";
import type { GuestResponse } from "./runtimes.ts";

const idOf = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;
const traceOf = (n: number): string =>
  `Root=1-5759e988-${n.toString(16).padStart(24, "0")};Sampled=1`;

/** Invocations 1 … `count`, all sent before one is answered. */
function together(
  started: Started,
  count: number,
  eventOf: (n: number) => unknown,
): Promise<readonly GuestResponse[]> {
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  return Promise.all(
    numbers.map((n) => started.invoke(eventOf(n), { requestId: idOf(n), traceHeader: traceOf(n) })),
  );
}

function parsed(response: GuestResponse, started: Started): Record<string, unknown> {
  assert.equal(response.kind, "payload", started.output());
  return response.kind === "payload" ? JSON.parse(textOf(response.payload)) : {};
}

function linesOf(started: Started): { readonly requestId: string; readonly message: string }[] {
  return started
    .output()
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line));
}

/** Nobody goes on before so many are here; with fewer places than that, nobody ever would. */
const nodeBarrier = `let here = 0; let open; const all = new Promise((resolve) => { open = resolve; });
const meet = async (count) => { if (++here >= count) open(); await all; };`;
const pythonBarrier = `
import json, logging, os, time
def meet(count, name):
    open(f"/tmp/{os.environ['MEETING']}-{name}", "w").close()
    while len([n for n in os.listdir("/tmp") if n.startswith(os.environ["MEETING"])]) < count:
        time.sleep(0.002)
`;

for (const name of driverNames) {
  const skip = await whyNot(name);
  describe(`invocations side by side under the ${name} driver`, { skip }, () => {
    let bench: Bench;
    before(async () => {
      bench = await createBench(name);
    });
    after(async () => {
      await bench[Symbol.asyncDispose]();
      for (const file of await readdir(tmpdir()))
        if (file.startsWith(meetings)) await rm(join(tmpdir(), file));
    });
    /** Where the driver has no file system of its own, processes meet in the host's. */
    const meetings = `${name}-${process.pid}-`;

    const node = (code: string, concurrency = 50, runtime = "nodejs24.x"): Promise<Started> =>
      bench.start({
        runtime,
        files: { "index.mjs": nodeBarrier + code },
        concurrency,
        environment: { AWS_LAMBDA_LOG_FORMAT: "JSON", AWS_LAMBDA_MAX_CONCURRENCY: "50" },
      });

    test("Node: contexts never mix, whatever the order in which handlers go on", async () => {
      await using started = await node(`
        import { setTimeout as sleep } from "node:timers/promises";
        import { InvokeStore } from "@aws/lambda-invoke-store";
        export const handler = async ({ n, pauses, count }, context) => {
          await meet(count);
          const store = await InvokeStore.getInstanceAsync();
          const seen = new Set();
          for (const ms of pauses) {
            if (ms % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
            else await sleep(ms);
            seen.add(store.getRequestId() + " " + store.getXRayTraceId());
            console.log("line of " + n);
          }
          store.set("mine", n);
          await sleep(pauses[0]);
          return { seen: [...seen], id: context.awsRequestId, mine: store.get("mine"),
            variable: process.env._X_AMZN_TRACE_ID ?? null };
        };`);
      const seed = Math.floor(performance.now() * 1_000);
      const random = createSeededRandom(seed);
      const pausesOf = (): number[] =>
        Array.from({ length: 6 }, () => Math.floor(random.fraction() * 20));
      const responses = await together(started, 50, (n) => ({ n, count: 50, pauses: pausesOf() }));
      for (const [index, response] of responses.entries()) {
        const n = index + 1;
        const expected = {
          seen: [`${idOf(n)} ${traceOf(n)}`],
          id: idOf(n),
          mine: n,
          variable: null,
        };
        assert.deepEqual(parsed(response, started), expected, `seed ${seed}`);
      }
      const lines = linesOf(started);
      assert.equal(lines.length, 300, `seed ${seed}`);
      for (const { requestId, message } of lines)
        assert.equal(message, `line of ${Number(requestId.slice(-12))}`, `seed ${seed}`);
    });

    test("Node: an error nobody caught is told to all that run, and not to the next", async () => {
      await using started = await node(`
        export const handler = async ({ n }) => {
          await meet(3);
          if (n === 2) setTimeout(() => { throw new RangeError("nobody catches this"); });
          await new Promise(() => {});
        };`);
      const responses = await together(started, 3, (n) => ({ n }));
      for (const response of responses) assert.equal(errorOf(response).errorType, "RangeError");
      assert.equal((await started.invoke({})).kind, "not-begun");
    });

    test("Node: a process that ends is each one's own end", async () => {
      await using started = await node(`
        export const handler = async ({ n }) => {
          await meet(3);
          if (n === 2) process.exit(7);
          await new Promise(() => {});
        };`);
      const responses = await together(started, 3, (n) => ({ n }));
      for (const response of responses)
        assert.ok(response.kind === "exit" && response.exit.code === 7, started.output());
    });

    test("Node: one may wait for nothing but another that has not come yet", async () => {
      for (const runtime of ["nodejs22.x", "nodejs24.x"]) {
        await using started = await node(
          `export const handler = async ({ n }) => {
            if (n === 1) setTimeout(() => console.log("alone"), 50);
            await meet(2);
          };`,
          2,
          runtime,
        );
        const first = started.invoke({ n: 1 });
        // Printed when the loop has nothing left but the channel.
        await started.written("alone");
        await started.call({ n: 2 });
        assert.equal((await first).kind, "payload");
      }
    });

    test("Node: the handler's failures are the failing one's alone", async () => {
      await using started = await node(`
        export const handler = async ({ n }) => {
          await meet(4);
          if (n % 2) throw new Error("odd " + n);
          return n;
        };`);
      const responses = await together(started, 4, (n) => ({ n }));
      const texts = responses.map((response) =>
        response.kind === "payload" ? textOf(response.payload) : errorOf(response).errorMessage,
      );
      assert.deepEqual(texts, ["odd 1", "2", "odd 3", "4"]);
    });

    const python = async (code: string, meeting: string): Promise<Started> =>
      bench.start({
        runtime: "python3.13",
        files: { "index.py": pythonBarrier + code },
        concurrency: 8,
        environment: {
          AWS_LAMBDA_LOG_FORMAT: "JSON",
          MEETING: meetings + meeting,
        },
      });
    const pythonProbe = async (): Promise<string | false> => {
      const { usable = false, reason = "" } =
        (await bench.runtimes.get("python3.13")?.probe()) ?? {};
      return usable ? false : reason;
    };

    test("Python: each runs in a process of its own, and its lines carry its id", async (t) => {
      const reason = await pythonProbe();
      if (reason !== false) return t.skip(reason);
      await using started = await python(
        `
owner = []
def handler(event, context):
    meet(8, event["n"])
    owner.append(event["n"])
    for _ in range(20):
        logging.getLogger().warning(f"line of {event['n']}")
        print(json.dumps({"requestId": context.aws_request_id, "message": f"line of {event['n']}"}))
        time.sleep(0.001)
    return {"owner": owner, "id": context.aws_request_id, "trace": os.environ["_X_AMZN_TRACE_ID"], "pid": os.getpid()}
`,
        "each",
      );
      assert.equal(started.init.kind, "ok", started.output());
      const answers = (await together(started, 8, (n) => ({ n }))).map((one) =>
        parsed(one, started),
      );
      for (const [index, { owner, id, trace }] of answers.entries()) {
        const n = index + 1;
        assert.deepEqual({ owner, id, trace }, { owner: [n], id: idOf(n), trace: traceOf(n) });
      }
      assert.equal(new Set(answers.map(({ pid }) => pid)).size, 8);
      const lines = linesOf(started);
      assert.equal(lines.length, 8 * 40, started.output());
      for (const { requestId, message } of lines)
        assert.equal(message, `line of ${Number(requestId.slice(-12))}`);
      const again = parsed(await started.invoke({ n: 9 }), started);
      assert.ok(
        answers.some(({ pid }) => pid === again["pid"]),
        "an idle process is used again",
      );
    });

    test("Python: a process that ends is one invocation's, and its place is filled", async (t) => {
      const reason = await pythonProbe();
      if (reason !== false) return t.skip(reason);
      await using started = await python(
        `
def handler(event, context):
    meet(3, event["n"])
    if event["n"] == 2: os._exit(3)
    if event["n"] == 3: os.kill(os.getpid(), 9)
    return event["n"]
`,
        "ends",
      );
      const responses = await together(started, 3, (n) => ({ n }));
      assert.equal(responses[0]?.kind, "payload", started.output());
      const messages = responses.slice(1).map((response) => errorOf(response).errorMessage);
      assert.deepEqual(messages, [
        `RequestId: ${idOf(2)} Error: Runtime exited with error: exit status 3`,
        `RequestId: ${idOf(3)} Error: Runtime exited with error: signal: killed`,
      ]);
      assert.equal(await started.call({ n: 4 }), 4);
    });

    test("Python: what fails in the import fails the start", async (t) => {
      const reason = await pythonProbe();
      if (reason !== false) return t.skip(reason);
      await using raising = await python(`\nraise ValueError("at import")\n`, "raise");
      assert.equal(errorOf(raising.init).errorType, "ValueError");
      await using exiting = await python(`\nos._exit(5)\n`, "exit");
      assert.ok(exiting.init.kind === "exit" && exiting.init.exit.code === 5);
    });
  });
}
