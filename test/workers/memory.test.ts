import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { LambdaClient } from "@aws-sdk/client-lambda";
import { deploy } from "../support/functions.ts";
import { invoke } from "../support/invoke.ts";
import { type Server, up } from "../cli/program.ts";
import { burst, client, gate, gated, environmentsOf } from "./asking.ts";

const budgetMiB = 1_024;
let server: Server;
let lambda: LambdaClient;

before(async () => {
  server = await up(["--workers=2", `--function-memory=${budgetMiB}`, "--ready-sandboxes=0"]);
  lambda = client(server.url);
});
after(() => server[Symbol.asyncDispose]());

/** Of all environments there are now, by the size in their functions' names. */
async function reservedMiB(): Promise<number> {
  const sizes = (await environmentsOf(server.url)).map(({ functionArn }) =>
    Number(/-(\d+)$/.exec(functionArn)?.[1]),
  );
  return sizes.reduce((sum, one) => sum + one, 0);
}

describe("the memory of two workers", () => {
  it("goes where it is needed, at the cost of environments that are idle elsewhere", async () => {
    // Six functions spread over both; three of them fit at a time, or one of the largest.
    const names = ["a-256", "b-512", "c-256", "d-512", "e-512", "f-1024"];
    for (const name of names)
      await deploy(lambda, name, gate, { MemorySize: Number(name.split("-")[1]) });
    for (let round = 0; round < 2; round++) {
      for (const name of names) {
        assert.equal((await invoke(lambda, name)).error, undefined, name);
        assert.ok((await reservedMiB()) <= budgetMiB);
      }
    }
  });

  it("is never more than all may have, whoever waits", async () => {
    const names = ["g-256", "h-256", "i-256"];
    for (const name of names)
      await deploy(lambda, name, { "index.mjs": gated }, { MemorySize: 256, Timeout: 60 });
    const calls = burst(lambda, names, { count: 9, event: { gate: "opened" } });
    for (let busy = 0; busy < budgetMiB / 256;) {
      busy = (await environmentsOf(server.url)).filter((one) => one.state === "busy").length;
      assert.ok(busy * 256 <= budgetMiB, `${busy} environments of 256 MiB`);
    }
    await deploy(lambda, "opened", gate);
    assert.equal((await calls.ran()).length, 9);
  });
});
