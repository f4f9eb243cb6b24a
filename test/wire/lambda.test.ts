import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  CreateAliasCommand,
  CreateFunctionUrlConfigCommand,
  DeleteFunctionCommand,
  DeleteFunctionConcurrencyCommand,
  DeleteFunctionUrlConfigCommand,
  GetFunctionCommand,
  InvokeCommand,
  LambdaClient,
  PublishLayerVersionCommand,
  PublishVersionCommand,
  PutFunctionConcurrencyCommand,
  UpdateAliasCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionUpdatedV2,
} from "@aws-sdk/client-lambda";
import { deploy, text } from "../support/functions.ts";
import { zip } from "../support/zip.ts";
import { type Platform, startPlatform } from "./platform.ts";

let platform: Platform;
let lambda: LambdaClient;
before(async () => {
  platform = await startPlatform();
  lambda = new LambdaClient(platform.client);
});
after(async () => {
  lambda.destroy();
  await platform.stop();
});

const answering = (value: string): string => `export const handler = async () => "${value}";`;

async function call(name: string, qualifier?: string): Promise<unknown> {
  const answer = await lambda.send(new InvokeCommand({ FunctionName: name, Qualifier: qualifier }));
  assert.equal(answer.FunctionError, undefined, text(answer.Payload));
  return JSON.parse(text(answer.Payload));
}

async function updated(name: string): Promise<void> {
  const settings = { client: lambda, maxWaitTime: 30, minDelay: 1 };
  await waitUntilFunctionUpdatedV2(settings, { FunctionName: name });
}

test("versions keep their code, an alias moves from one to the other", async () => {
  await deploy(lambda, "versions", { "index.mjs": answering("one") }, { Publish: true });
  await lambda.send(
    new CreateAliasCommand({ FunctionName: "versions", Name: "live", FunctionVersion: "1" }),
  );
  assert.equal(await call("versions", "live"), "one");
  await lambda.send(
    new UpdateFunctionCodeCommand({
      FunctionName: "versions",
      ZipFile: await zip({ "index.mjs": answering("two") }),
    }),
  );
  await updated("versions");
  assert.equal(await call("versions"), "two");
  assert.equal(await call("versions", "live"), "one");
  const second = await lambda.send(new PublishVersionCommand({ FunctionName: "versions" }));
  assert.equal(second.Version, "2");
  await lambda.send(
    new UpdateAliasCommand({ FunctionName: "versions", Name: "live", FunctionVersion: "2" }),
  );
  assert.equal(await call("versions", "live"), "two");
  assert.equal(await call("versions", "1"), "one");
});

test("a changed environment is what the next call sees", async () => {
  const source = "export const handler = async () => process.env.TIDE ?? null;";
  await deploy(lambda, "environment", { "index.mjs": source });
  assert.equal(await call("environment"), null);
  await lambda.send(
    new UpdateFunctionConfigurationCommand({
      FunctionName: "environment",
      Environment: { Variables: { TIDE: "high" } },
    }),
  );
  await updated("environment");
  assert.equal(await call("environment"), "high");
});

test("layers appear under /opt, later ones on top", async () => {
  const layers: string[] = [];
  for (const word of ["first", "second"]) {
    const layer = await lambda.send(
      new PublishLayerVersionCommand({
        LayerName: word,
        Content: { ZipFile: await zip({ "shared.txt": word, [`${word}.txt`]: word }) },
      }),
    );
    layers.push(layer.LayerVersionArn ?? "");
  }
  const source = `import { readFileSync } from "node:fs";
    const read = (name) => readFileSync("/opt/" + name, "utf8");
    export const handler = async () => ["shared.txt", "first.txt", "second.txt"].map(read);`;
  await deploy(lambda, "layers", { "index.mjs": source }, { Layers: layers });
  assert.deepEqual(await call("layers"), ["second", "first", "second"]);
});

test("reserved concurrency of nothing refuses every call", async () => {
  await deploy(lambda, "closed", { "index.mjs": answering("never") });
  const target = { FunctionName: "closed" };
  await lambda.send(
    new PutFunctionConcurrencyCommand({ ...target, ReservedConcurrentExecutions: 0 }),
  );
  await assert.rejects(call("closed"), {
    name: "TooManyRequestsException",
    Reason: "ReservedFunctionConcurrentInvocationLimitExceeded",
  });
  await lambda.send(new DeleteFunctionConcurrencyCommand(target));
  assert.equal(await call("closed"), "never");
});

test("the package can be downloaded from where GetFunction says", async () => {
  const files = { "index.mjs": answering("packed") };
  await deploy(lambda, "packed", files);
  const { Code: code } = await lambda.send(new GetFunctionCommand({ FunctionName: "packed" }));
  const location = code?.Location ?? "";
  const download = await fetch(location);
  assert.equal(download.status, 200);
  const bytes = Buffer.from(await download.arrayBuffer());
  assert.ok(bytes.includes("index.mjs"));
  const other = new URL(location);
  other.searchParams.set("signature", "forged");
  assert.equal((await fetch(other)).status, 403);
});

test("a deleted function is gone, its name can be used again", async () => {
  await deploy(lambda, "again", { "index.mjs": answering("before") });
  assert.equal(await call("again"), "before");
  await lambda.send(
    new CreateFunctionUrlConfigCommand({ FunctionName: "again", AuthType: "AWS_IAM" }),
  );
  await lambda.send(new DeleteFunctionCommand({ FunctionName: "again" }));
  await assert.rejects(call("again"), { name: "ResourceNotFoundException" });
  await deploy(lambda, "again", { "index.mjs": answering("after") });
  assert.equal(await call("again"), "after");
  await assert.rejects(lambda.send(new DeleteFunctionUrlConfigCommand({ FunctionName: "again" })), {
    name: "ResourceNotFoundException",
  });
});
