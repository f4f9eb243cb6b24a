import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  CreateAliasCommand,
  GetProvisionedConcurrencyConfigCommand,
  type GetProvisionedConcurrencyConfigCommandOutput,
  InvokeCommand,
  LambdaClient,
  PublishVersionCommand,
  PutProvisionedConcurrencyConfigCommand,
  UpdateAliasCommand,
  UpdateFunctionCodeCommand,
  waitUntilFunctionUpdatedV2,
} from "@aws-sdk/client-lambda";
import { follow, root, type RunningCommand } from "../support/commands.ts";
import { deploy, text } from "../support/functions.ts";
import { zip } from "../support/zip.ts";

/** `skerry up` as a process of its own, so that it can be killed like one. */
async function startProcess(
  dataDir: string,
): Promise<{ process: RunningCommand; lambda: LambdaClient; pid: number }> {
  const process_ = follow(`${root}node_modules/node/bin/node`, [
    "--conditions=source",
    `${root}src/skerry.ts`,
    "up",
    "--json",
    "--port=0",
    `--data=${dataDir}`,
    "--log-level=error",
  ]);
  const { url } = JSON.parse(await process_.line(/^\{/)) as { url: string }; // our own banner
  const lambda = new LambdaClient({
    endpoint: url,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
  return { process: process_, lambda, pid: process_.child.pid ?? 0 };
}

/** Asks until everything is allocated, as tools do: the service has no waiter for it. */
async function allocated(
  lambda: LambdaClient,
): Promise<GetProvisionedConcurrencyConfigCommandOutput> {
  const command = new GetProvisionedConcurrencyConfigCommand({
    FunctionName: "f",
    Qualifier: "live",
  });
  for (;;) {
    const state = await lambda.send(command);
    if (state.Status !== "IN_PROGRESS") return state;
  }
}

async function call(lambda: LambdaClient): Promise<unknown> {
  const answer = await lambda.send(
    new InvokeCommand({ FunctionName: "f", Qualifier: "live", Payload: "{}" }),
  );
  return JSON.parse(text(answer.Payload)) as unknown;
}

const code = (word: string): string =>
  `export const handler = async () => ["${word}", process.env.AWS_LAMBDA_INITIALIZATION_TYPE];`;

test("kill -9: provisioned concurrency that was acknowledged is allocated again", async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), "skerry-provisioned-"));
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  const first = await startProcess(dataDir);
  await using _killed = first.process;
  const { lambda } = first;
  await deploy(lambda, "f", { "index.mjs": code("one") });
  await lambda.send(new PublishVersionCommand({ FunctionName: "f" }));
  await lambda.send(
    new CreateAliasCommand({ FunctionName: "f", Name: "live", FunctionVersion: "1" }),
  );
  await lambda.send(
    new PutProvisionedConcurrencyConfigCommand({
      FunctionName: "f",
      Qualifier: "live",
      ProvisionedConcurrentExecutions: 2,
    }),
  );
  assert.equal((await allocated(lambda)).AllocatedProvisionedConcurrentExecutions, 2);
  assert.deepEqual(await call(lambda), ["one", "provisioned-concurrency"]);

  const ZipFile = await zip({ "index.mjs": code("two") });
  await lambda.send(new UpdateFunctionCodeCommand({ FunctionName: "f", ZipFile }));
  const waiting = { client: lambda, maxWaitTime: 30, minDelay: 0.1 };
  await waitUntilFunctionUpdatedV2(waiting, { FunctionName: "f" });
  await lambda.send(new PublishVersionCommand({ FunctionName: "f" }));
  await lambda.send(
    new UpdateAliasCommand({ FunctionName: "f", Name: "live", FunctionVersion: "2" }),
  );
  assert.equal((await allocated(lambda)).Status, "READY");
  assert.deepEqual(await call(lambda), ["two", "provisioned-concurrency"]);

  process.kill(first.pid, "SIGKILL");
  await first.process[Symbol.asyncDispose]();
  const second = await startProcess(dataDir);
  await using _stopped = second.process;
  const state = await allocated(second.lambda);
  assert.equal(state.Status, "READY");
  assert.equal(state.RequestedProvisionedConcurrentExecutions, 2);
  assert.equal(state.AvailableProvisionedConcurrentExecutions, 2);
  assert.deepEqual(await call(second.lambda), ["two", "provisioned-concurrency"]);
});
