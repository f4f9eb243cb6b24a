import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { find, run } from "../support/commands.ts";
import { startPlatform } from "./platform.ts";

const python = find("python3");

test(
  "boto3 makes a table, fills it, asks it and deletes it",
  { skip: python ? false : "no python3" },
  async () => {
    await using platform = await startPlatform();
    const script = fileURLToPath(new URL("dynamodb-client.py", import.meta.url));
    const output = await run(python ?? "", [script, platform.endpoint]);
    const steps = output
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown); // printed by our script
    assert.deepEqual(steps, [
      {
        step: "created",
        status: "ACTIVE",
        arn: "arn:aws:dynamodb:us-east-1:000000000000:table/songs",
      },
      { step: "counted", count: 60 },
      { step: "queried", years: Array.from({ length: 10 }, (_, at) => 1979 - at) },
      { step: "updated", price: "1.100000000000000000000000000000000001", tags: ["a", "b"] },
      {
        step: "refused",
        code: "ConditionalCheckFailedException",
        message: "The conditional request failed",
      },
      { step: "read", blob: [0, 255], crc: true },
      { step: "deleted", tables: [] },
    ]);
  },
);

const aws = existsSync("/usr/bin/aws") ? "/usr/bin/aws" : find("aws");

test(
  "the aws CLI makes a table, waits for it, puts, gets and pages",
  { skip: aws ? false : "no aws CLI: scripts/prerequisites.sh clients" },
  async () => {
    await using platform = await startPlatform();
    const cli = async (...words: string[]): Promise<Record<string, unknown>> => {
      const output = await run(
        aws ?? "",
        ["--endpoint-url", platform.endpoint, "--output", "json", "dynamodb", ...words],
        {
          AWS_ACCESS_KEY_ID: "test",
          AWS_SECRET_ACCESS_KEY: "test",
          AWS_DEFAULT_REGION: "us-east-1",
          AWS_PAGER: "",
          AWS_EC2_METADATA_DISABLED: "true",
        },
      );
      return output.trim() === "" ? {} : (JSON.parse(output) as Record<string, unknown>); // asked for as JSON
    };
    const table = ["--table-name", "things"];
    await cli(
      "create-table",
      ...table,
      "--billing-mode",
      "PAY_PER_REQUEST",
      "--attribute-definitions",
      "AttributeName=id,AttributeType=S",
      "--key-schema",
      "AttributeName=id,KeyType=HASH",
    );
    await cli("wait", "table-exists", ...table);
    for (const id of ["a", "b", "c"]) {
      await cli("put-item", ...table, "--item", JSON.stringify({ id: { S: id } }));
    }
    const got = await cli("get-item", ...table, "--key", '{"id":{"S":"a"}}');
    assert.deepEqual(got["Item"], { id: { S: "a" } });
    const scanned = await cli("scan", ...table, "--page-size", "1");
    assert.equal(scanned["Count"], 3);
    const failed = cli("get-item", ...table, "--key", '{"id":{"N":"1"}}');
    await assert.rejects(failed, /The provided key element does not match the schema/);
  },
);
