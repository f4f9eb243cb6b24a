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
import { deploy, text } from "../support/functions.ts";
import { invoke } from "../support/invoke.ts";
import { buildJava, type JavaBuild, whyNoJava } from "../support/java.ts";
import { zip } from "../support/zip.ts";
import { type Platform, startPlatform } from "./platform.ts";

const runtimes = [Runtime.java17, Runtime.java21, Runtime.java25];
const requestId = "[0-9a-f-]{36}";
const noCurl = existsSync("/usr/bin/curl") ? false : "curl is not installed at /usr/bin";

describe("Java functions", { skip: whyNoJava() }, () => {
  let platform: Platform;
  let lambda: LambdaClient;
  let logs: CloudWatchLogsClient;
  let build: JavaBuild;
  /** The runtimes this machine has a Java for, oldest first. */
  let usable: readonly Runtime[];

  before(async () => {
    platform = await startPlatform();
    lambda = new LambdaClient(platform.client);
    logs = new CloudWatchLogsClient(platform.client);
    build = await buildJava();
    const response = await fetch(`${platform.endpoint}/_skerry/runtimes`);
    const found = (await response.json()) as {
      runtimes: readonly { identifier: string; usable: boolean; reason: string }[];
    };
    const rows = found.runtimes.filter((row) => row.usable);
    usable = runtimes.filter((name) => rows.some((row) => row.identifier === name));
  });
  after(async () => {
    lambda.destroy();
    logs.destroy();
    await platform.stop();
  });

  /** Creates a function of the oldest usable Java from the classes. */
  async function create(
    name: string,
    handler: string,
    settings: Parameters<typeof deploy>[3] = {},
  ): Promise<void> {
    const Runtime = usable[0];
    await deploy(lambda, name, build.classes, {
      ...(Runtime && { Runtime }),
      Handler: handler,
      MemorySize: 512,
      Timeout: 30,
      ...settings,
    });
  }

  test("every Java found runs a handler of the interface with its context, log and environment", async () => {
    assert.ok(usable.length > 0, "a javac without a usable runtime");
    for (const name of usable) {
      await create(`described-${name}`, "example.Handlers$Described", {
        Runtime: name,
        Environment: { Variables: { MINE: "grüße" } },
      });
      const context = Buffer.from(JSON.stringify({ custom: { who: "me" } })).toString("base64");
      const answer = await lambda.send(
        new InvokeCommand({
          FunctionName: `described-${name}`,
          Payload: JSON.stringify({ deep: [1, { two: false }] }),
          ClientContext: context,
          LogType: "Tail",
        }),
      );
      const seen = JSON.parse(text(answer.Payload)) as Record<string, unknown>; // the handler wrote it
      assert.equal(answer.FunctionError, undefined, text(answer.Payload));
      const { requestId: id, options, ...rest } = seen;
      const arn = `arn:aws:lambda:us-east-1:000000000000:function:described-${name}`;
      assert.match(String(id), new RegExp(`^${requestId}$`));
      assert.deepEqual(rest, {
        event: { deep: [1, { two: false }] },
        arn,
        name: `described-${name}`,
        version: "$LATEST",
        memory: 512,
        group: `/aws/lambda/described-${name}`,
        hasTime: true,
        client: { who: "me" },
        mine: "grüße",
        handler: "example.Handlers$Described",
        java: Number(name.slice("java".length)),
        heapKiB: rest["heapKiB"],
        security: true,
      });
      // What is null does not appear: neither our boot program's variables nor a layer are there.
      // 85 % of 512 MiB; one survivor space of the serial collector is not counted by Java.
      const heapKiB = Number(rest["heapKiB"]);
      assert.ok(heapKiB > 0.9 * 445_645 && heapKiB <= 445_645 + 1024, `heap ${heapKiB} KiB`);
      const all = (options as string[]).join(" "); // the machine's own arguments
      assert.match(all, /-XX:\+UseSerialGC -XX:\+TieredCompilation -XX:TieredStopAtLevel=1/);
      assert.match(all, /-XX:SharedArchiveFile=\/var\/runtime\/archive\/classes\.jsa/);
      const log = Buffer.from(answer.LogResult ?? "", "base64").toString("utf8");
      for (const line of ["printed", "complained", "logged"]) assert.match(log, new RegExp(line));
      assert.doesNotMatch(log, /WARNING|\[cds\]/);
      assert.match(log, /REPORT RequestId: .*Memory Size: 512 MB/);
    }
  });

  test("a plain method takes and gives plain objects, and its object lives on", async () => {
    await create("price", "example.Handlers::price");
    const first = await invoke(lambda, "price", { item: "tea", count: 4 });
    assert.deepEqual(first.payload, { text: "tea 1", total: 12 });
    const second = await invoke(lambda, "price", { item: "tea", count: 5 });
    assert.deepEqual(second.payload, { text: "tea 2", total: 15 });
    const wrong = await invoke(lambda, "price", { item: "tea", count: "many" });
    assert.equal(wrong.error, "Unhandled");
    const error = wrong.payload as { errorMessage: string; errorType: string };
    assert.match(error.errorMessage, /^An error occurred during JSON parsing$/);
    assert.equal(error.errorType, "java.lang.RuntimeException");
  });

  test("a stream handler reads and writes bytes", async () => {
    await create("streamed", "example.Handlers$Streamed");
    assert.equal((await invoke(lambda, "streamed", 123)).payload, 321);
  });

  test("a jar is a package, and jars below lib are on the class path", async () => {
    const Runtime = usable.at(-1);
    const settings = { ...(Runtime && { Runtime }), MemorySize: 512, Timeout: 30 };
    await deploy(
      lambda,
      "jar",
      {},
      {
        ...settings,
        Handler: "example.Handlers$Streamed::handleRequest",
        Code: { ZipFile: build.handlersJar },
      },
    );
    assert.equal((await invoke(lambda, "jar", 45)).payload, 54);
    await deploy(
      lambda,
      "library",
      { "lib/library.jar": build.libraryJar },
      { ...settings, Handler: "example.library.Library::handle" },
    );
    assert.equal((await invoke(lambda, "library", { n: 8 })).payload, "from a jar: 8");
  });

  test("jars of layers are on the class path, files of layers at /opt", async () => {
    const layer = await lambda.send(
      new PublishLayerVersionCommand({
        LayerName: "library",
        Content: {
          ZipFile: await zip({
            "java/lib/library.jar": build.libraryJar,
            "java/note.txt": "from the layer",
          }),
        },
      }),
    );
    const Layers = [layer.LayerVersionArn ?? ""];
    await create("layered", "example.library.Library::handle", { Layers });
    assert.equal((await invoke(lambda, "layered", { n: 9 })).payload, "from a jar: 9");
    await create("noted", "example.Handlers$Described", { Layers });
    const { payload } = await invoke(lambda, "noted");
    assert.equal((payload as { layer: string }).layer, "from the layer");
  });

  test("an exception is an error with type, message and stack, and its cause is in the log", async () => {
    await create("fail", "example.Handlers::fail");
    const { payload, error, log } = await invoke(lambda, "fail", { what: "luck" });
    assert.equal(error, "Unhandled");
    const body = payload as Record<string, unknown> & { stackTrace: string[] };
    assert.equal(body["errorMessage"], "no luck");
    assert.equal(body["errorType"], "java.lang.IllegalStateException");
    assert.match(body.stackTrace[0] ?? "", /^example\.Handlers\.fail\(Handlers\.java:\d+\)$/);
    assert.match(log, /no luck: java\.lang\.IllegalStateException/);
    assert.match(log, /Caused by: java\.io\.IOException: cause/);
  });

  test("a class, a method or a constructor that fails is told as AWS does", async () => {
    await create("absent", "example.Absent::handle");
    const absent = (await invoke(lambda, "absent")).payload as Record<string, unknown>;
    assert.equal(absent["errorMessage"], "Class not found: example.Absent");
    assert.equal(absent["errorType"], "java.lang.ClassNotFoundException");
    await create("no-method", "example.Handlers::nothing");
    const method = (await invoke(lambda, "no-method")).payload as Record<string, unknown>;
    assert.match(
      String(method["errorMessage"]),
      /^No public method named nothing with appropriate method signature found on class /,
    );
    await create("broken", "example.Handlers$Broken");
    const broken = await invoke(lambda, "broken");
    const body = broken.payload as Record<string, unknown>;
    assert.equal(body["errorMessage"], "will not be made");
    assert.equal(body["errorType"], "java.lang.IllegalArgumentException");
  });

  test("time, memory of the heap and of the machine, and an exit end as they do elsewhere", async () => {
    await create("greedy", "example.Handlers::greedy", { Timeout: 20, MemorySize: 256 });
    const heap = await invoke(lambda, "greedy", { what: "heap" });
    const body = heap.payload as Record<string, unknown>;
    assert.equal(body["errorType"], "java.lang.OutOfMemoryError", JSON.stringify(body));
    assert.equal(body["errorMessage"], "Java heap space");
    const exit = await invoke(lambda, "greedy", { what: "exit" });
    assert.match(
      String((exit.payload as Record<string, unknown>)["errorMessage"]),
      /Runtime exited with error: exit status 7$/,
    );
    await create("native", "example.Handlers::greedy", {
      Timeout: 20,
      MemorySize: 256,
      Environment: { Variables: { JAVA_TOOL_OPTIONS: "-XX:MaxDirectMemorySize=4g" } },
    });
    const native = await invoke(lambda, "native", { what: "native" });
    assert.match(native.log, /Error Type: Runtime\.OutOfMemory/);
    await create("slow", "example.Handlers::greedy", { Timeout: 3 });
    const slow = await invoke(lambda, "slow", { what: "time" });
    assert.match(
      String((slow.payload as Record<string, unknown>)["errorMessage"]),
      /Task timed out after 3\.00 seconds$/,
    );
  });

  test("JAVA_TOOL_OPTIONS wins over what the platform would choose; a bad option is an exit", async () => {
    await create("tuned", "example.Handlers$Described", {
      Environment: {
        Variables: { JAVA_TOOL_OPTIONS: "-Xmx99m -XX:TieredStopAtLevel=4 -XX:+UseG1GC" },
      },
    });
    const { payload } = await invoke(lambda, "tuned");
    const seen = payload as { heapKiB: number; options: string[] };
    assert.ok(seen.heapKiB <= 100 * 1024, `heap ${seen.heapKiB} KiB`);
    assert.doesNotMatch(seen.options.join(" "), /MaxHeapSize|UseSerialGC|TieredStopAtLevel=1/);
    await create("misspelt", "example.Handlers$Described", {
      Environment: { Variables: { JAVA_TOOL_OPTIONS: "-XX:NoSuchOption=1" } },
    });
    const failed = await invoke(lambda, "misspelt");
    assert.match(
      String((failed.payload as Record<string, unknown>)["errorMessage"]),
      /Runtime exited with error: exit status 1$/,
    );
  });

  test("an extension runs beside Java and is told of its end", { skip: noCurl }, async () => {
    const script = `#!/bin/sh
API="http://$AWS_LAMBDA_RUNTIME_API/2020-01-01/extension"
ID=$(curl -sS -D - -o /dev/null -X POST "$API/register" -H 'Lambda-Extension-Name: beside' -d '{"events":["SHUTDOWN"]}' | tr -d '\\r' | grep -i '^lambda-extension-identifier' | cut -d' ' -f2)
curl -sS "$API/event/next" -H "Lambda-Extension-Identifier: $ID"
echo
`;
    const layer = await lambda.send(
      new PublishLayerVersionCommand({
        LayerName: "beside",
        Content: {
          ZipFile: await zip({ "extensions/beside": script }, { "extensions/beside": 0o100755 }),
        },
      }),
    );
    await create("beside", "example.Handlers$Streamed", { Layers: [layer.LayerVersionArn ?? ""] });
    assert.equal((await invoke(lambda, "beside", 12)).payload, 21);
    await lambda.send(new DeleteFunctionCommand({ FunctionName: "beside" }));
    const query = { logGroupName: "/aws/lambda/beside" };
    for (;;) {
      const { events = [] } = await logs.send(new FilterLogEventsCommand(query));
      const all = events.map((event) => event.message).join("");
      if (!all.includes('"shutdownReason":"spindown"')) continue;
      assert.match(all, /EXTENSION\tName: beside\tState: Ready\tEvents: \[SHUTDOWN\]/);
      break;
    }
  });

  test("a wrapper script starts Java in its own way", async () => {
    const layer = await lambda.send(
      new PublishLayerVersionCommand({
        LayerName: "wrapper",
        Content: {
          ZipFile: await zip(
            { wrapper: '#!/bin/sh\nexport MINE=wrapped\nexec "$@" \n' },
            { wrapper: 0o100755 },
          ),
        },
      }),
    );
    await create("wrapped", "example.Handlers$Described", {
      Layers: [layer.LayerVersionArn ?? ""],
      Environment: { Variables: { AWS_LAMBDA_EXEC_WRAPPER: "/opt/wrapper" } },
    });
    const { payload } = await invoke(lambda, "wrapped");
    assert.equal((payload as { mine: string }).mine, "wrapped");
  });
});
