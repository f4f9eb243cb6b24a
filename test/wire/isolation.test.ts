import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { CloudWatchLogsClient, FilterLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import {
  DeleteFunctionConcurrencyCommand,
  GetAccountSettingsCommand,
  LambdaClient,
  PutFunctionConcurrencyCommand,
  TooManyRequestsException,
} from "@aws-sdk/client-lambda";
import { deploy, source } from "../support/functions.ts";
import { invoke } from "../support/invoke.ts";
import { type Platform, startPlatform } from "./platform.ts";

let platform: Platform;
let lambda: LambdaClient;
before(async () => {
  process.env["HARBOUR_SECRET"] = "of the platform";
  platform = await startPlatform({ accountConcurrency: 105 });
  lambda = new LambdaClient(platform.client);
  await deploy(lambda, "neighbour", { "index.mjs": await source("echo.mjs") });
});
after(async () => {
  delete process.env["HARBOUR_SECRET"];
  lambda.destroy();
  await platform.stop();
});

async function stillAnswers(): Promise<void> {
  assert.equal((await invoke(lambda, "neighbour", { still: "here" })).error, undefined);
}

interface Seen {
  readonly reached: Record<string, string>;
  readonly proxied: Record<string, number | string>;
  readonly proxy: string | null;
  readonly uid: number;
  readonly environment: string[];
  readonly processes: number;
  readonly task: string[];
  readonly root: string[];
  readonly writeTask: string;
  readonly writeRuntime: string;
  readonly writeCode: string;
  readonly corePattern: string;
  readonly oomScore: string;
  readonly tmp: { readonly value?: number; readonly code?: string };
  readonly shadow: string;
  readonly home: unknown;
  readonly work: string;
  readonly capabilities: string;
  readonly parent: { readonly value?: string; readonly code?: string };
}

async function look(name: string, event: object): Promise<Seen> {
  const { error, payload } = await invoke(lambda, name, event);
  assert.equal(error, undefined, JSON.stringify(payload));
  return payload as Seen; // test/wire/functions/lookout.mjs
}

describe("what a function sees of the machine it runs on", () => {
  let seen: Seen;
  let corePattern: string;
  const port = createServer((_, response) => response.end("the host's own"));
  before(async () => {
    corePattern = await readFile("/proc/sys/kernel/core_pattern", "utf8");
    await new Promise<void>((resolve) => port.listen(0, "127.0.0.1", resolve));
    const files = { "index.mjs": await source("lookout.mjs"), "data.txt": "x" };
    await deploy(lambda, "lookout", files);
    seen = await look("lookout", { hostPort: (port.address() as AddressInfo).port }); // a TCP server
  });
  after(() => port.close());

  test("its own code and nobody else's", () => {
    assert.deepEqual(seen.task.toSorted(), ["data.txt", "index.mjs"]);
    assert.equal(seen.work, "ENOENT");
    assert.ok(!seen.root.includes("work"));
    if (typeof seen.home !== "string") assert.deepEqual(seen.home, []);
    assert.ok(["ENOENT", "EACCES"].includes(seen.shadow), seen.shadow);
  });

  test("none of the platform's environment", () => {
    assert.ok(!seen.environment.includes("HARBOUR_SECRET"));
    assert.ok(!String(seen.parent.value).includes("HARBOUR_SECRET"));
    const documented =
      /^(?:AWS_|LAMBDA_|_HANDLER$|_X_AMZN_TRACE_ID$|LANG$|PATH$|LD_LIBRARY_PATH$|TZ$|NODE_PATH$|PWD$|HOME$)/;
    assert.deepEqual(
      seen.environment.filter((name) => !documented.test(name)),
      [],
    );
  });

  test("no port of the host, no metadata service, no network", () => {
    for (const [address, how] of Object.entries(seen.reached))
      assert.ok(
        ["ECONNREFUSED", "ENETUNREACH", "EHOSTUNREACH", "EADDRNOTAVAIL"].includes(how),
        `${address}: ${how}`,
      );
  });

  test("code and runtime read-only, /tmp of the configured size", () => {
    assert.deepEqual(
      [seen.writeTask, seen.writeRuntime, seen.writeCode],
      ["EROFS", "EROFS", "EROFS"],
    );
    assert.equal(seen.tmp.value, 512 * 1024 * 1024);
  });

  test("no rights: an own user, no capability, no kernel setting", async () => {
    assert.notEqual(seen.uid, 0);
    assert.match(seen.capabilities, /^0+$/);
    assert.match(seen.corePattern, /^(?:EROFS|EACCES|EPERM|ENOENT)$/);
    assert.match(seen.oomScore, /^(?:EROFS|EACCES|EPERM|ENOENT)$/);
    assert.ok(seen.processes < 10, `${seen.processes} processes`);
    assert.equal(await readFile("/proc/sys/kernel/core_pattern", "utf8"), corePattern);
  });

  test("the proxy is closed to it unless it was given the internet", async () => {
    assert.equal(seen.proxy, null);
    const { proxied } = await look("lookout", { hostPort: 1, proxied: ["example.com:443"] });
    assert.deepEqual(proxied, { "example.com:443": 403 });
  });

  test("with the internet the proxy still leads to no machine around here", async () => {
    const { port: hostPort } = port.address() as AddressInfo; // a TCP server
    await deploy(
      lambda,
      "abroad",
      { "index.mjs": await source("lookout.mjs") },
      { Tags: { "skerry:egress": "internet" } },
    );
    const proxied = [
      `127.0.0.1:${hostPort}`,
      `127.1:${hostPort}`,
      `0.0.0.0:${hostPort}`,
      `2130706433:${hostPort}`,
      `0x7f.0.0.1:${hostPort}`,
      `[::1]:${hostPort}`,
      `[::ffff:127.0.0.1]:${hostPort}`,
      `localhost:${hostPort}`,
      `any.localhost:${hostPort}`,
      `127.0.0.1:${platform.port}`,
      "169.254.169.254:80",
      "[fd00:ec2::254]:80",
      "10.0.0.1:80",
      "172.16.0.1:80",
      "192.168.0.1:80",
      "100.64.0.1:80",
    ];
    const abroad = await look("abroad", { hostPort, proxied });
    assert.equal(abroad.proxy, "http://127.0.0.1:3128");
    assert.equal(abroad.reached["127.0.0.1"], "ECONNREFUSED");
    for (const [target, status] of Object.entries(abroad.proxied))
      assert.ok(status === 403 || status === 400 || status === 502, `${target}: ${status}`);
    for (const target of [`127.0.0.1:${hostPort}`, "169.254.169.254:80", "10.0.0.1:80"])
      assert.equal(abroad.proxied[target], 403);
    await stillAnswers();
  });

  test("what one call leaves behind no other function finds", async () => {
    const code = `import { readdirSync, writeFileSync } from "node:fs";
      export const handler = async ({ write }) => {
        if (write) writeFileSync("/tmp/" + write, "left behind");
        return readdirSync("/tmp");
      };`;
    for (const name of ["one", "other"]) await deploy(lambda, name, { "index.mjs": code });
    assert.deepEqual((await invoke(lambda, "one", { write: "note" })).payload, ["note"]);
    assert.deepEqual((await invoke(lambda, "other")).payload, []);
    assert.equal(existsSync("/tmp/note"), false);
    await stillAnswers();
  });
});

describe("a function that calls itself", () => {
  /** Forges whatever header it can to look like the beginning of a chain. */
  const code = (forge: boolean): string => `
    import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
    export const handler = async ({ depth }) => {
      const client = new LambdaClient({ maxAttempts: 1 });
      ${
        forge
          ? `delete process.env._X_AMZN_TRACE_ID;
      client.middlewareStack.add((next) => (args) => {
        args.request.headers["x-amzn-trace-id"] = "Root=1-00000000-00000000000000000000000" + depth % 10 + ";Lineage=1:0:0";
        args.request.headers["x-amz-invocation-depth"] = "0";
        return next(args);
      }, { step: "build", priority: "low" });`
          : ""
      }
      console.log("depth " + depth);
      const command = new InvokeCommand({
        FunctionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
        Payload: JSON.stringify({ depth: depth + 1 }),
      });
      try {
        const answer = await client.send(command);
        return JSON.parse(Buffer.from(answer.Payload).toString());
      } catch (error) {
        return { deepest: depth, name: error.name, status: error.$metadata?.httpStatusCode };
      }
    };`;

  for (const forge of [false, true]) {
    const how = forge ? "also when it forges its trace" : "at the sixteenth call";
    test(`is stopped ${how}`, async () => {
      const name = forge ? "forging" : "recursive";
      const settings = { Timeout: 60, MemorySize: 384 };
      await deploy(lambda, name, { "index.mjs": code(forge) }, settings);
      const { error, payload } = await invoke(lambda, name, { depth: 1 });
      assert.equal(error, undefined, JSON.stringify(payload));
      assert.deepEqual(payload, {
        deepest: 16,
        name: "RecursiveInvocationException",
        status: 400,
      });
      await stillAnswers();
    });
  }
});

test("a chain of events stops at sixteen calls as well", async () => {
  const code = `import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
    const client = new LambdaClient({ maxAttempts: 1 });
    export const handler = async ({ depth }) => {
      console.log("depth " + depth);
      const FunctionName = process.env.AWS_LAMBDA_FUNCTION_NAME;
      const Payload = JSON.stringify({ depth: depth + 1 });
      await client.send(new InvokeCommand({ FunctionName, InvocationType: "Event", Payload }));
    };`;
  await deploy(lambda, "events", { "index.mjs": code }, { MemorySize: 384 });
  await invoke(lambda, "events", { depth: 1 });
  const logs = new CloudWatchLogsClient(platform.client);
  const depths = async (): Promise<number[]> => {
    const query = { logGroupName: "/aws/lambda/events", filterPattern: '"depth "' };
    const { events = [] } = await logs.send(new FilterLogEventsCommand(query));
    return events.map((event) => Number(/depth (\d+)/.exec(event.message ?? "")?.[1]));
  };
  while (!(await depths()).includes(16)) await stillAnswers();
  for (let call = 0; call < 50; call++) await stillAnswers();
  const expected = Array.from({ length: 16 }, (_, index) => index + 1);
  const found = await depths();
  assert.deepEqual(
    found.toSorted((one, other) => one - other),
    expected,
  );
  logs.destroy();
});

describe("concurrency", () => {
  const slow = `export const handler = async ({ ms = 0 }) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return "done";
  };`;

  /** Calls until one is refused; the slow one holds the only place. */
  async function refusal(name: string): Promise<TooManyRequestsException> {
    for (let call = 0; call < 100; call++) {
      const error = await invoke(lambda, name).catch((thrown: unknown) => thrown);
      if (error instanceof TooManyRequestsException) return error;
    }
    throw new assert.AssertionError({ message: `${name} was never refused` });
  }

  test("beyond the reserved number a call gets 429 with the reason and when to come back", async () => {
    await deploy(lambda, "narrow", { "index.mjs": slow });
    const target = { FunctionName: "narrow" };
    await lambda.send(
      new PutFunctionConcurrencyCommand({ ...target, ReservedConcurrentExecutions: 1 }),
    );
    const holding = invoke(lambda, "narrow", { ms: 1_500 });
    const error = await refusal("narrow");
    assert.equal(error.$metadata.httpStatusCode, 429);
    assert.equal(error.message, "Rate Exceeded.");
    assert.equal(error.Reason, "ReservedFunctionConcurrentInvocationLimitExceeded");
    assert.equal(error.Type, "User");
    assert.match(error.retryAfterSeconds ?? "", /^\d+$/);
    await stillAnswers();
    assert.equal((await holding).payload, "done");
    assert.equal((await invoke(lambda, "narrow")).payload, "done");
    await lambda.send(new DeleteFunctionConcurrencyCommand(target));
  });

  test("the account's number is shared by all functions without one of their own", async () => {
    const { AccountLimit } = await lambda.send(new GetAccountSettingsCommand({}));
    assert.equal(AccountLimit?.ConcurrentExecutions, 105);
    await deploy(lambda, "wide", { "index.mjs": slow });
    const reserve = (count: number): Promise<unknown> =>
      lambda.send(
        new PutFunctionConcurrencyCommand({
          FunctionName: "neighbour",
          ReservedConcurrentExecutions: count,
        }),
      );
    await assert.rejects(reserve(6), {
      name: "InvalidParameterValueException",
      message:
        "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100].",
    });
    await reserve(5);
    await stillAnswers();
    assert.equal((await invoke(lambda, "wide")).payload, "done");
  });
});

test("an account without a free place refuses with its own reason", async () => {
  await using small = await startPlatform({ accountConcurrency: 1 });
  const client = new LambdaClient(small.client);
  const code = `export const handler = async ({ ms = 0 }) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return "done";
  };`;
  for (const name of ["first", "second"]) await deploy(client, name, { "index.mjs": code });
  const holding = invoke(client, "first", { ms: 1_500 });
  let error: unknown;
  for (let call = 0; call < 100 && !(error instanceof TooManyRequestsException); call++)
    error = await invoke(client, "second").catch((thrown: unknown) => thrown);
  assert.ok(error instanceof TooManyRequestsException);
  assert.equal(error.Reason, "ConcurrentInvocationLimitExceeded");
  assert.equal((await holding).payload, "done");
  assert.equal((await invoke(client, "second")).payload, "done");
  client.destroy();
});
