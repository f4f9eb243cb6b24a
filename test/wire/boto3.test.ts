import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { find, run } from "../support/commands.ts";
import { startPlatform } from "./platform.ts";

const python = find("python3");
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

test(
  "boto3 deploys and calls a Python function",
  { skip: python ? false : "no python3" },
  async (t) => {
    await using platform = await startPlatform();
    const response = await fetch(`${platform.endpoint}/_skerry/runtimes`);
    const { runtimes } = (await response.json()) as {
      runtimes: { identifier: string; usable: boolean }[];
    };
    const runtime = runtimes.find(
      (row) => row.usable && row.identifier.startsWith("python"),
    )?.identifier;
    if (runtime === undefined) return t.skip("no Python 3.11 or newer on this machine");

    const output = await run(python ?? "", [
      here("client.py"),
      platform.endpoint,
      runtime,
      here("functions/echo.py"),
    ]);
    const steps = new Map(
      output
        .trim()
        .split("\n")
        .map((line) => {
          const { step, ...values } = JSON.parse(line) as { step: string } & Record<
            string,
            unknown
          >;
          return [step, values] as const;
        }),
    );
    assert.equal(
      steps.get("created")?.["arn"],
      "arn:aws:lambda:us-east-1:000000000000:function:py",
    );
    const { payload, status, log } = steps.get("invoked") ?? {};
    assert.equal(status, 200);
    assert.deepEqual(payload, {
      event: { a: 1 },
      name: "py",
      version: "$LATEST",
      memory: "256",
      greeting: "ahoy",
    });
    assert.match(
      String(log),
      /START RequestId[^]*echo \{'a': 1\}[^]*END RequestId[^]*REPORT RequestId/,
    );
    const raised = steps.get("raised") ?? {};
    assert.equal(raised["error"], "Unhandled");
    const { errorType, errorMessage } = raised["payload"] as Record<string, unknown>;
    assert.deepEqual([errorType, errorMessage], ["ValueError", "no wind"]);
    assert.deepEqual(steps.get("missing"), {
      code: "ResourceNotFoundException",
      message: "Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody",
    });
    const streamed = steps.get("streamed")?.["payload"] as { event: unknown } | undefined;
    assert.deepEqual(streamed?.event, {});
    assert.equal(steps.get("logs")?.["reports"], 3);
    assert.equal(steps.get("caller")?.["arn"], "arn:aws:iam::000000000000:root");
  },
);
