import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { LambdaClient } from "@aws-sdk/client-lambda";
import { deploy } from "../support/functions.ts";
import { type Server, up } from "../cli/program.ts";
import { burst, client, gate, gated, overlap, untilBusy } from "./asking.ts";

const accountConcurrency = 8;
const many = ["all-0", "all-1", "all-2", "all-3"];
let server: Server;
let lambda: LambdaClient;

before(async () => {
  server = await up([
    "--workers=2",
    `--account-concurrency=${accountConcurrency}`,
    "--log-level=info",
  ]);
  lambda = client(server.url);
  for (const name of many)
    await deploy(lambda, name, { "index.mjs": gated }, { MemorySize: 128, Timeout: 60 });
});
after(() => server[Symbol.asyncDispose]());

describe("an account's concurrency over two workers", () => {
  it("is the account's, exactly, over functions that live in both", async () => {
    const calls = burst(lambda, many, { count: 40, event: { gate: "gate-2" } });
    const refused = await calls.refused(40 - accountConcurrency);
    assert.ok(refused.every((reason) => reason === "ConcurrentInvocationLimitExceeded"));
    await untilBusy(server.url, accountConcurrency);
    await deploy(lambda, "gate-2", gate);
    const ran = await calls.ran();
    assert.equal(ran.length, accountConcurrency);
    assert.equal(overlap(ran), accountConcurrency);
    // All of it is free again, wherever it was: one function alone has it now.
    const again = burst(lambda, ["all-1"], {
      count: accountConcurrency,
      event: { gate: "gate-2" },
    });
    assert.equal((await again.ran()).length, accountConcurrency);
  });
});
