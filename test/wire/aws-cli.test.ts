import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { find, follow, run } from "../support/commands.ts";
import { roleArn, source } from "../support/functions.ts";
import { zip } from "../support/zip.ts";
import { type Platform, startPlatform } from "./platform.ts";

const curl = find("curl");
const programs = [
  { version: 1, program: find("aws") },
  { version: 2, program: existsSync("/usr/bin/aws") ? "/usr/bin/aws" : undefined },
];

for (const { version, program } of programs) {
  const reason =
    program && curl ? false : `no aws CLI ${version} or no curl: scripts/prerequisites.sh clients`;
  describe(`the stock aws CLI, version ${version}`, { skip: reason }, () =>
    suite(version, program ?? ""),
  );
}

function suite(version: number, program: string): void {
  // Version 2 takes blobs in base64 unless told otherwise.
  const rawPayload = version === 2 ? ["--cli-binary-format", "raw-in-base64-out"] : [];
  let platform: Platform;
  let folder: string;
  const environment = (): Record<string, string> => ({
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    AWS_DEFAULT_REGION: "us-east-1",
    AWS_PAGER: "",
    AWS_EC2_METADATA_DISABLED: "true",
    PYTHONUNBUFFERED: "1",
  });
  const aws = async (...words: string[]): Promise<unknown> => {
    const output = await run(
      program,
      ["--endpoint-url", platform.endpoint, "--output", "json", ...words],
      environment(),
    );
    return output.trim() === "" ? undefined : JSON.parse(output);
  };
  const viaCurl = (url: string, ...words: string[]): Promise<string> => {
    const { hostname } = new URL(url);
    return run(curl ?? "", [
      "-sS",
      "--resolve",
      `${hostname}:${platform.port}:127.0.0.1`,
      ...words,
      url,
    ]);
  };

  before(async () => {
    platform = await startPlatform();
    folder = await mkdtemp(join(tmpdir(), "skerry-cli-"));
    await writeFile(join(folder, "code.zip"), await zip({ "index.mjs": await source("echo.mjs") }));
  });
  after(async () => {
    await platform.stop();
    await rm(folder, { recursive: true, force: true });
  });

  test("create-function, wait, invoke with its log", async () => {
    const created = (await aws(
      "lambda",
      "create-function",
      "--function-name",
      "cli",
      "--runtime",
      "nodejs24.x",
      "--handler",
      "index.handler",
      "--role",
      roleArn,
      "--zip-file",
      `fileb://${folder}/code.zip`,
      "--environment",
      "Variables={GREETING=ahoy}",
    )) as { FunctionArn: string }; // the CLI's own JSON
    assert.equal(created.FunctionArn, "arn:aws:lambda:us-east-1:000000000000:function:cli");
    await aws("lambda", "wait", "function-active-v2", "--function-name", "cli");
    const answer = (await aws(
      "lambda",
      "invoke",
      "--function-name",
      "cli",
      "--log-type",
      "Tail",
      ...rawPayload,
      "--payload",
      '{"sea":"calm"}',
      join(folder, "out.json"),
    )) as {
      StatusCode: number;
      ExecutedVersion: string;
      LogResult: string;
    };
    assert.equal(answer.StatusCode, 200);
    assert.equal(answer.ExecutedVersion, "$LATEST");
    assert.match(
      Buffer.from(answer.LogResult, "base64").toString(),
      /START RequestId: .*echo \{"sea":"calm"\}.*REPORT RequestId: .*Init Duration/s,
    );
    const payload = JSON.parse(await readFile(join(folder, "out.json"), "utf8")) as {
      event: unknown;
      greeting: string;
    };
    assert.deepEqual([payload.event, payload.greeting], [{ sea: "calm" }, "ahoy"]);
  });

  const withoutTail = version === 1 ? "version 1 has no `logs tail`" : false;
  test("logs tail --follow shows lines as they are written", { skip: withoutTail }, async () => {
    await using tail = follow(
      program,
      [
        "--endpoint-url",
        platform.endpoint,
        "logs",
        "tail",
        "/aws/lambda/cli",
        "--follow",
        "--since",
        "5m",
      ],
      environment(),
    );
    await tail.line(/calm/);
    await aws(
      "lambda",
      "invoke",
      "--function-name",
      "cli",
      ...rawPayload,
      "--payload",
      '{"sea":"rough"}',
      join(folder, "out.json"),
    );
    assert.match(await tail.line(/rough/), /echo \{"sea":"rough"\}/);
  });

  test("a function URL answers curl, buffered", async () => {
    const config = (await aws(
      "lambda",
      "create-function-url-config",
      "--function-name",
      "cli",
      "--auth-type",
      "NONE",
    )) as { FunctionUrl: string };
    await aws(
      "lambda",
      "add-permission",
      "--function-name",
      "cli",
      "--statement-id",
      "public",
      "--action",
      "lambda:InvokeFunctionUrl",
      "--principal",
      "*",
      "--function-url-auth-type",
      "NONE",
    );
    const buffered = JSON.parse(await viaCurl(`${config.FunctionUrl}dock?x=1`)) as {
      event: { rawPath: string; rawQueryString: string; version: string };
    };
    assert.deepEqual(
      [buffered.event.rawPath, buffered.event.rawQueryString, buffered.event.version],
      ["/dock", "x=1", "2.0"],
    );
  });

  const withoutMode = version === 2 ? "Debian's version 2 is older than --invoke-mode" : false;
  test("a function URL answers curl, streamed", { skip: withoutMode }, async () => {
    await aws(
      "lambda",
      "update-function-configuration",
      "--function-name",
      "cli",
      "--handler",
      "index.stream",
    );
    await aws("lambda", "wait", "function-updated-v2", "--function-name", "cli");
    const config = (await aws(
      "lambda",
      "update-function-url-config",
      "--function-name",
      "cli",
      "--invoke-mode",
      "RESPONSE_STREAM",
    )) as { FunctionUrl: string };
    const streamed = await viaCurl(config.FunctionUrl, "-N", "-i");
    assert.match(streamed, /^HTTP\/1\.1 201/);
    assert.match(streamed, /x-tide: rising/i);
    assert.match(streamed, /transfer-encoding: chunked/i);
    assert.match(streamed, /one two three$/);
  });

  test("a mistake gets the service's own error", async () => {
    await assert.rejects(
      aws("lambda", "get-function", "--function-name", "nobody"),
      /An error occurred \(ResourceNotFoundException\) when calling the GetFunction operation: Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody/,
    );
    await assert.rejects(
      aws("iam", "get-role", "--role-name", "nobody"),
      /NoSuchEntity.*nobody cannot be found/,
    );
    await assert.rejects(aws("lambda", "list-code-signing-configs"), /ListCodeSigningConfigs/);
  });

  test("sts and iam answer", async () => {
    const who = (await aws("sts", "get-caller-identity")) as { Account: string };
    assert.equal(who.Account, "000000000000");
    await writeFile(
      join(folder, "trust.json"),
      JSON.stringify({
        Version: "2012-10-17",
        Statement: [
          {
            Effect: "Allow",
            Principal: { Service: "lambda.amazonaws.com" },
            Action: "sts:AssumeRole",
          },
        ],
      }),
    );
    const { Role } = (await aws(
      "iam",
      "create-role",
      "--role-name",
      "sailor",
      "--assume-role-policy-document",
      `file://${folder}/trust.json`,
    )) as { Role: { Arn: string } };
    assert.equal(Role.Arn, "arn:aws:iam::000000000000:role/sailor");
  });
}
