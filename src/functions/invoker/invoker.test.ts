import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startPlatform } from "./testing/platform.ts";

const platform = await startPlatform();
after(() => platform[Symbol.asyncDispose]());

test("a cold start, then warm: the same environment answers, and says where the time went", async () => {
  const revision = await platform.deploy(
    `let calls = 0; export const handler = async (event) => ({ event, calls: ++calls, env: { ...process.env } });`,
    { environment: { GREETING: "hello", TZ: "Europe/Berlin" } },
  );
  const first = await platform.call(revision, { a: 1 }, { tailLog: true });
  assert.equal(first.outcome.kind, "ok", first.text);
  const second = await platform.call(revision, { a: 2 }, { tailLog: true });
  const body = second.json as { event: unknown; calls: number; env: Record<string, string> };
  assert.deepEqual(body.event, { a: 2 });
  assert.equal(body.calls, 2);
  assert.equal(body.env["GREETING"], "hello");
  assert.equal(body.env["TZ"], "Europe/Berlin");
  assert.equal(body.env["AWS_LAMBDA_FUNCTION_NAME"], revision.name);
  assert.equal(body.env["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"], "256");
  assert.equal(body.env["AWS_SESSION_TOKEN"], `token of ${revision.name}`);
  assert.match(
    body.env["AWS_LAMBDA_LOG_STREAM_NAME"] ?? "",
    /^\d{4}\/\d\d\/\d\d\/\[\$LATEST\][0-9a-f]{32}$/,
  );
  assert.match(first.tail, /^START RequestId: [0-9a-f-]{36} Version: \$LATEST\n/);
  assert.match(
    first.tail,
    /END RequestId: [0-9a-f-]{36}\nREPORT RequestId: [0-9a-f-]{36}\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 256 MB\tMax Memory Used: \d+ MB\tInit Duration: [\d.]+ ms\t\n$/,
  );
  assert(!second.tail.includes("Init Duration"));
  const [start] = platform.pool.recentStarts();
  assert(start?.outcome === "ok" && (start.phases["init"] ?? 0) > 0, JSON.stringify(start));
  console.log("phases", JSON.stringify(start));
  const names = platform.tracer.find(first.context.trace.traceId).map((span) => span.name);
  for (const name of [
    "invocation",
    "cold-start",
    "sandbox",
    "package",
    "credentials",
    "init",
    "handler",
  ])
    assert(names.includes(name), `${name} in ${names.join()}`);
});

test("functions reach the platform at their AWS endpoint, under their own identity and trace", async () => {
  const revision = await platform.deploy(
    `export const handler = async () => (await fetch(process.env.AWS_ENDPOINT_URL + "/where")).text();`,
  );
  const called = await platform.call(revision);
  assert.equal(called.json, "from the platform");
  const seen = platform.requests.find((request) => request.url === "/where");
  assert.equal(seen?.identity?.revision.name, revision.name);
  assert.equal(seen?.identity?.trace?.traceId, called.context.trace.traceId);
  assert.equal(seen?.identity?.trace?.hops, 1);
});

test("twenty at once get twenty environments; twenty more get the same ones", async () => {
  const revision = await platform.deploy(
    `const id = Math.random(); export const handler = async (event) => { await new Promise((go) => setTimeout(go, event.ms)); return id; };`,
    { memoryMiB: 128, timeoutMs: 60_000 },
  );
  const round = async (ms: number): Promise<Set<unknown>> =>
    new Set(
      (await Promise.all(Array.from({ length: 20 }, () => platform.call(revision, { ms })))).map(
        (one) => one.json,
      ),
    );
  const first = await round(8_000);
  assert.equal(first.size, 20);
  const second = await round(100);
  for (const id of second) assert(first.has(id));
  platform.pool.retire(revision.functionArn, undefined);
});

test("an error the handler throws is the caller's answer and not a platform failure", async () => {
  const revision = await platform.deploy(
    `export const handler = async () => { throw new RangeError("too far"); };`,
  );
  const called = await platform.call(revision, {}, { tailLog: true });
  assert.deepEqual(called.outcome.kind, "function-error");
  const body = called.json as { errorType: string; errorMessage: string };
  assert.equal(body.errorType, "RangeError");
  assert.equal(body.errorMessage, "too far");
  const again = await platform.call(revision, {}, { tailLog: true });
  assert(!again.tail.includes("Init Duration"), "the environment survives a handler's error");
});

test("a stream arrives piece by piece; the outcome settles at its end", async () => {
  const revision = await platform.deploy(
    `export const handler = awslambda.streamifyResponse(async (event, stream) => {
      for (let n = 0; n < 3; n++) { stream.write("part " + n + "\\n"); await new Promise((go) => setTimeout(go, 20)); }
      stream.end();
    });`,
  );
  const streamed = await platform.call(revision, {}, { streaming: true });
  assert.equal(streamed.text, "part 0\npart 1\npart 2\n");
  assert.equal(streamed.outcome.kind, "ok");
  const whole = await platform.call(revision, {});
  assert.equal(whole.text, "part 0\npart 1\npart 2\n");
});

test("a new revision gets new environments, the old ones end", async () => {
  const old = await platform.deploy(`export const handler = async () => "old";`);
  assert.equal((await platform.call(old)).json, "old");
  const fresh = await platform.deploy(`export const handler = async () => "new";`, {
    name: old.name,
  });
  platform.pool.retire(old.functionArn, fresh.revisionId);
  assert.equal((await platform.call(fresh)).json, "new");
  const alive = platform.pool
    .snapshot()
    .environments.filter((one) => one.functionArn === old.functionArn);
  assert.equal(alive.filter((one) => one.state !== "ending").length, 1);
});

test("another scratch size gets a sandbox of its own", async () => {
  const revision = await platform.deploy(
    `import { statfsSync } from "node:fs"; export const handler = async () => { const s = statfsSync("/tmp"); return Math.round(s.blocks * s.bsize / 1048576); };`,
    { scratchMiB: 700 },
  );
  assert.equal((await platform.call(revision)).json, 700);
});

test("layers appear at /opt, the later one on top", async () => {
  const layer = async (
    content: string,
  ): Promise<{ arn: string; codeSha256: string; codeByteCount: number }> => {
    const { codeSha256, codeByteCount } = await platform.deploy(
      { "shared.txt": content, [`${content}.txt`]: content },
      { name: `layer-${content}` },
    );
    return {
      arn: `arn:aws:lambda:eu-central-1:123456789012:layer:${content}:1`,
      codeSha256,
      codeByteCount,
    };
  };
  const revision = await platform.deploy(
    `import { readFileSync } from "node:fs"; export const handler = async () => ["shared", "one", "two"].map((n) => readFileSync("/opt/" + n + ".txt", "utf8"));`,
    { layers: [await layer("one"), await layer("two")] },
  );
  assert.deepEqual((await platform.call(revision)).json, ["two", "one", "two"]);
});

test("JSON logs: platform events as records, with the report's numbers", async () => {
  const revision = await platform.deploy(
    `export const handler = async () => { console.log("hi"); return 1; };`,
    {
      name: "json-logs",
      logging: {
        format: "JSON",
        applicationLevel: "INFO",
        systemLevel: "INFO",
        group: "/aws/lambda/json-logs",
      },
    },
  );
  const called = await platform.call(revision, {}, { tailLog: true });
  const records = called.tail
    .trim()
    .split("\n")
    .map(
      (line) =>
        JSON.parse(line) as {
          type?: string;
          message?: string;
          record?: { status?: string; metrics?: object };
        },
    );
  assert.deepEqual(
    records.map((one) => one.type ?? one.message),
    ["platform.start", "hi", "platform.report"],
  );
  assert.equal(records.at(-1)?.record?.status, "success");
});

test("a thousand calls in a row use one environment and leave nothing behind", async () => {
  const revision = await platform.deploy(`export const handler = async (event) => event.n;`);
  await platform.call(revision, { n: 0 });
  const handles = (): number => process.getActiveResourcesInfo().length;
  const before = handles();
  const startedMs = performance.now();
  for (let n = 0; n < 1_000; n++) {
    const called = await platform.call(revision, { n });
    assert.equal(called.json, n);
  }
  console.log(`warm call: ${((performance.now() - startedMs) / 1000).toFixed(3)} ms each`);
  const mine = platform.pool
    .snapshot()
    .environments.filter((one) => one.functionArn === revision.functionArn);
  assert.equal(mine.length, 1);
  assert(handles() <= before + 2, `${handles()} handles, ${before} before`);
  assert.equal(platform.invoker.runningCount, 0);
});
