import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  AddPermissionCommand,
  CreateFunctionCommand,
  RemovePermissionCommand,
} from "@aws-sdk/client-lambda";
import { role, startLambdaServer, zipOf } from "./testing/server.ts";

const server = await startLambdaServer({}, "strict");
after(() => server[Symbol.asyncDispose]());
const client = server.client();
await client.send(
  new CreateFunctionCommand({
    FunctionName: "f",
    Role: role,
    Runtime: "nodejs24.x",
    Handler: "index.handler",
    Code: { ZipFile: await zipOf({ "index.js": "exports.handler = async () => 1;" }) },
  }),
);
await server.lambda.settled();

const reference = {
  accountId: "000000000000",
  region: "us-east-1",
  name: "f",
  qualifier: undefined,
};
const bucket = {
  service: "s3.amazonaws.com",
  arn: "arn:aws:s3:::uploads",
  accountId: "000000000000",
  region: "us-east-1",
};

test("a service may invoke a function only for what its policy names", async () => {
  const { mayInvoke } = server.lambda;
  assert.equal(await mayInvoke(reference, bucket), false);
  await client.send(
    new AddPermissionCommand({
      FunctionName: "f",
      StatementId: "uploads",
      Action: "lambda:InvokeFunction",
      Principal: "s3.amazonaws.com",
      SourceArn: "arn:aws:s3:::up*",
      SourceAccount: "000000000000",
    }),
  );
  assert.equal(await mayInvoke(reference, bucket), true);
  assert.equal(await mayInvoke({ ...reference, qualifier: "$LATEST" }, bucket), true);
  assert.equal(await mayInvoke(reference, { ...bucket, arn: "arn:aws:s3:::other" }), false);
  assert.equal(await mayInvoke(reference, { ...bucket, accountId: "111122223333" }), false);
  assert.equal(await mayInvoke(reference, { ...bucket, service: "sns.amazonaws.com" }), false);
  await client.send(new RemovePermissionCommand({ FunctionName: "f", StatementId: "uploads" }));
  assert.equal(await mayInvoke(reference, bucket), false);
});

test("in open mode every service may", async () => {
  await using open = await startLambdaServer();
  assert.equal(await open.lambda.mayInvoke(reference, bucket), true);
});
