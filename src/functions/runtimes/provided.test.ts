import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import {
  createBench,
  driverNames,
  errorOf,
  readStream,
  textOf,
  whyNot,
  writeTree,
} from "./testing/bench.ts";
import type { Bench, Started } from "./testing/bench.ts";

const run = promisify(execFile);
const runtime = "provided.al2023";

/** A runtime in shell; `body` answers one event, `$ID` is its request id. */
function shellRuntime(body: string): string {
  return `#!/bin/sh
API="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
while true; do
  HEADERS=$(mktemp)
  EVENT=$(curl -sS -D "$HEADERS" "$API/invocation/next") || exit 9
  ID=$(grep -i lambda-runtime-aws-request-id "$HEADERS" | tr -d '[:space:]' | cut -d: -f2)
  ${body}
done
`;
}

const hasCurl = existsSync("/usr/bin/curl") ? false : "curl is not installed at /usr/bin";

for (const name of driverNames) {
  const skip = (await whyNot(name)) || hasCurl;
  describe(`custom runtimes under the ${name} driver`, { skip }, () => {
    let bench: Bench;
    before(async () => {
      bench = await createBench(name);
    });
    after(() => bench[Symbol.asyncDispose]());

    const shell = (body: string): Promise<Started> =>
      bench.start({ runtime, files: { bootstrap: shellRuntime(body) } });

    test("a shell script with curl answers event after event", async () => {
      await using started = await shell(
        `curl -sS -o /dev/null "$API/invocation/$ID/response" -d "{\\"echo\\":$EVENT,\\"task\\":\\"$LAMBDA_TASK_ROOT\\",\\"boot\\":\\"$SKERRY_LISTENERS\\"}"`,
      );
      assert.equal(started.init.kind, "ok", started.output());
      for (let n = 0; n < 5; n++) {
        const answer = (await started.call({ n })) as Record<string, unknown>; // the script wrote it
        assert.deepEqual(answer["echo"], { n });
        assert.equal(answer["boot"], "");
        if (name === "bubblewrap") assert.equal(answer["task"], "/var/task");
      }
    });

    test("the event comes with the headers of the Runtime API", async () => {
      await using started = await shell(
        `tr -d '\\r' <"$HEADERS" | curl -sS -o /dev/null "$API/invocation/$ID/response" --data-binary @-`,
      );
      const response = await started.invoke({}, { clientContext: '{"custom":"ü"}' });
      assert.equal(response.kind, "payload");
      if (response.kind !== "payload") return;
      const headers = textOf(response.payload).toLowerCase();
      assert.match(
        headers,
        /lambda-runtime-aws-request-id: 00000000-0000-4000-8000-000000000001\n/,
      );
      assert.match(headers, /lambda-runtime-deadline-ms: \d{13}\n/);
      assert.match(headers, /lambda-runtime-invoked-function-arn: arn:aws:lambda:/);
      assert.match(headers, /lambda-runtime-trace-id: root=1-/);
      assert.match(headers, /lambda-runtime-client-context: \{"custom":"\\u00fc"\}\n/);
    });

    test("wrong and repeated request ids are refused as AWS does", async () => {
      await using started = await shell(
        `A=$(curl -sS -w ' %{http_code}' "$API/invocation/nonsense/response" -d 1)
         B=$(curl -sS -w ' %{http_code}' "$API/invocation/$ID/response" -d "\\"$EVENT\\"")
         C=$(curl -sS -w ' %{http_code}' "$API/invocation/$ID/error" -d 1)
         echo "$A|$B|$C"`,
      );
      assert.equal(await started.call(1), "1");
      const refusal = '{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"} 400';
      await started.written(`${refusal}|{"status":"OK"} 202|${refusal}`);
    });

    test("an error is passed on with its type, at init as in an invocation", async () => {
      await using started = await shell(
        `curl -sS -o /dev/null "$API/invocation/$ID/error" -d '{"errorType":"Mine","errorMessage":"no"}'`,
      );
      const error = errorOf(await started.invoke({}));
      assert.deepEqual([error.errorType, error.errorMessage], ["Mine", "no"]);
      await using atInit = await bench.start({
        runtime,
        files: {
          bootstrap: `#!/bin/sh\ncurl -sS "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/init/error" -H 'Lambda-Runtime-Function-Error-Type: Runtime.Mine' -d '{"errorMessage":"at init"}'`,
        },
      });
      const initError = errorOf(atInit.init);
      assert.deepEqual([initError.errorType, initError.errorMessage], ["Runtime.Mine", "at init"]);
    });

    test("bytes that are no JSON are passed on as they are", async () => {
      await using started = await shell(
        `printf '\\001not json' | curl -sS -o /dev/null "$API/invocation/$ID/response" --data-binary @-`,
      );
      const response = await started.invoke({});
      assert.equal(response.kind === "payload" && textOf(response.payload), "\u0001not json");
    });

    test("a response beyond six megabytes is refused with 413", async () => {
      await using started = await shell(
        `head -c 7000000 /dev/zero | curl -sS -w '%{http_code}' "$API/invocation/$ID/response" -H Expect: --data-binary @-`,
      );
      const error = errorOf(await started.invoke({}));
      assert.equal(error.errorType, "Function.ResponseSizeTooLarge");
      await started.written("RequestEntityTooLarge");
      await started.written("413");
    });

    test("a streamed response is passed on as it comes", async () => {
      await using started = await shell(
        `(printf one; printf two) | curl -sS -o /dev/null -T - -X POST "$API/invocation/$ID/response" -H 'Lambda-Runtime-Function-Response-Mode: streaming' -H 'Content-Type: text/plain'`,
      );
      const streamed = await readStream(await started.invoke({}, { streaming: true }));
      assert.deepEqual(streamed, { text: "onetwo", contentType: "text/plain", error: undefined });
      const collected = await started.invoke({});
      assert.equal(collected.kind === "payload" && textOf(collected.payload), "onetwo");
    });

    test("garbage on the Runtime API's port closes that connection and harms nothing", async () => {
      await using started = await bench.start({
        runtime,
        files: {
          bootstrap: shellRuntime(
            `exec 3>/dev/null; printf 'NOT HTTP\\r\\n\\r\\n' | curl -sS --max-time 5 "telnet://$AWS_LAMBDA_RUNTIME_API" >/tmp/out 2>&1
             curl -sS -o /dev/null "$API/invocation/$ID/response" -d '"fine"'`,
          ),
        },
      });
      assert.equal(await started.call({}), "fine");
      assert.equal(await started.call({}), "fine");
    });

    test("a bootstrap that ends is an exit, at init as in an invocation", async () => {
      await using atInit = await bench.start({
        runtime,
        files: { bootstrap: "#!/bin/sh\nexit 3" },
      });
      assert.equal(atInit.init.kind === "exit" && atInit.init.exit.code, 3);
      await using later = await shell("exit 4");
      const response = await later.invoke({});
      assert.equal(response.kind === "exit" && response.exit.code, 4);
    });

    test("no bootstrap, or one that cannot run, is an invalid entry point", async () => {
      for (const [files, message] of [
        [{ other: "" }, /^Couldn't find valid bootstrap\(s\): \[/],
        [{ bootstrap: "MZ no program" }, /exec format error$/],
      ] as const) {
        await using started = await bench.start({ runtime, files });
        const error = errorOf(started.init);
        assert.equal(error.errorType, "Runtime.InvalidEntrypoint");
        assert.match(error.errorMessage, message);
      }
    });

    test("an extension in a layer is started, told of invocations and ended with the runtime", async () => {
      const extension = `#!/bin/sh
API="http://$AWS_LAMBDA_RUNTIME_API/2020-01-01/extension"
ID=$(curl -sS -D - -o /dev/null -X POST "$API/register" -H 'Lambda-Extension-Name: bootstrapped' -d '{"events":["INVOKE","SHUTDOWN"]}' | tr -d '\\r' | grep -i '^lambda-extension-identifier' | cut -d' ' -f2)
for EVENT in 1 2 3; do curl -sS -o /dev/null "$API/event/next" -H "Lambda-Extension-Identifier: $ID"; done
`;
      await using started = await bench.start({
        runtime,
        files: {
          bootstrap: shellRuntime(
            `curl -sS -o /dev/null "$API/invocation/$ID/response" -d "$EVENT"`,
          ),
        },
        layer: { "extensions/bootstrapped": extension },
      });
      assert.equal(started.init.kind, "ok", started.output());
      const { extensions } = started.guest;
      assert.ok(extensions?.isInUse);
      for (const n of [1, 2]) {
        assert.equal(await started.call(n), n);
        assert.equal(await extensions.settled(), undefined);
      }
      await extensions.shutDown("spindown");
    });

    test("a Go program with AWS's own library runs unmodified", async (t) => {
      const binary = await buildGo(bench.directory).catch((error: unknown) => String(error));
      if (typeof binary === "string") return t.skip(`go build failed: ${binary.slice(0, 200)}`);
      await using started = await bench.start({ runtime, files: { bootstrap: binary } });
      assert.equal(started.init.kind, "ok", started.output());
      for (let n = 0; n < 100; n++) assert.deepEqual(await started.call({ n }), { twice: 2 * n });
      const error = errorOf(await started.invoke({ n: -1 }));
      assert.deepEqual([error.errorType, error.errorMessage], ["errorString", "negative"]);
      const crashed = errorOf(await started.invoke({ n: -2 }));
      assert.equal(crashed.errorMessage, "on purpose");
      assert.equal((await started.sandbox.exited).code, 1);
    });
  });
}

async function buildGo(directory: string): Promise<Buffer> {
  const folder = join(directory, "go");
  await writeTree(folder, {
    "go.mod":
      "module example.com/bootstrap\n\ngo 1.21\n\nrequire github.com/aws/aws-lambda-go v1.49.0\n",
    "main.go": `package main

import (
	"context"
	"errors"

	"github.com/aws/aws-lambda-go/lambda"
)

type input struct{ N int }

func handle(ctx context.Context, in input) (map[string]int, error) {
	if in.N == -1 {
		return nil, errors.New("negative")
	}
	if in.N == -2 {
		panic("on purpose")
	}
	return map[string]int{"twice": 2 * in.N}, nil
}

func main() { lambda.Start(handle) }
`,
  });
  const options = { cwd: folder, env: { ...process.env, CGO_ENABLED: "0" } };
  await run("go", ["mod", "tidy"], options);
  await run("go", ["build", "-o", "bootstrap", "."], options);
  return readFile(join(folder, "bootstrap"));
}
