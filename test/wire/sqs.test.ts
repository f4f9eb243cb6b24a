import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { find, run } from "../support/commands.ts";
import { startPlatform } from "./platform.ts";

const python = find("python3");
const programs = [find("aws"), existsSync("/usr/bin/aws") ? "/usr/bin/aws" : undefined];

test("boto3 uses queues", { skip: python ? false : "no python3" }, async () => {
  await using platform = await startPlatform();
  const script = fileURLToPath(new URL("sqs.py", import.meta.url));
  const output = await run(python ?? "", [script, platform.endpoint]);
  const steps = output
    .trim()
    .split("\n")
    .map((line): unknown => JSON.parse(line));
  assert.deepEqual(steps, [
    { step: "received", bodies: ["one", "two"], groups: ["g", "g"] },
    { step: "deleted", count: 2 },
    { step: "missing", code: "AWS.SimpleQueueService.NonExistentQueue", status: 400 },
    { step: "invalid", code: "InvalidParameterValue" },
  ]);
});

for (const [index, program] of programs.entries()) {
  const skip = program ? false : "no such aws CLI: scripts/prerequisites.sh clients";
  test(`the stock aws CLI, version ${index + 1}, uses queues`, { skip }, async () => {
    await using platform = await startPlatform();
    const aws = async (...words: string[]): Promise<Record<string, unknown>> => {
      const all = ["--endpoint-url", platform.endpoint, "--output", "json", "sqs", ...words];
      const output = await run(program ?? "", all, {
        AWS_ACCESS_KEY_ID: "test",
        AWS_SECRET_ACCESS_KEY: "test",
        AWS_DEFAULT_REGION: "us-east-1",
        AWS_PAGER: "",
        AWS_EC2_METADATA_DISABLED: "true",
      });
      return output.trim() === "" ? {} : (JSON.parse(output) as Record<string, unknown>); // the CLI's own JSON
    };
    const { QueueUrl } = await aws("create-queue", "--queue-name", "cli");
    const url = ["--queue-url", String(QueueUrl)];
    const attributes = '{"n":{"DataType":"String","StringValue":"v"}}';
    await aws("send-message", ...url, "--message-body", "ahoy", "--message-attributes", attributes);
    const wanted = ["--attribute-names", "All", "--message-attribute-names", "All"];
    const { Messages } = await aws("receive-message", ...url, ...wanted);
    const [message] = Messages as {
      Body: string;
      ReceiptHandle: string;
      MessageAttributes: object;
    }[]; // as above
    assert.equal(message?.Body, "ahoy");
    assert.deepEqual(message.MessageAttributes, { n: { StringValue: "v", DataType: "String" } });
    await aws("delete-message", ...url, "--receipt-handle", message.ReceiptHandle);
    const shown = await aws("get-queue-attributes", ...url, "--attribute-names", "All");
    const { ApproximateNumberOfMessages: count } = shown["Attributes"] as Record<string, string>; // as above
    assert.equal(count, "0");
    const { QueueUrls } = await aws("list-queues");
    assert.deepEqual(QueueUrls, [QueueUrl]);
  });
}
