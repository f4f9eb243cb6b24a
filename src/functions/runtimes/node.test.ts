import assert from "node:assert/strict";
import { isPlatformError } from "#base/errors.ts";
import { after, before, describe, test } from "node:test";
import { createBench, driverNames, errorOf, readStream, textOf, whyNot } from "./testing/bench.ts";
import type { Bench, StartOptions } from "./testing/bench.ts";
import { responseBytesMax, streamBytesMax } from "./limits.ts";
import type { GuestResponse } from "./runtimes.ts";

const modern = "nodejs24.x";
const legacy = "nodejs22.x";

for (const name of driverNames) {
  const skip = await whyNot(name);
  describe(`Node functions under the ${name} driver`, { skip }, () => {
    const hasNoPaths = name === "process" && "the process driver has no file system of its own";
    const hasNoLimit = name === "process" && "the process driver has no memory limit";
    let bench: Bench;
    before(async () => {
      bench = await createBench(name);
    });
    after(() => bench[Symbol.asyncDispose]());

    const module = (code: string, more: Partial<StartOptions> = {}) =>
      bench.start({ runtime: modern, files: { "index.mjs": code }, ...more });

    for (const runtime of ["nodejs22.x", "nodejs24.x", "nodejs26.x"]) {
      test(`${runtime}: an ES module gets event, context and exactly its environment`, async () => {
        await using started = await module(
          `export const handler = async (event, context) => ({
            event, context, left: context.getRemainingTimeInMillis(),
            trace: process.env._X_AMZN_TRACE_ID, names: Object.keys(process.env).filter((n) => n.startsWith("SKERRY") || n === "A"),
            version: process.version, time: new Date(0).getHours() })`,
          { runtime, environment: { A: "b=c", TZ: "Asia/Tokyo" } },
        );
        assert.equal(started.init.kind, "ok", started.output());
        const answer = (await started.call(
          { a: "ü" },
          { clientContext: '{"custom":{"x":1}}', cognitoIdentity: '{"cognitoIdentityId":"i"}' },
        )) as Record<string, unknown>; // the function above wrote it
        assert.deepEqual(answer["event"], { a: "ü" });
        assert.deepEqual(answer["names"], ["A"]);
        assert.equal(answer["time"], 9);
        assert.match(String(answer["trace"]), /^Root=1-/);
        assert.ok(Number(answer["left"]) > 20_000);
        assert.ok(String(answer["version"]).startsWith(`v${runtime.slice(6, 8)}.`));
        const context = answer["context"] as Record<string, unknown>; // likewise
        assert.equal(context["awsRequestId"], "00000000-0000-4000-8000-000000000001");
        assert.equal(context["memoryLimitInMB"], "256");
        assert.equal(context["functionName"], "test");
        assert.equal(context["logGroupName"], "/aws/lambda/test");
        assert.deepEqual(context["clientContext"], { custom: { x: 1 } });
        assert.deepEqual(context["identity"], { cognitoIdentityId: "i" });
      });

      test(`${runtime}: the AWS SDK is there for CommonJS and for ES modules`, async () => {
        await using started = await bench.start({
          runtime,
          files: {
            "index.js": `const { STSClient } = require("@aws-sdk/client-sts");
              exports.handler = async () => {
                const { DynamoDBClient } = await import("@aws-sdk/client-dynamodb");
                return [typeof STSClient, typeof DynamoDBClient];
              }`,
          },
        });
        assert.deepEqual(await started.call({}), ["function", "function"]);
      });
    }

    test("handlers are found by Lambda's rules", async () => {
      const files = {
        "lib/deep.js": `exports.one = { two: async () => "nested" };`,
        "esm/package.json": `{"type":"module"}`,
        "esm/index.js": `export const handler = async () => import.meta.url ? "module" : "";`,
        "plain.cjs": `exports.handler = async () => "cjs " + __filename.split("/").pop();`,
        "typed.ts": `export const handler = async (): Promise<string> => "typed";`,
        "fallback.mjs": `export default { handler: async () => "default" };`,
      };
      const cases = {
        "lib/deep.one.two": "nested",
        "esm/index.handler": "module",
        "plain.handler": "cjs plain.cjs",
        "typed.handler": "typed",
        "fallback.handler": "default",
      };
      for (const [handler, expected] of Object.entries(cases)) {
        await using started = await bench.start({ runtime: modern, files, handler });
        assert.equal(started.init.kind, "ok", started.output());
        assert.equal(await started.call({}), expected);
      }
    });

    test("customers see their code at /var/task", { skip: hasNoPaths }, async () => {
      await using started = await bench.start({
        runtime: modern,
        files: {
          "index.js": `exports.handler = async () => [__filename, process.cwd(), require.resolve("./other"), (await import("./m.mjs")).url, new Error().stack.split("\\n")[1].trim(), require.main === undefined, process.execArgv.length]`,
          "other.js": "",
          "m.mjs": "export const url = import.meta.url",
        },
      });
      const seen = (await started.call({})) as string[]; // the function above wrote it
      assert.deepEqual(seen.slice(0, 4), [
        "/var/task/index.js",
        "/var/task",
        "/var/task/other.js",
        "file:///var/task/m.mjs",
      ]);
      assert.match(String(seen[4]), /\(?\/var\/task\/index\.js:1/);
      assert.deepEqual(seen.slice(5), [true, 0], "nothing shows that code of ours was first");
    });

    test("a layer's modules are found below /opt/nodejs", async () => {
      await using started = await bench.start({
        runtime: modern,
        files: { "index.js": `exports.handler = async () => require("lib")` },
        layer: { "nodejs/node_modules/lib/index.js": `module.exports = "from a layer"` },
      });
      assert.equal(await started.call({}), "from a layer");
    });

    test("what cannot be loaded has the name AWS gives it", async () => {
      const cases: readonly (readonly [string, Record<string, string>, string, RegExp])[] = [
        ["index.handler", {}, "Runtime.ImportModuleError", /^Error: Cannot find module 'index'/],
        [
          "index.handler",
          { "index.js": `require("absent")` },
          "Runtime.ImportModuleError",
          /absent/,
        ],
        [
          "index.nope",
          { "index.js": "" },
          "Runtime.HandlerNotFound",
          /^index\.nope is undefined or not exported$/,
        ],
        [
          "index.x",
          { "index.js": "exports.x = 1" },
          "Runtime.HandlerNotFound",
          /^index\.x is not a function$/,
        ],
        [
          "index.handler",
          { "index.js": "let = ;" },
          "Runtime.UserCodeSyntaxError",
          /^SyntaxError: /,
        ],
        ["index", { "index.js": "" }, "Runtime.MalformedHandlerName", /^Bad handler$/],
        ["../index.handler", {}, "Runtime.MalformedHandlerName", /not a valid handler name/],
        [
          "index.handler",
          { "index.js": `throw new RangeError("at init")` },
          "RangeError",
          /^at init$/,
        ],
        [
          "index.handler",
          { "index.js": "exports.handler = (e, c, callback) => callback()" },
          "Runtime.CallbackHandlerDeprecated",
          /removed support for callback/,
        ],
      ];
      for (const [handler, files, errorType, message] of cases) {
        await using started = await bench.start({
          runtime: modern,
          files: { README: "", ...files },
          handler,
        });
        const error = errorOf(started.init);
        assert.equal(error.errorType, errorType);
        assert.match(error.errorMessage, message);
        assert.equal(error.body["errorType"], errorType);
        assert.ok(Array.isArray(error.body["trace"]));
        await started.written("Uncaught Exception");
      }
    });

    test("a function that exits at init is an exit with its code", async () => {
      await using started = await module(`process.exit(7)`);
      assert.equal(started.init.kind === "exit" && started.init.exit.code, 7);
    });

    test("a thrown error is answered and logged, and the function goes on", async () => {
      await using started = await module(
        `export const handler = async (event) => { if (event.fail) throw new TypeError("no"); return "yes"; }`,
      );
      const error = errorOf(await started.invoke({ fail: true }));
      assert.equal(error.errorType, "TypeError");
      assert.deepEqual([error.body["errorType"], error.body["errorMessage"]], ["TypeError", "no"]);
      await started.written('ERROR\tInvoke Error \t{"errorType":"TypeError"');
      assert.equal(await started.call({}), "yes");
    });

    test("rejections and exceptions nobody catches end the process after the answer", async () => {
      const cases = {
        "Runtime.UnhandledPromiseRejection": `Promise.reject(new Error("lost"))`,
        RangeError: `setImmediate(() => { throw new RangeError("late") })`,
      };
      for (const [errorType, code] of Object.entries(cases)) {
        await using started = await module(
          `export const handler = () => new Promise(() => { setTimeout(() => {}, 60000); ${code}; })`,
        );
        assert.equal(errorOf(await started.invoke({})).errorType, errorType);
        await started.sandbox.exited;
      }
    });

    test("a process that ends in the middle of an invocation is an exit", async () => {
      for (const [code, expected] of [
        ["process.exit(3)", { code: 3, signal: undefined }],
        ["process.abort()", { code: undefined, signal: "SIGABRT" }],
        ["await new Promise(() => {})", { code: 0, signal: undefined }],
      ] as const) {
        await using started = await module(`export const handler = async () => { ${code} }`);
        const response = await started.invoke({});
        assert.equal(response.kind, "exit");
        if (response.kind !== "exit") return;
        assert.deepEqual({ code: response.exit.code, signal: response.exit.signal }, expected);
      }
    });

    test("Node 22 still takes callbacks, and waits for the event loop when told to", async () => {
      await using started = await bench.start({
        runtime: legacy,
        files: {
          "index.js": `let late = 0;
            exports.handler = (event, context, callback) => {
              if (event.done) return void context.done(null, "done");
              if (event.fail) return void callback(new Error("failed"));
              if (event.silent) return;
              context.callbackWaitsForEmptyEventLoop = event.wait;
              setTimeout(() => { late += 1 }, 30);
              callback(null, { late: () => late, toJSON: () => late });
            }`,
        },
      });
      assert.equal(await started.call({ wait: true }), 1);
      assert.equal(await started.call({ wait: false }), 1);
      assert.equal(await started.call({ done: true }), "done");
      assert.equal(await started.call({ silent: true }), null);
      assert.equal(errorOf(await started.invoke({ fail: true })).errorMessage, "failed");
    });

    test("console lines have Lambda's form, and one call is one line", async () => {
      await using started = await module(
        `export const handler = async () => { console.warn("two\\nlines %d", 3); process.stdout.write("raw\\n"); }`,
      );
      await started.call({});
      await started.written("raw\n");
      const expected =
        /^\d{4}-\d\d-\d\dT[\d:.]{12}Z\t00000000-0000-4000-8000-000000000001\tWARN\ttwo\rlines 3\nraw\n/;
      assert.match(started.output(), expected);
    });

    test("AWS_LAMBDA_LOG_FORMAT=JSON makes records, AWS_LAMBDA_LOG_LEVEL drops some", async () => {
      await using started = await module(
        `export const handler = async () => { console.info("hidden"); console.error("bad", new RangeError("r")); }`,
        { environment: { AWS_LAMBDA_LOG_FORMAT: "JSON", AWS_LAMBDA_LOG_LEVEL: "WARN" } },
      );
      await started.call({});
      await started.written("\n");
      const record = JSON.parse(started.output()) as Record<string, unknown>; // one line, checked below
      assert.equal(record["level"], "ERROR");
      assert.equal(record["errorType"], "RangeError");
      assert.equal(record["requestId"], "00000000-0000-4000-8000-000000000001");
    });

    test("a streaming handler's bytes, content type and prelude come through", async () => {
      await using started = await module(
        `export const handler = awslambda.streamifyResponse(async (event, stream) => {
          if (event.http) stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201 });
          else stream.setContentType("text/plain");
          stream.write("one "); stream.write({ two: 2 });
          if (event.fail) throw new Error("midway");
          stream.end();
        })`,
      );
      const plain = await readStream(await started.invoke({}, { streaming: true }));
      assert.deepEqual(plain, {
        text: 'one {"two":2}',
        contentType: "text/plain",
        error: undefined,
      });
      const http = await readStream(await started.invoke({ http: true }, { streaming: true }));
      assert.equal(http.contentType, "application/vnd.awslambda.http-integration-response");
      assert.equal(http.text, '{"statusCode":201}\0\0\0\0\0\0\0\0one {"two":2}');
      const failed = await readStream(await started.invoke({ fail: true }, { streaming: true }));
      assert.equal(failed.error, "Error");
      const collected = await started.invoke({});
      assert.equal(collected.kind === "payload" && textOf(collected.payload), 'one {"two":2}');
    });

    test("a stream arrives as it is written, and a slow reader slows its writer", async () => {
      await using started = await module(
        `import { setTimeout as sleep } from "node:timers/promises";
        export const handler = awslambda.streamifyResponse(async (event, stream) => {
          let held = false;
          for (let i = 0; i < 200; i++) {
            if (!stream.write(Buffer.alloc(64 * 1024))) {
              if (!held) console.log("the writer waits");
              held = true;
              await new Promise((r) => stream.once("drain", r));
            }
          }
          stream.end("held " + held);
        })`,
      );
      const response = await started.invoke({}, { streaming: true });
      assert.equal(response.kind, "stream");
      if (response.kind !== "stream") return;
      let bytes = 0;
      let end = "";
      for await (const chunk of response.body) {
        if (bytes === 0) await started.written("the writer waits");
        bytes += chunk.length;
        end = textOf(chunk).slice(-9);
      }
      assert.equal(bytes, 200 * 64 * 1024 + 9);
      assert.equal(end, "held true");
      assert.equal(await response.ended, undefined);
    });

    test("a stream without end is cut at the limit", async () => {
      await using started = await module(
        `export const handler = awslambda.streamifyResponse(async (event, stream) => {
          const piece = Buffer.alloc(1024 * 1024);
          for (;;) if (!stream.write(piece)) await new Promise((r) => stream.once("drain", r));
        })`,
      );
      const response = await started.invoke({}, { streaming: true });
      assert.equal(response.kind, "stream");
      if (response.kind !== "stream") return;
      let bytes = 0;
      for await (const chunk of response.body) bytes += chunk.length;
      assert.ok(bytes <= streamBytesMax && bytes > streamBytesMax - 2 * 1024 * 1024);
      assert.equal((await response.ended)?.errorType, "Function.ResponseSizeTooLarge");
      await started.sandbox.exited;
    });

    test("six megabytes go both ways; more is refused with AWS's words", async () => {
      await using started = await module(
        `export const handler = async (event) => event.more ? event.text + "x".repeat(event.more) : event`,
      );
      const text = "ü".repeat(3 * 1024 * 1024 - 100);
      assert.deepEqual(await started.call({ text }), { text });
      const error = errorOf(await started.invoke({ text, more: 10_000_000 }));
      assert.equal(error.errorType, "Function.ResponseSizeTooLarge");
      const expected = `Response payload size exceeded maximum allowed payload size (${responseBytesMax} bytes).`;
      assert.equal(error.errorMessage, expected);
      assert.deepEqual(await started.call({ again: 1 }), { again: 1 });
    });

    test("undefined is null, and what has no JSON is an error", async () => {
      await using started = await module(
        `export const handler = async (event) => { if (event.big) return 1n; }`,
      );
      assert.equal(await started.call({}), null);
      const error = errorOf(await started.invoke({ big: true }));
      assert.equal(error.errorMessage, "Unable to stringify response body");
    });

    test("variables read at the start of a process take effect", async () => {
      await using started = await module(
        `export const handler = async () => [Error.stackTraceLimit, Object.keys(process.env).some((n) => n.startsWith("SKERRY"))]`,
        { environment: { NODE_OPTIONS: "--stack-trace-limit=50" } },
      );
      assert.deepEqual(await started.call({}), [50, false]);
    });

    test("AWS_LAMBDA_EXEC_WRAPPER starts around the runtime", { skip: hasNoPaths }, async () => {
      await using started = await module(`export const handler = async () => process.env.WRAPPED`, {
        environment: { AWS_LAMBDA_EXEC_WRAPPER: "/opt/bootstrap-wrapper" },
        layer: { "bootstrap-wrapper": '#!/bin/sh\nexport LD_PRELOAD=\nexec "$@"\n' },
      });
      assert.equal(started.init.kind, "ok", started.output());
    });

    test("an abandoned invocation rejects with the reason, and what has not begun says so", async () => {
      await using started = await module(`export const handler = () => { for (;;); }`);
      const running = started.invoke({});
      const queued = started.invoke({});
      const reason = new Error("timed out");
      started.guest.abandon(reason);
      await assert.rejects(running, reason);
      assert.deepEqual(await queued, { kind: "not-begun", isGone: true });
    });

    test("an inbox is worked off one at a time and in order", async () => {
      await using started = await module(
        `let running = 0, most = 0;
        export const handler = async (event) => {
          most = Math.max(most, ++running);
          await new Promise((resolve) => setTimeout(resolve, event % 3));
          running--;
          return [event, most];
        }`,
      );
      const begun: number[] = [];
      const numbers = Array.from({ length: 20 }, (_, index) => index);
      const answers = await Promise.all(
        numbers.map((number) => started.call(number, { begun: () => void begun.push(number) })),
      );
      assert.deepEqual(
        answers,
        numbers.map((number) => [number, 1]),
      );
      assert.deepEqual(begun, numbers);
    });

    test("what has not begun can be had back; the running one and what comes behind go on", async () => {
      await using started = await module(
        `export const handler = (event) => event === "slow"
          ? new Promise((resolve) => setTimeout(resolve, 1_000, event))
          : event`,
      );
      const slow = started.call("slow");
      const queued = [started.invoke("one"), started.invoke("two")];
      started.guest.recall();
      // Sent behind the RECALL, these are not meant by it.
      const behind = [started.call("three"), started.call("four")];
      const back = { kind: "not-begun", isGone: false };
      assert.deepEqual(await Promise.all(queued), [back, back]);
      assert.equal(await slow, "slow");
      assert.deepEqual(await Promise.all(behind), ["three", "four"]);
      started.guest.recall();
      assert.equal(await started.call("five"), "five");
    });

    test("a crash takes only what had begun with it", async () => {
      await using started = await module(
        `export const handler = (event) => event === "die" ? process.exit(3) : event`,
      );
      const fine = started.invoke("fine");
      const dying = started.invoke("die");
      const queued = started.invoke("next");
      assert.equal((await fine).kind, "payload");
      assert.equal((await dying).kind, "exit");
      assert.deepEqual(await queued, { kind: "not-begun", isGone: true });
    });

    test("callers that want HTTP get status, headers and body apart", async () => {
      await using started = await module(`export const handler = (event) => eval(event)`);
      const http = async (text: string): Promise<unknown> => {
        const answer = await started.invoke(text, { wantsHttp: true });
        if (answer.kind !== "http") return answer.kind;
        const { head, body, isBase64 } = answer;
        return [JSON.parse(textOf(head)), textOf(body), isBase64];
      };
      const all = `({ statusCode: 201, headers: { a: "b" }, cookies: ["c=d"], body: "é" })`;
      assert.deepEqual(await http(all), [[201, { a: "b" }, ["c=d"]], "é", false]);
      const binary = `({ statusCode: 200, body: "AAE=", isBase64Encoded: true })`;
      assert.deepEqual(await http(binary), [[200, null, null], "AAE=", true]);
      assert.deepEqual(await http(`({ body: 1 })`), [[200, null, null], `{"body":1}`, false]);
      assert.deepEqual(await http(`"text"`), [[200, null, null], `"text"`, false]);
      assert.deepEqual(await http(`undefined`), [[200, null, null], "null", false]);
      const made = `({ toJSON: () => ({ statusCode: 418, body: { tea: true } }) })`;
      assert.deepEqual(await http(made), [[418, null, null], `{"tea":true}`, false]);
      const circular = `{ const o = { statusCode: 200 }; o.self = o; o }`;
      assert.equal(await http(circular), "error");
      assert.equal(await http(`({ statusCode: 200, body: "x".repeat(6.4e6) })`), "error");
    });

    test("answers say how much has been printed, so that output can be told apart", async () => {
      await using started = await module(
        `export const handler = (event) => { process.stdout.write(event); return 1; }`,
      );
      const [first, second, silent] = await Promise.all([
        started.invoke("one\n"),
        started.invoke("three\n"),
        started.invoke(""),
      ]);
      const markOf = (answer: GuestResponse): unknown =>
        answer.kind === "payload" ? answer.output : answer.kind;
      assert.deepEqual(markOf(first), { stdout: 4, stderr: 0 });
      assert.deepEqual(markOf(second), { stdout: 10, stderr: 0 });
      assert.equal(markOf(silent), undefined);
    });

    test("a function that writes nonsense into the channel is cut off", async () => {
      for (const bytes of [
        "Buffer.alloc(64, 0xff)",
        `Buffer.from([0,0,0,0,68,0,0,0,99,0,0,0,0,0,0,0])`,
      ]) {
        await using started = await module(
          `import { writeSync } from "node:fs";
          export const handler = async () => { writeSync(4, ${bytes}); return "fine"; }`,
        );
        const broken = (error: unknown): boolean => isPlatformError(error, "channel.broken");
        await assert.rejects(started.invoke({}), broken);
        // Whether the end of the process or the broken frame is noticed first, nothing is answered.
        const later = started.invoke({}).then(
          (response) => response.kind === "exit" || response.kind === "not-begun",
          (error: unknown) => broken(error),
        );
        assert.ok(await later);
      }
    });

    test("nobody but a guest that restarts is let in where guests come back", async () => {
      await using started = await module(
        `import net from "node:net";
        const knock = () => new Promise((resolve) => {
          const socket = net.connect(9002, "127.0.0.1");
          socket.on("error", (error) => resolve(error.code)).on("close", () => resolve("closed"));
        });
        const atInit = await knock();
        export const handler = async () => [atInit, await knock()];`,
      );
      const [atInit, later] = (await started.call({})) as string[]; // the function above wrote it
      assert.match(String(atInit), /closed|ECONNRE/);
      assert.match(String(later), /closed|ECONNRE/);
    });

    test("an exception between invocations ends the process", async () => {
      await using started = await module(
        `export const handler = async () => { setTimeout(() => { throw new Error("idle") }, 5); return 1; }`,
      );
      assert.equal(await started.call({}), 1);
      await started.sandbox.exited;
      await started.written("Uncaught Exception");
    });

    for (const runtime of ["nodejs22.x", "nodejs24.x", "nodejs26.x"]) {
      test(
        `${runtime}: garbage does not kill a function of 128 MiB`,
        { skip: hasNoLimit },
        async () => {
          await using started = await module(
            `const live = [];
          export const handler = async () => {
            for (let round = 0; round < 20; round++) {
              for (let n = 0; n < 1000; n++) live.push({ n, text: "x".repeat(50) + n });
              if (live.length > 30000) live.splice(0, 15000);
              JSON.parse(JSON.stringify(live.slice(0, 8000)));
            }
          }`,
            { runtime, memoryMiB: 128 },
          );
          for (let n = 0; n < 25; n++) assert.equal(await started.call({}), null);
        },
      );
    }

    test("a thousand invocations in a row", async () => {
      await using started = await module(
        `let count = 0; export const handler = async (event) => [event.n, ++count];`,
      );
      for (let n = 0; n < 1_000; n++) assert.deepEqual(await started.call({ n }), [n, n + 1]);
    });
  });
}
