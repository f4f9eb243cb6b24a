import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { after, before, describe, it } from "node:test";
import { buffer } from "node:stream/consumers";
import { CloudWatchLogsClient, FilterLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import {
  CreateAliasCommand,
  DeleteFunctionConcurrencyCommand,
  DeleteProvisionedConcurrencyConfigCommand,
  GetProvisionedConcurrencyConfigCommand,
  type LambdaClient,
  PublishVersionCommand,
  PutFunctionConcurrencyCommand,
  PutProvisionedConcurrencyConfigCommand,
  UpdateAliasCommand,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionUpdatedV2,
} from "@aws-sdk/client-lambda";
import { deploy, publish } from "../support/functions.ts";
import { type Server, up } from "../cli/program.ts";
import { invoke } from "../support/invoke.ts";
import {
  burst,
  client,
  environmentsOf,
  gate,
  gated,
  overlap,
  untilBusy,
  workerAsked,
} from "./asking.ts";

const names = Array.from({ length: 6 }, (_unused, n) => `spread-${n}`);
/** Says what it was given, in its answer and in its log. */
const echo = `export const handler = async (event) => {
  console.log("said " + event.word);
  if (event.fail) throw new TypeError(event.word);
  return event.word + (process.env.EDITION ?? "");
};`;

let server: Server;
let lambda: LambdaClient;

before(async () => {
  server = await up(["--workers=2"]);
  lambda = client(server.url);
  for (const name of names) await deploy(lambda, name, { "index.mjs": echo }, { MemorySize: 128 });
});
after(() => server[Symbol.asyncDispose]());

describe("two workers", () => {
  it("take connections both, and answer for every function", async () => {
    const asked = new Set<number>();
    while (asked.size < 2) asked.add(await workerAsked(server.url));
    for (const name of names)
      for (let n = 0; n < 8; n++)
        assert.equal(
          (await invoke(lambda, name, { word: `${name} ${n}` })).payload,
          `${name} ${n}`,
        );
    const seen = await page<{ environments: readonly { functionArn: string }[] }>("functions");
    const arns = seen.environments.map((one) => one.functionArn);
    // Calls came one after the other: one environment each, wherever they were asked for.
    assert.equal(new Set(arns).size, names.length);
    assert.equal(arns.length, names.length);
  });

  it("tell a failure and the log's tail as if there were one", async () => {
    for (let n = 0; n < 6; n++) {
      const failed = await invoke(lambda, "spread-0", { word: `wrong ${n}`, fail: true });
      assert.equal(failed.error, "Unhandled");
      assert.equal((failed.payload as { errorMessage: string }).errorMessage, `wrong ${n}`);
      assert.match(failed.log, new RegExp(`said wrong ${n}`));
    }
  });

  it("run what was deployed last, whichever is asked next", async () => {
    for (let edition = 1; edition <= 4; edition++) {
      await lambda.send(
        new UpdateFunctionConfigurationCommand({
          FunctionName: "spread-1",
          Environment: { Variables: { EDITION: ` ${edition}` } },
        }),
      );
      await waitUntilFunctionUpdatedV2(
        { client: lambda, maxWaitTime: 30, minDelay: 0.01, maxDelay: 0.1 },
        { FunctionName: "spread-1" },
      );
      const answers = await Promise.all(
        [1, 2, 3, 4].map(() => invoke(lambda, "spread-1", { word: "edition" })),
      );
      for (const { payload } of answers) assert.equal(payload, `edition ${edition}`);
    }
  });

  it("show traces, logs and functions of all", async () => {
    const traceId = "1-5f84c7a5-0123456789abcdef01234567";
    const url = await publish(lambda, "spread-2");
    const answer = await fetch(pathForm(url), {
      headers: { "x-amzn-trace-id": `Root=${traceId};Sampled=1`, connection: "close" },
    });
    assert.equal(answer.status, 200);
    await answer.text();
    const logs = new CloudWatchLogsClient({
      endpoint: server.url,
      region: "us-east-1",
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
    });
    for (let n = 0; n < 6; n++) {
      const word = `line ${n}`;
      await invoke(lambda, "spread-3", { word });
      const found = await logs.send(
        new FilterLogEventsCommand({
          logGroupName: "/aws/lambda/spread-3",
          filterPattern: `"said ${word}"`,
        }),
      );
      assert.equal(found.events?.length, 1, word);
      const { spans } = await page<{ spans: readonly { name: string }[] }>(`traces/${traceId}`);
      const kinds = spans.map((span) => span.name);
      for (const name of ["lambda.FunctionUrl", "invocation", "handler"])
        assert.ok(kinds.includes(name), `${name} of ${kinds.join(", ")}`);
    }
    logs.destroy();
  });
});

describe("concurrency of two workers", () => {
  it("is the reservation's, exactly, under a burst through both", async () => {
    await deploy(lambda, "reserved", { "index.mjs": gated }, { MemorySize: 128, Timeout: 60 });
    await lambda.send(
      new PutFunctionConcurrencyCommand({
        FunctionName: "reserved",
        ReservedConcurrentExecutions: 3,
      }),
    );
    const calls = burst(lambda, ["reserved"], { count: 30, event: { gate: "gate-1" } });
    const decided = await calls.refused(27);
    assert.ok(
      decided.every((reason) => reason === "ReservedFunctionConcurrentInvocationLimitExceeded"),
    );
    await untilBusy(server.url, 3);
    await deploy(lambda, "gate-1", gate);
    const ran = await calls.ran();
    assert.equal(ran.length, 3);
    assert.equal(overlap(ran), 3);
    await lambda.send(new DeleteFunctionConcurrencyCommand({ FunctionName: "reserved" }));
  });
});

describe("provisioned concurrency of two workers", () => {
  const qualifier = { FunctionName: "kept", Qualifier: "live" };

  /** Whichever is asked: as soon as one says so, all do. */
  async function untilReady(): Promise<void> {
    const ask = () => lambda.send(new GetProvisionedConcurrencyConfigCommand(qualifier));
    while ((await ask()).Status !== "READY");
    for (let n = 0; n < 6; n++) assert.equal((await ask()).Status, "READY");
  }

  /** How many environments there are of each version. */
  async function versions(): Promise<Readonly<Record<string, number>>> {
    const kept = (await environmentsOf(server.url)).filter((one) =>
      one.functionArn.endsWith(":kept"),
    );
    return Object.fromEntries(
      Object.entries(Object.groupBy(kept, (one) => one.version)).map(([version, all]) => [
        version,
        all?.length ?? 0,
      ]),
    );
  }

  it("is there once, in the function's worker, and follows an alias whoever moves it", async () => {
    const publishOne = async (edition: string): Promise<void> => {
      await lambda.send(
        new UpdateFunctionConfigurationCommand({ FunctionName: "kept", Description: edition }),
      );
      await waitUntilFunctionUpdatedV2(
        { client: lambda, maxWaitTime: 30, minDelay: 0.01, maxDelay: 0.1 },
        { FunctionName: "kept" },
      );
      await lambda.send(new PublishVersionCommand({ FunctionName: "kept" }));
    };
    await deploy(lambda, "kept", { "index.mjs": echo }, { MemorySize: 128 });
    await publishOne("first");
    const alias = { FunctionName: "kept", Name: "live" };
    await lambda.send(new CreateAliasCommand({ ...alias, FunctionVersion: "1" }));
    await lambda.send(
      new PutProvisionedConcurrencyConfigCommand({
        ...qualifier,
        ProvisionedConcurrentExecutions: 2,
      }),
    );
    await untilReady();
    assert.deepEqual(await versions(), { "1": 2 });
    for (let version = 2; version <= 4; version++) {
      await publishOne(`edition ${version}`);
      await lambda.send(new UpdateAliasCommand({ ...alias, FunctionVersion: String(version) }));
      await untilReady();
      let now = await versions();
      while (Object.keys(now).length > 1) now = await versions(); // the last one's are being ended
      assert.deepEqual(now, { [version]: 2 });
    }
    await lambda.send(new DeleteProvisionedConcurrencyConfigCommand(qualifier));
    while (Object.keys(await versions()).length > 0);
  });
});

describe("an HTTP answer from a function in another worker", () => {
  it("keeps its status, headers, cookies and bytes", async () => {
    const source = `export const handler = async () => ({
      statusCode: 418,
      headers: { "x-kind": "teapot", "content-type": "application/octet-stream" },
      cookies: ["a=1", "b=2; Path=/"],
      body: Buffer.from(Array.from({ length: 256 }, (_, n) => n)).toString("base64"),
      isBase64Encoded: true,
    });`;
    await deploy(lambda, "teapot", { "index.mjs": source }, { MemorySize: 128 });
    const url = pathForm(await publish(lambda, "teapot"));
    for (let n = 0; n < 8; n++) {
      const answer = await open(url);
      assert.equal(answer.statusCode, 418);
      assert.equal(answer.headers["x-kind"], "teapot");
      assert.deepEqual(answer.headers["set-cookie"], ["a=1", "b=2; Path=/"]);
      const bytes = await buffer(answer);
      assert.deepEqual(
        [...bytes],
        Array.from({ length: 256 }, (_unused, byte) => byte),
      );
    }
  });
});

describe("a stream from a function in another worker", () => {
  const source = `export const handler = awslambda.streamifyResponse(async (event, stream) => {
    stream.setContentType("application/octet-stream");
    for (let n = 0; n < 200; n++)
      if (!stream.write(Buffer.alloc(32768, n))) await new Promise((go) => stream.once("drain", go));
    stream.end();
  });`;

  it("arrives whole, and a reader who leaves costs nobody else anything", async () => {
    await deploy(lambda, "stream", { "index.mjs": source });
    const url = await publish(lambda, "stream", { InvokeMode: "RESPONSE_STREAM" });
    const expected = createHash("sha256");
    for (let n = 0; n < 200; n++) expected.update(Buffer.alloc(32768, n));
    const digest = expected.digest("hex");
    for (let n = 0; n < 8; n++) {
      const left = await open(pathForm(url));
      left.once("data", () => left.destroy());
      await once(left, "close");
      const body = await buffer(await open(pathForm(url)));
      assert.equal(createHash("sha256").update(body).digest("hex"), digest);
    }
  });
});

async function page<T>(name: string): Promise<T> {
  const answer = await fetch(`${server.url}/_skerry/${name}`, { headers: { connection: "close" } });
  assert.equal(answer.status, 200);
  return (await answer.json()) as T; // the platform's own
}

/** For clients that do not resolve names below localhost. */
function pathForm(url: string): string {
  return `${server.url}/_skerry/url/${new URL(url).hostname.split(".")[0]}/`;
}

/** On a connection of its own. */
async function open(url: string): Promise<IncomingMessage> {
  const request = get(url, { agent: false });
  const [answer] = (await once(request, "response")) as [IncomingMessage]; // as Node documents it
  return answer;
}
