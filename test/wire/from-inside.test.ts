import assert from "node:assert/strict";
import { test } from "node:test";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { deploy, text } from "../support/functions.ts";
import { startPlatform } from "./platform.ts";

test("a URL that the platform handed out leads to it from inside of a sandbox too", async () => {
  await using platform = await startPlatform();
  const lambda = new LambdaClient(platform.client);
  await deploy(lambda, "inside", {
    "index.mjs": `import { LambdaClient, ListFunctionsCommand } from "@aws-sdk/client-lambda";
      export const handler = async ({ endpoint }) => {
        const lambda = new LambdaClient({ endpoint });
        const { Functions } = await lambda.send(new ListFunctionsCommand({}));
        return [process.env.AWS_ENDPOINT_URL, ...Functions.map((one) => one.FunctionName)];
      };`,
  });
  const ask = async (endpoint: string): Promise<unknown> => {
    const Payload = JSON.stringify({ endpoint });
    const answer = await lambda.send(new InvokeCommand({ FunctionName: "inside", Payload }));
    return JSON.parse(text(answer.Payload));
  };
  const own = `http://127.0.0.1:${platform.port}`;
  assert.deepEqual(await ask(own), [own, "inside"]);
  assert.deepEqual(await ask(`http://localhost:${platform.port}`), [own, "inside"]);
  lambda.destroy();
});
