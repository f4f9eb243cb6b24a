import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { CloudWatchLogsClient, FilterLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import {
  DeleteFunctionCommand,
  InvokeCommand,
  LambdaClient,
  PublishLayerVersionCommand,
  Runtime,
} from "@aws-sdk/client-lambda";
import { deploy, source, text } from "../support/functions.ts";
import { invoke } from "../support/invoke.ts";
import { zip } from "../support/zip.ts";
import { type Platform, startPlatform } from "./platform.ts";

const bare = existsSync("/usr/bin/curl") ? false : "curl is not installed at /usr/bin";

describe("extensions", () => {
  let platform: Platform;
  let lambda: LambdaClient;
  let logs: CloudWatchLogsClient;
  let bootstrap: Buffer;
  let extension: Buffer;
  before(async () => {
    platform = await startPlatform();
    lambda = new LambdaClient(platform.client);
    logs = new CloudWatchLogsClient(platform.client);
    bootstrap = await source("bootstrap.mjs");
    extension = await source("extension.mjs");
  });
  after(async () => {
    lambda.destroy();
    logs.destroy();
    await platform.stop();
  });

  async function layer(
    name: string,
    files: Readonly<Record<string, string | Uint8Array>>,
    mode = 0o100755,
  ): Promise<string> {
    const modes = Object.fromEntries(Object.keys(files).map((path) => [path, mode]));
    const Content = { ZipFile: await zip(files, modes) };
    const made = await lambda.send(new PublishLayerVersionCommand({ LayerName: name, Content }));
    return made.LayerVersionArn ?? "";
  }

  /** A custom runtime, or Node, with the extension `watcher` in a layer. */
  async function create(name: string, mode: string, settings = {}): Promise<void> {
    await deploy(
      lambda,
      name,
      { bootstrap, "index.mjs": "export const handler = async (event) => event;" },
      {
        Runtime: "provided.al2023",
        Layers: [await layer(name, { "extensions/watcher": extension })],
        MemorySize: 1024,
        Environment: { Variables: { MODE: mode, MINE: "yes" } },
        ...settings,
      },
    );
  }

  async function messages(name: string): Promise<readonly string[]> {
    const found = await logs.send(
      new FilterLogEventsCommand({ logGroupName: `/aws/lambda/${name}` }),
    );
    return (found.events ?? []).map((event) => event.message ?? "");
  }

  /** Every line up to the first that matches, once there is one. */
  async function logged(name: string, pattern: RegExp): Promise<readonly string[]> {
    for (;;) {
      const lines = await messages(name);
      const at = lines.findIndex((line) => pattern.test(line));
      if (at >= 0) return lines.slice(0, at + 1);
    }
  }

  test("beside extensions invocations run one at a time, whatever the function allows", async () => {
    const code = `let here = 0; export const handler = async () => {
      const most = ++here; await new Promise((resolve) => setImmediate(resolve)); here--; return { most };
    };`;
    const CapacityProviderArn = "arn:aws:lambda:us-east-1:000000000000:capacity-provider:c";
    const PerExecutionEnvironmentMaxConcurrency = 4;
    await create("serial", "", {
      Runtime: "nodejs24.x",
      Code: { ZipFile: await zip({ "index.mjs": code }) },
      CapacityProviderConfig: {
        LambdaManagedInstancesCapacityProviderConfig: {
          CapacityProviderArn,
          PerExecutionEnvironmentMaxConcurrency,
        },
      },
    });
    const calls = Array.from({ length: 4 }, () => invoke(lambda, "serial"));
    for (const { error, payload } of await Promise.all(calls))
      assert.deepEqual([error, payload], [undefined, { most: 1 }]);
  });

  test("one in a layer sees the life of its environment in order", async () => {
    await create("life", "");
    for (const n of [1, 2]) {
      const { payload, error } = await invoke(lambda, "life", { n });
      assert.deepEqual([payload, error], [{ n }, undefined]);
    }
    await lambda.send(new DeleteFunctionCommand({ FunctionName: "life" }));
    const lines = await logged("life", /^watcher: leaving/);
    const at = (pattern: RegExp): number => lines.findIndex((line) => pattern.test(line));
    const steps = [
      /^INIT_START /,
      /^EXTENSION\tName: watcher\tState: Ready\tEvents: \[INVOKE, SHUTDOWN\]/,
      /^START /,
      /^REPORT /,
    ];
    const places = steps.map(at);
    assert.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
      lines.join("\n"),
    );
    assert.ok(!places.includes(-1), lines.join("\n"));
    const when = (what: string): number =>
      Number(lines.find((line) => line.startsWith(what))?.slice(what.length));
    const times = [
      "watcher: begins at ",
      "runtime: started at ",
      "runtime: SIGTERM at ",
      "watcher: is to end at ",
    ].map(when);
    assert.ok(times.every(Number.isFinite), lines.join("\n"));
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
      lines.join("\n"),
    );

    const told = JSON.parse((lines[at(/registered/)] ?? "").replace("watcher: registered ", "")); // as the extension wrote it
    const { variables, ...registered } = told as { variables: string[] };
    assert.deepEqual(registered, {
      functionName: "life",
      functionVersion: "$LATEST",
      handler: "index.handler",
      accountId: "000000000000",
    });
    for (const given of ["MINE", "AWS_LAMBDA_FUNCTION_NAME", "AWS_ACCESS_KEY_ID"]) {
      assert.ok(variables.includes(given), given);
    }
    for (const kept of ["_HANDLER", "LAMBDA_TASK_ROOT", "AWS_LAMBDA_LOG_GROUP_NAME"]) {
      assert.ok(!variables.includes(kept), kept);
    }
    const invocations = lines.filter((line) => line.startsWith("watcher: INVOKE "));
    const handled = lines.filter((line) => line.startsWith("runtime: handles "));
    assert.equal(invocations.length, 2);
    for (const [index, line] of invocations.entries()) {
      const event = JSON.parse(line.replace("watcher: INVOKE ", "")) as Record<string, unknown>; // of ours
      assert.deepEqual(Object.keys(event), [
        "eventType",
        "deadlineMs",
        "requestId",
        "invokedFunctionArn",
        "tracing",
      ]);
      assert.match(handled[index] ?? "", new RegExp(String(event["requestId"])));
    }
    const end = JSON.parse(
      (lines[at(/SHUTDOWN \{/)] ?? "").replace("watcher: SHUTDOWN ", ""),
    ) as object;
    assert.partialDeepStrictEqual(end, { eventType: "SHUTDOWN", shutdownReason: "spindown" });
  });

  test("beside Node they begin before it, are told of each invocation, and outlive it", async () => {
    const code = `console.log("node: starts at " + (performance.timeOrigin + performance.now()));
process.on("SIGTERM", () => {
  console.log("node: SIGTERM at " + (performance.timeOrigin + performance.now()));
  process.exit(0);
});
export const handler = async (event, context) => {
  console.log("node: handles " + context.awsRequestId);
  if (event.crash) process.exit(7);
  if (event.fail) throw new RangeError("no");
  return { event, api: process.env.AWS_LAMBDA_RUNTIME_API, mine: process.env.MINE };
};`;
    const settings = {
      Runtime: Runtime.nodejs24x,
      Layers: [await layer("node", { "extensions/watcher": extension })],
    };
    await deploy(
      lambda,
      "node",
      { "index.mjs": code },
      {
        ...settings,
        MemorySize: 1024,
        Environment: { Variables: { MINE: "yes", NODE_OPTIONS: "--no-warnings" } },
      },
    );
    for (const n of [1, 2]) {
      const { payload, error } = await invoke(lambda, "node", { n });
      assert.deepEqual(
        [payload, error],
        [{ event: { n }, api: "127.0.0.1:9001", mine: "yes" }, undefined],
      );
    }
    const failed = await invoke(lambda, "node", { fail: true });
    assert.equal((failed.payload as { errorType: string }).errorType, "RangeError");
    const crashed = await invoke(lambda, "node", { crash: true });
    assert.match(
      (crashed.payload as { errorMessage: string }).errorMessage,
      /Runtime exited with error: exit status 7$/,
    );
    const ended = await logged("node", /^watcher: leaving/);
    assert.match(
      ended.find((line) => line.startsWith("watcher: SHUTDOWN")) ?? "",
      /"shutdownReason":"failure"/,
    );
    assert.equal(ended.filter((line) => line.startsWith("watcher: INVOKE ")).length, 4);

    await deploy(lambda, "node-end", { "index.mjs": code }, { ...settings, MemorySize: 1024 });
    await invoke(lambda, "node-end");
    await lambda.send(new DeleteFunctionCommand({ FunctionName: "node-end" }));
    const lines = await logged("node-end", /^watcher: leaving/);
    const when = (what: string): number => {
      const line = lines.find((each) => each.includes(what)) ?? "";
      return Number(line.slice(line.indexOf(what) + what.length));
    };
    const times = [
      "watcher: begins at ",
      "node: starts at ",
      "node: SIGTERM at ",
      "watcher: is to end at ",
    ].map(when);
    assert.ok(times.every(Number.isFinite), lines.join("\n"));
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
      lines.join("\n"),
    );
  });

  test("the answer does not wait for an extension, the invocation does, until its time is over", async () => {
    await create("never", "never", { Timeout: 2 });
    const ask = new InvokeCommand({ FunctionName: "never", Payload: JSON.stringify({ n: 1 }) });
    const answer = await lambda.send(ask);
    assert.deepEqual([text(answer.Payload), answer.FunctionError], ['{"n":1}', undefined]);
    await logged("never", /Task timed out after 2\.00 seconds/);
    const lines = await logged("never", /^REPORT .*Status: timeout/);
    assert.ok(!lines.some((line) => line.includes("Extension.Crash")), lines.join("\n"));
    const again = await lambda.send(ask);
    assert.equal(text(again.Payload), '{"n":1}');
  });

  test("one that breaks takes the environment with it, and the error says which", async () => {
    for (const runtime of [Runtime.providedal2023, Runtime.nodejs24x]) {
      const name = `crash-${runtime.slice(0, 4)}`;
      await create(name, "crash", { Runtime: runtime });
      const first = await invoke(lambda, name);
      const error = first.payload as { errorType: string; errorMessage: string };
      // The runtime may have answered before it was noticed: then the report tells.
      if (first.error !== undefined) {
        assert.equal(error.errorType, "Extension.Crash");
        assert.match(
          error.errorMessage,
          /^RequestId: [0-9a-f-]{36} Error: watcher: exit status 4$/,
        );
      }
      assert.match(first.log, /Status: error\tError Type: Extension\.Crash/);
      const second = await invoke(lambda, name);
      assert.match(second.log, /Init Duration/);
    }
  });

  test("one that ends between two invocations costs the next one a cold start, no more", async () => {
    await create("leave", "leave");
    await invoke(lambda, "leave");
    for (;;) {
      const { payload, error, log } = await invoke(lambda, "leave", { n: 2 });
      // One that came before the end was noticed may be told of it.
      if (error !== undefined) continue;
      assert.deepEqual(payload, { n: 2 });
      if (log.includes("Init Duration")) break;
    }
  });

  test("an init that fails for an extension is an init that fails", async () => {
    const rows = [
      ["init-error", "Extension.InitError", /Error: watcher: Extension\.NoConfig$/],
      ["exit", "Extension.Crash", /Error: watcher: exit status 3$/],
    ] as const;
    for (const [mode, type, message] of rows) {
      await create(`${mode}-node`, mode, { Runtime: Runtime.nodejs24x });
      const inNode = (await invoke(lambda, `${mode}-node`)).payload as { errorType: string };
      assert.equal(inNode.errorType, type, JSON.stringify(inNode));
      await create(mode, mode);
      const failed = await invoke(lambda, mode);
      const body = failed.payload as { errorType: string; errorMessage: string };
      assert.equal(body.errorType, type, JSON.stringify(body));
      assert.match(body.errorMessage, message);
      assert.match(failed.log, new RegExp(`Error Type: ${type}`));
      assert.doesNotMatch((await messages(mode)).join(""), /runtime: started/);
    }
    await deploy(
      lambda,
      "unlaunched",
      { bootstrap },
      {
        Runtime: "provided.al2023",
        Layers: [await layer("unlaunched", { "extensions/watcher": extension }, 0o100644)],
      },
    );
    const failed = await invoke(lambda, "unlaunched");
    const body = failed.payload as { errorType: string };
    assert.equal(body.errorType, "Extension.LaunchError");
    const line =
      /^EXTENSION\tName: watcher\tState: LaunchError\tEvents: \[\]\tError Type: PermissionDenied/;
    await logged("unlaunched", line);
  });

  test("one inside of the runtime is told of invocations and keeps nobody waiting at the end", async () => {
    const inner = `#!/usr/bin/env node
const api = "http://" + process.env.AWS_LAMBDA_RUNTIME_API;
const register = (name, events) => fetch(api + "/2020-01-01/extension/register", {
  method: "POST", headers: { "Lambda-Extension-Name": name }, body: JSON.stringify({ events }),
});
console.log("inner: " + (await (await register("greedy", ["SHUTDOWN"])).text()));
const headers = { "Lambda-Extension-Identifier": (await register("inner", ["INVOKE"])).headers.get("lambda-extension-identifier") };
const subscribed = await fetch(api + "/2022-07-01/telemetry", { method: "PUT", headers, body: "{}" });
console.log("inner: " + subscribed.status + " " + (await subscribed.text()));
void (async () => {
  for (;;) console.log("inner: " + (await (await fetch(api + "/2020-01-01/extension/event/next", { headers })).text()));
})();
for (;;) {
  const next = await fetch(api + "/2018-06-01/runtime/invocation/next");
  const id = next.headers.get("lambda-runtime-aws-request-id");
  const body = await next.text();
  await fetch(api + "/2018-06-01/runtime/invocation/" + id + "/response", { method: "POST", body });
}`;
    const settings = { Runtime: Runtime.providedal2023, MemorySize: 1024 };
    await deploy(lambda, "inner", { bootstrap: inner }, settings);
    for (const n of [1, 2]) assert.deepEqual((await invoke(lambda, "inner", { n })).payload, { n });
    let all = "";
    while (all.match(/inner: \{"eventType":"INVOKE"/g)?.length !== 2) {
      all = (await messages("inner")).join("");
    }
    assert.match(all, /"errorType":"Extension\.InvalidEventType"/);
    assert.match(all, /inner: 202 \{"errorType":"Telemetry\.NotSupported"/);
    assert.match(all, /EXTENSION\tName: inner\tState: Ready\tEvents: \[INVOKE\]/);
  });

  test("telemetry of platform and function arrives inside, by HTTP and by TCP", async () => {
    await create("telemetry", "telemetry");
    await invoke(lambda, "telemetry", { n: 1 });
    const { payload, error } = await invoke(lambda, "telemetry", { received: "platform.report" });
    assert.equal(error, undefined, JSON.stringify(payload));
    const events = payload as { type: string; time: string; record: unknown }[];
    const types = events.map((event) => event.type);
    const wanted = [
      "platform.initStart",
      "platform.telemetrySubscription",
      "platform.initRuntimeDone",
      "platform.initReport",
      "platform.extension",
      "platform.start",
      "platform.runtimeDone",
      "platform.report",
    ];
    for (const type of wanted) assert.ok(types.includes(type), `${type} in ${types.join(", ")}`);
    const record = (type: string): Record<string, unknown> =>
      (events.find((event) => event.type === type)?.record ?? {}) as Record<string, unknown>; // of platform events
    assert.partialDeepStrictEqual(record("platform.initStart"), {
      initializationType: "on-demand",
      phase: "init",
      functionName: "telemetry",
      functionVersion: "$LATEST",
    });
    assert.deepEqual(record("platform.telemetrySubscription"), {
      name: "watcher",
      state: "Subscribed",
      types: ["platform", "function"],
    });
    assert.partialDeepStrictEqual(record("platform.runtimeDone"), { status: "success" });
    assert.partialDeepStrictEqual(record("platform.report"), {
      status: "success",
      metrics: { memorySizeMB: 1024 },
      requestId: record("platform.start")["requestId"],
    });
    assert.ok(
      events.some(
        ({ type, record: line }) =>
          type === "function" && typeof line === "string" && line.startsWith("runtime: started"),
      ),
    );
    assert.ok(!types.includes("extension"));
    // What an idle environment has not delivered yet is delivered when it goes on, here at its end.
    await lambda.send(new DeleteFunctionCommand({ FunctionName: "telemetry" }));
    const lines = await logged("telemetry", /^watcher: logs platform\.report/);
    const done = lines.find((line) => line.startsWith("watcher: logs platform.runtimeDone"));
    assert.match(done ?? "", / \{"requestId":"[0-9a-f-]{36}","status":"success"\}/);
    assert.ok(!lines.some((line) => line.startsWith("watcher: logs platform.initStart")));
  });

  test(
    "a shell script is one too, and a function without any is not told to end",
    { skip: bare },
    async () => {
      const script = `#!/bin/sh
API="http://$AWS_LAMBDA_RUNTIME_API/2020-01-01/extension"
ID=$(curl -sS -D - -o /dev/null -X POST "$API/register" -H 'Lambda-Extension-Name: shell' -d '{"events":["SHUTDOWN"]}' | tr -d '\\r' | grep -i '^lambda-extension-identifier' | cut -d' ' -f2)
echo "shell: $(curl -sS "$API/event/next" -H 'Lambda-Extension-Identifier: nonsense')"
echo "shell: $(curl -sS "$API/event/next")"
echo "shell: $(curl -sS -X PUT "http://$AWS_LAMBDA_RUNTIME_API/2022-07-01/telemetry" -H "Lambda-Extension-Identifier: $ID" -d '{"schemaVersion":"2022-07-01","types":["platform"],"destination":{"protocol":"HTTP","URI":"http://example.com/"}}')"
echo "shell: $(curl -sS "$API/event/next" -H "Lambda-Extension-Identifier: $ID")"
echo "shell: $(curl -sS "$API/register" -X POST -H 'Lambda-Extension-Name: other' -d '{"events":["INVOKE"]}')"
`;
      await deploy(
        lambda,
        "shell",
        { bootstrap },
        {
          Runtime: "provided.al2023",
          Layers: [await layer("shell", { "extensions/shell": script })],
        },
      );
      assert.deepEqual((await invoke(lambda, "shell", { n: 1 })).payload, { n: 1 });
      await deploy(lambda, "alone", { bootstrap }, { Runtime: "provided.al2023" });
      await invoke(lambda, "alone");
      for (const name of ["shell", "alone"]) {
        await lambda.send(new DeleteFunctionCommand({ FunctionName: name }));
      }
      const lines = await logged("shell", /^shell: .*RegistrationClosed/);
      const all = lines.join("\n");
      assert.match(all, /"errorType":"Extension\.InvalidExtensionIdentifier"/);
      assert.match(all, /"errorType":"Extension\.MissingExtensionIdentifier"/);
      assert.match(all, /"errorType":"ValidationError"/);
      assert.match(
        all,
        /shell: \{"eventType":"SHUTDOWN","shutdownReason":"spindown","deadlineMs":\d{13}\}/,
      );
      assert.doesNotMatch((await messages("alone")).join(""), /SIGTERM/);
    },
  );
});
