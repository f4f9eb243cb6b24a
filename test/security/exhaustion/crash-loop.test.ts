import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { CreateFunctionCommandInput } from "@aws-sdk/client-lambda";
import { deploy, publish, source } from "../../support/functions.ts";
import { invoke } from "../../support/invoke.ts";
import { visit } from "../../support/neighbour.ts";
import { startTarget, whyNoSandboxes } from "../support/platform.ts";
import type { Target } from "../support/platform.ts";
import { createScoreboard } from "../support/scoreboard.ts";

const callCount = 100;
/** Side by side, and failures that are free (`src/functions/pool/limits.ts`). */
const [sideBySide, freeCount] = [8, 5];

/** Those until the first hold; then one more round after each hold of 250 ms, 500 ms … 5 s. */
function startsMost(elapsedMs: number): number {
  let rounds = 0;
  for (let passedMs = 250; passedMs < elapsedMs; rounds++)
    passedMs += Math.min(5_000, 250 * 2 ** (rounds + 1));
  return freeCount + sideBySide * (1 + rounds);
}

interface Broken {
  readonly files: Readonly<Record<string, string>>;
  readonly settings: Partial<CreateFunctionCommandInput>;
}

/** An init that never ends is in test/wire/bad-code.test.ts: it is as slow as its timeout. */
describe(
  "code that crashes in its init, called in a crowd",
  { skip: whyNoSandboxes ?? false },
  () => {
    const scores = createScoreboard("Crash loops");
    const row = "29 crash loop at init";
    let target: Target;
    let url: string;
    let python: string | undefined;
    before(async () => {
      target = await startTarget();
      python = target.pythonRuntime;
      await deploy(target.lambda, "neighbour", { "index.mjs": await source("echo.mjs") });
      url = await publish(target.lambda, "neighbour");
    });
    after(async () => {
      await target[Symbol.asyncDispose]();
      scores.print();
    });

    const startsOf = async (name: string): Promise<number> => {
      const response = await fetch(`${target.endpoint}/_skerry/functions`);
      const { starts } = (await response.json()) as { starts: { functionArn: string }[] }; // our own page
      return starts.filter((start) => start.functionArn.endsWith(`:${name}`)).length;
    };
    const callAll = async (
      name: string,
      count: number,
    ): Promise<readonly (string | undefined)[]> => {
      const calls = Array.from({ length: count }, () => invoke(target.lambda, name));
      return (await Promise.all(calls)).map((told) => told.error);
    };

    const crashes: Readonly<Record<"node" | "python" | "native", () => Broken | undefined>> = {
      node: () => ({ files: { "index.mjs": "process.exit(3);" }, settings: {} }),
      python: () =>
        python === undefined
          ? undefined
          : {
              files: { "index.py": "import os; os._exit(3)" },
              settings: { Runtime: python as "python3.14" }, // whichever there is
            },
      native: () => ({
        files: { bootstrap: "#!/bin/sh\nexit 3\n" },
        settings: { Runtime: "provided.al2023", Handler: "x" },
      }),
    };
    for (const runtime of ["node", "python", "native"] as const)
      test(`in ${runtime}: few starts, an answer for each, others served`, async (t) => {
        const broken = crashes[runtime]();
        if (!broken) return t.skip("no Python 3.11 or newer is installed");
        const name = `crash-${runtime}`;
        await deploy(target.lambda, name, broken.files, broken.settings);
        const visitors = visit(url, { perSecond: 20, connectionsMax: 32 });
        await visitors.answers(1);
        const beganMs = performance.now();
        const told = await callAll(name, callCount);
        const most = startsMost(performance.now() - beganMs);
        await visitors.answers(5);
        const service = await visitors.stop();
        assert.deepEqual(new Set(told), new Set(["Unhandled"]));
        const starts = await startsOf(name);
        assert.ok(starts > 0 && starts <= most, `${starts} starts, at most ${most}`);
        assert.deepEqual(service.errors, []);
        scores.add({
          row,
          attack: "100 calls at once",
          runtime,
          blocked: true,
          control: "succeeded",
        });
      });

    test("the same count sees every start where the rule does not apply: crashes of handlers", async () => {
      const code = "export const handler = () => process.exit(3);";
      await deploy(target.lambda, "crash-later", { "index.mjs": code });
      await callAll("crash-later", 20);
      assert.ok((await startsOf("crash-later")) >= 20);
    });
  },
);
