import assert from "node:assert/strict";
import { test } from "node:test";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { deploy, text } from "../support/functions.ts";
import { startPlatform } from "./platform.ts";

const code = `import { STSClient, GetCallerIdentityCommand } from "@aws-sdk/client-sts";
const sts = new STSClient({});
export const handler = async () => {
  const { Arn } = await sts.send(new GetCallerIdentityCommand({}));
  return { Arn, port: new URL(process.env.AWS_ENDPOINT_URL).port };
};`;

test("without isolation a function still reaches the platform, on a port of its own", async () => {
  await using platform = await startPlatform({ sandbox: "process" });
  const lambda = new LambdaClient(platform.client);
  await deploy(lambda, "who", { "index.mjs": code });
  const answer = await lambda.send(new InvokeCommand({ FunctionName: "who" }));
  assert.equal(answer.FunctionError, undefined, text(answer.Payload));
  const { Arn, port } = JSON.parse(text(answer.Payload)) as { Arn: string; port: string };
  assert.equal(Arn, "arn:aws:sts::000000000000:assumed-role/test/who");
  assert.notEqual(Number(port), platform.port);
  lambda.destroy();
});
