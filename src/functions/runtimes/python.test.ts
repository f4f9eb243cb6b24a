import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createBench, driverNames, errorOf, whyNot } from "./testing/bench.ts";
import type { Bench, StartOptions } from "./testing/bench.ts";

for (const name of driverNames) {
  const skip = await whyNot(name);
  describe(`Python functions under the ${name} driver`, { skip }, () => {
    let bench: Bench;
    before(async () => {
      bench = await createBench(name);
    });
    after(() => bench[Symbol.asyncDispose]());

    const module = (code: string, more: Partial<StartOptions> = {}) =>
      bench.start({ runtime: "python3.11", files: { "index.py": code }, ...more });

    for (const version of ["3.11", "3.12", "3.13", "3.14"]) {
      const runtime = `python${version}`;
      test(`${runtime}: event, context, environment and boto3`, async (t) => {
        const { usable, reason } = (await bench.runtimes.get(runtime)?.probe()) ?? {};
        if (!usable || reason?.includes("boto3")) return t.skip(reason);
        await using started = await module(
          `
import os, sys, time
import boto3
def handler(event, context):
    return {
        "event": event, "function": context.function_name, "memory": context.memory_limit_in_mb,
        "request": context.aws_request_id, "left": context.get_remaining_time_in_millis(),
        "custom": context.client_context.custom, "identity": context.identity.cognito_identity_id,
        "names": [n for n in os.environ if n.startswith("SKERRY") or n == "A"],
        "trace": os.environ["_X_AMZN_TRACE_ID"], "zone": time.strftime("%H", time.localtime(0)),
        "version": sys.version[:4], "boto": boto3.__version__ > "1", "first": sys.path[0],
    }
`,
          { runtime, environment: { A: "1", TZ: "Asia/Tokyo" } },
        );
        assert.equal(started.init.kind, "ok", started.output());
        const answer = (await started.call(
          { a: "ü" },
          { clientContext: '{"custom":{"x":1}}', cognitoIdentity: '{"cognitoIdentityId":"i"}' },
        )) as Record<string, unknown>; // the function above wrote it
        assert.deepEqual(answer["event"], { a: "ü" });
        assert.deepEqual(answer["names"], ["A"]);
        assert.deepEqual(answer["custom"], { x: 1 });
        assert.equal(answer["identity"], "i");
        assert.equal(answer["zone"], "09");
        assert.equal(answer["version"], version);
        assert.equal(answer["boto"], true);
        assert.equal(answer["memory"], "256");
        if (name === "bubblewrap") assert.equal(answer["first"], "/var/task");
      });
    }

    test("what cannot be loaded has the name AWS gives it", async () => {
      const cases: readonly (readonly [string, string, string, RegExp])[] = [
        [
          "absent.handler",
          "",
          "Runtime.ImportModuleError",
          /^Unable to import module 'absent': No module named 'absent'$/,
        ],
        ["index.handler", "import absent", "Runtime.ImportModuleError", /No module named 'absent'/],
        ["index.nope", "", "Runtime.HandlerNotFound", /^Handler 'nope' missing on module 'index'$/],
        [
          "index.handler",
          "def (",
          "Runtime.UserCodeSyntaxError",
          /^Syntax error in module 'index': /,
        ],
        ["index", "", "Runtime.MalformedHandlerName", /^Bad handler 'index': not enough values/],
        ["sys.exit", "", "Runtime.BuiltInModuleConflict", /^Cannot use built-in module sys/],
        ["index.handler", "raise KeyError('at init')", "KeyError", /at init/],
      ];
      for (const [handler, code, errorType, message] of cases) {
        await using started = await module(code, { handler });
        const error = errorOf(started.init);
        assert.equal(error.errorType, errorType);
        assert.match(error.errorMessage, message);
        await started.written(`[ERROR] ${errorType}`);
      }
    });

    test("an exception is answered with its traceback, and the function goes on", async () => {
      await using started = await module(
        "def handler(event, context):\n  if event: raise ValueError('no')\n  return 'yes'",
      );
      const error = errorOf(await started.invoke({ fail: 1 }));
      assert.equal(error.errorType, "ValueError");
      const { stackTrace, requestId, errorMessage } = error.body;
      assert.equal(errorMessage, "no");
      assert.equal(requestId, "00000000-0000-4000-8000-000000000001");
      assert.ok(Array.isArray(stackTrace) && stackTrace.length === 1);
      assert.match(String(stackTrace[0]), /index\.py", line 2, in handler\n {4}if event: raise/);
      await started.written("\r\u00a0\u00a0File ");
      assert.equal(await started.call({}), "yes");
    });

    test("results are JSON as AWS writes it", async () => {
      await using started = await module(
        `
import decimal
def handler(event, context):
    if event == "bytes": return b"raw"
    if event == "set": return {1}
    return {"n": decimal.Decimal("12345678901234567890.10"), "none": None}
`,
      );
      const plain = await started.invoke({});
      assert.equal(plain.kind, "payload");
      if (plain.kind !== "payload") return;
      const text = Buffer.from(plain.payload).toString();
      assert.equal(text, '{"n": 12345678901234567890.10, "none": null}');
      const raw = await started.invoke("bytes");
      assert.equal(raw.kind === "payload" && Buffer.from(raw.payload).toString(), "raw");
      const error = errorOf(await started.invoke("set"));
      assert.equal(error.errorType, "Runtime.MarshalError");
      assert.match(error.errorMessage, /^Unable to marshal response: Object of type set/);
    });

    test("log records have Lambda's form, one line each", async () => {
      await using started = await module(
        `
import logging
logging.getLogger().setLevel("INFO")
def handler(event, context):
    print("printed")
    logging.info("two\\nlines")
`,
      );
      await started.call({});
      await started.written("lines\n");
      const expected =
        /^printed\n\[INFO\]\t\d{4}-\d\d-\d\dT[\d:.]{12}Z\t00000000-0000-4000-8000-000000000001\ttwo\rlines\n$/;
      assert.match(started.output(), expected);
    });

    for (const isGeneric of [false, true]) {
      const when = isGeneric ? "before a function has them" : "when a function asks for them";
      test(`logging and its like are set up ${when}, and are the interpreter's own`, async () => {
        const names = "json logging re select traceback threading collections enum".split(" ");
        const shadows = names.map((each) => [`${each}.py`, "raise Exception('the same name')"]);
        await using started = await bench.start({
          runtime: "python3.11",
          isGeneric,
          files: {
            ...Object.fromEntries(shadows),
            "index.py": `
def handler(event, context):
    import logging.handlers
    ${names.map((each) => `import ${each}`).join("\n    ")}
    logging.warning("late")
    if event == "fail":
        raise ValueError("with a traceback")
    return len(logging.getLogger().handlers)
`,
          },
        });
        assert.equal(started.init.kind, "ok", started.output());
        assert.equal(await started.call({}), 1);
        await started.written("late\n");
        assert.match(started.output(), /^\[WARNING\]\t[^\t]+\t[0-9a-f-]{36}\tlate\n$/);
        assert.equal(errorOf(await started.invoke("fail")).errorType, "ValueError");
      });
    }

    for (const version of ["3.11", "3.12", "3.13", "3.14"]) {
      test(`python${version}: JSON is read and written as the standard library does`, async (t) => {
        const { usable, reason } = (await bench.runtimes.get(`python${version}`)?.probe()) ?? {};
        if (usable !== true) return t.skip(reason ?? "not a runtime");
        await using started = await module(
          `
import json, sys
cases = [1.5, -0.0, 1e400, float("nan"), 2**70, True, None, "\\u00fc\\U0001f600\\n\\x00\\"", [], {}, {"a": [1, {"b": ()}]}, {1: 2, True: 3, None: 4, 1.5: 5}]
def handler(event, context):
    if event == "cycle":
        event = []
        event.append(event)
        return event
    if event == "key":
        return {(1, 2): 3}
    return cases[event] if isinstance(event, int) else [event, json.dumps(cases, ensure_ascii=sys.version_info < (3, 12))]
`,
          { runtime: `python${version}` },
        );
        const text = async (event: unknown): Promise<string> => {
          const answer = await started.invoke(event);
          assert.equal(answer.kind, "payload");
          return answer.kind === "payload" ? Buffer.from(answer.payload).toString() : "";
        };
        const parts = [];
        for (let index = 0; index < 12; index++) parts.push(await text(index));
        const [event, whole] = JSON.parse(await text({ a: ["ü", 1.5, null, true] })) as unknown[];
        assert.deepEqual(event, { a: ["ü", 1.5, null, true] });
        assert.equal(`[${parts.join(", ")}]`, whole);
        for (const [bad, message] of [
          ["cycle", /Circular reference detected/],
          ["key", /keys must be str, int, float, bool or None, not tuple/],
        ] as const) {
          const error = errorOf(await started.invoke(bad));
          assert.equal(error.errorType, "Runtime.MarshalError");
          assert.match(error.errorMessage, message);
        }
        for (const [payload, message] of [
          ["{", /Expecting property name enclosed in double quotes: line 1 column 2/],
          ["[1] x", /Extra data: line 1 column 5/],
          ["", /Expecting value: line 1 column 1/],
          ["nope", /Expecting value: line 1 column 1/],
        ] as const) {
          const error = errorOf(await started.invoke({}, { payload: Buffer.from(payload) }));
          assert.equal(error.errorType, "Runtime.UnmarshalError");
          assert.match(error.errorMessage, message);
        }
        const spaced = await started.invoke({}, { payload: Buffer.from(" \n\t 0 \r\n") });
        assert.equal(spaced.kind === "payload" && Buffer.from(spaced.payload).toString(), "1.5");
      });
    }

    test("AWS_LAMBDA_LOG_FORMAT=JSON makes records", async () => {
      await using started = await module(
        "import logging\ndef handler(event, context):\n  logging.warning('w', extra={'k': 1})",
        { environment: { AWS_LAMBDA_LOG_FORMAT: "JSON" } },
      );
      await started.call({});
      await started.written("\n");
      const record = JSON.parse(started.output()) as Record<string, unknown>; // one line, checked below
      assert.deepEqual([record["level"], record["message"], record["k"]], ["WARNING", "w", 1]);
      assert.equal(record["requestId"], "00000000-0000-4000-8000-000000000001");
    });

    test("sys.exit at init and in an invocation is an exit with its code", async () => {
      await using atInit = await module("import sys; sys.exit(5)");
      assert.equal(atInit.init.kind === "exit" && atInit.init.exit.code, 5);
      await using later = await module("import sys\ndef handler(e, c): sys.exit(6)");
      const response = await later.invoke({});
      assert.equal(response.kind === "exit" && response.exit.code, 6);
    });

    test("variables read at the start of a process take effect", async () => {
      const code =
        "import os\ndef handler(e, c): return [hash('a'), 'SKERRY_SECOND_LIFE' in os.environ]";
      const environment = { PYTHONHASHSEED: "0" };
      await using one = await module(code, { environment });
      await using two = await module(code, { environment });
      const [first, second] = [await one.call({}), await two.call({})];
      assert.deepEqual(first, second);
      assert.equal((first as unknown[])[1], false); // a list, as written above
    });

    test("layers come behind the code and before the runtime", async () => {
      await using started = await module("import lib\ndef handler(e, c): return lib.name", {
        layer: { "python/lib.py": "name = 'from a layer'" },
      });
      assert.equal(await started.call({}), "from a layer");
    });

    test("six megabytes go both ways; more is refused", async () => {
      await using started = await module(
        "def handler(event, context): return event['text'] * event.get('times', 1)",
      );
      const text = "x".repeat(6 * 1024 * 1024 - 100);
      assert.equal(await started.call({ text }), text);
      const error = errorOf(await started.invoke({ text, times: 2 }));
      assert.equal(error.errorType, "Function.ResponseSizeTooLarge");
    });

    test("a thousand invocations in a row", async () => {
      await using started = await module(
        "count = 0\ndef handler(event, context):\n  global count\n  count += 1\n  return [event['n'], count]",
      );
      for (let n = 0; n < 1_000; n++) assert.deepEqual(await started.call({ n }), [n, n + 1]);
    });
  });
}
