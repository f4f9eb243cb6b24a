import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { Agent } from "node:http";
import type { LookupFunction } from "node:net";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  CreateFunctionCommand,
  InvokeCommand,
  LambdaClient,
  waitUntilFunctionActiveV2,
} from "@aws-sdk/client-lambda";
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketCorsCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { find, run } from "../support/commands.ts";
import { roleArn, source } from "../support/functions.ts";
import { exchange } from "../support/raw-http.ts";
import { zip } from "../support/zip.ts";
import { type Platform, startPlatform } from "./platform.ts";

const aws = find("aws");
const python = find("python3");
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

describe("object storage on a whole platform", () => {
  let platform: Platform;
  let s3: S3Client;
  before(async () => {
    platform = await startPlatform();
    s3 = new S3Client({ ...platform.client, forcePathStyle: true });
    await s3.send(new CreateBucketCommand({ Bucket: "shared" }));
    await s3.send(new PutObjectCommand({ Bucket: "shared", Key: "dir/hello.txt", Body: "hello" }));
  });
  after(async () => {
    s3.destroy();
    await platform.stop();
  });

  test("a bucket answers in its path and in every form of its host name", async () => {
    const get = (host: string, path: string): Promise<string> =>
      exchange(platform.port, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    const hosts = [
      "shared.localhost",
      "shared.s3.localhost",
      "shared.s3.us-east-1.localhost",
      "shared.localhost.localstack.cloud",
      "shared.s3.localhost.localstack.cloud",
      "shared.s3.eu-west-1.localhost.localstack.cloud",
      `shared.s3.dualstack.eu-west-1.localhost:${platform.port}`,
    ];
    for (const host of hosts) {
      assert.match(await get(host, "/dir/hello.txt"), /^HTTP\/1\.1 200 [^]*\r\n\r\nhello$/, host);
    }
    const paths = ["localhost", "s3.localhost", "s3.us-east-1.localhost.localstack.cloud"];
    for (const host of paths) {
      assert.match(await get(host, "/shared/dir/hello.txt"), /\r\n\r\nhello$/, host);
    }
    assert.match(await get("none.s3.localhost", "/x"), /404[^]*<Code>NoSuchBucket<\/Code>/);
  });

  test("the SDK signs requests to host names of buckets, and their answers are its own", async () => {
    const endpoint = `http://localhost:${platform.port}`;
    // Not every resolver knows names below localhost.
    const lookup: LookupFunction = (_name, options, found) =>
      options.all
        ? found(null, [{ address: "127.0.0.1", family: 4 }])
        : found(null, "127.0.0.1", 4);
    const requestHandler = { httpAgent: new Agent({ lookup }) };
    const client = new S3Client({ ...platform.client, endpoint, requestHandler });
    const got = await client.send(new GetObjectCommand({ Bucket: "shared", Key: "dir/hello.txt" }));
    assert.equal(await got.Body?.transformToString(), "hello");
    const listed = await client.send(new ListObjectsV2Command({ Bucket: "shared" }));
    assert.equal(listed.KeyCount, 1);
    client.destroy();
  });

  test("a function is made from a package in a bucket", async () => {
    const lambda = new LambdaClient(platform.client);
    const code = await zip({ "index.mjs": await source("echo.mjs") });
    await s3.send(new PutObjectCommand({ Bucket: "shared", Key: "code/fn.zip", Body: code }));
    const FunctionName = "from-s3";
    const make = (S3Key: string) =>
      lambda.send(
        new CreateFunctionCommand({
          FunctionName,
          Role: roleArn,
          Runtime: "nodejs22.x",
          Handler: "index.handler",
          Code: { S3Bucket: "shared", S3Key },
        }),
      );
    await assert.rejects(make("code/none.zip"), {
      name: "InvalidParameterValueException",
      message:
        "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist.",
    });
    await make("code/fn.zip");
    await waitUntilFunctionActiveV2({ client: lambda, maxWaitTime: 60 }, { FunctionName });
    const { StatusCode } = await lambda.send(new InvokeCommand({ FunctionName, Payload: "{}" }));
    assert.equal(StatusCode, 200);
    lambda.destroy();
  });

  test("an upload reaches a queue through the outbox", async () => {
    const sqs = new SQSClient(platform.client);
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: "uploads" }));
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] }),
    );
    await s3.send(
      new PutBucketNotificationConfigurationCommand({
        Bucket: "shared",
        NotificationConfiguration: {
          QueueConfigurations: [
            { QueueArn: Attributes?.["QueueArn"], Events: ["s3:ObjectCreated:Put"] },
          ],
        },
      }),
    );
    await s3.send(new PutObjectCommand({ Bucket: "shared", Key: "told", Body: "x" }));
    const bodies: string[] = [];
    while (bodies.length < 2) {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20, MaxNumberOfMessages: 10 }),
      );
      bodies.push(...Messages.map(({ Body = "" }) => Body));
    }
    assert.ok(bodies.some((body) => body.includes("s3:TestEvent")));
    const put = bodies.find((body) => body.includes("ObjectCreated:Put"));
    assert.match(put ?? "", /"key":"told"/);
    sqs.destroy();
  });

  test(
    "boto3 uploads, lists, reads and is told what is wrong",
    {
      skip: python ? false : "no python3",
    },
    async () => {
      const output = await run(python ?? "", [here("s3_client.py"), platform.endpoint]);
      assert.deepEqual(JSON.parse(output), {
        body: "from boto3",
        etag: true,
        keys: ["a b/ü.txt", "big", "x+y"],
        big: 9_000_000,
        presigned: "from boto3",
        posted: 204,
        error: "NoSuchKey",
        region: "us-east-1",
        tags: [{ Key: "k", Value: "v" }],
      });
    },
  );

  test(
    "the aws CLI makes buckets, copies, syncs, presigns and removes",
    {
      skip: aws ? false : "no aws CLI: scripts/prerequisites.sh clients",
    },
    async (t) => {
      const folder = await mkdtemp(join(tmpdir(), "skerry-s3-cli-"));
      t.after(() => rm(folder, { recursive: true, force: true }));
      const environment = {
        AWS_ACCESS_KEY_ID: "test",
        AWS_SECRET_ACCESS_KEY: "test",
        AWS_DEFAULT_REGION: "us-east-1",
        AWS_PAGER: "",
        AWS_EC2_METADATA_DISABLED: "true",
      };
      const cli = (...words: string[]): Promise<string> =>
        run(aws ?? "", ["--endpoint-url", platform.endpoint, "s3", ...words], environment);
      const bytes = randomBytes(20 * 1024 ** 2);
      await writeFile(join(folder, "big.bin"), bytes);
      await writeFile(join(folder, "small.txt"), "small");
      await cli("mb", "s3://cli-bucket");
      await cli("sync", folder, "s3://cli-bucket/synced", "--no-progress");
      assert.match(
        await cli("ls", "s3://cli-bucket/synced/"),
        /20971520 big\.bin[^]* 5 small\.txt/,
      );
      await cli("cp", "s3://cli-bucket/synced/big.bin", join(folder, "back.bin"), "--no-progress");
      assert.ok(bytes.equals(await readFile(join(folder, "back.bin"))));
      await cli("cp", "s3://cli-bucket/synced/big.bin", "s3://cli-bucket/copied", "--no-progress");
      const url = (await cli("presign", "s3://cli-bucket/synced/small.txt")).trim();
      assert.equal(await (await fetch(url)).text(), "small");
      await cli("rb", "s3://cli-bucket", "--force");
      await assert.rejects(cli("ls", "s3://cli-bucket"), /NoSuchBucket/);
    },
  );

  test("a page from elsewhere may do what a bucket's CORS configuration allows, and nothing else", async () => {
    const Bucket = "pages";
    await s3.send(new CreateBucketCommand({ Bucket }));
    await s3.send(new PutObjectCommand({ Bucket, Key: "k", Body: "seen" }));
    const ask = (method: string, headers: Record<string, string>) =>
      fetch(`${platform.endpoint}/${Bucket}/k`, { method, headers });
    const origin = "https://app.example.test";
    const preflight = { origin, "access-control-request-method": "GET" };
    assert.equal((await ask("OPTIONS", preflight)).status, 403);
    assert.equal((await ask("GET", { origin })).status, 403);
    await s3.send(
      new PutBucketCorsCommand({
        Bucket,
        CORSConfiguration: {
          CORSRules: [
            {
              AllowedMethods: ["GET"],
              AllowedOrigins: ["https://*.example.test"],
              AllowedHeaders: ["x-*"],
              ExposeHeaders: ["etag"],
              MaxAgeSeconds: 60,
            },
          ],
        },
      }),
    );
    const allowed = await ask("OPTIONS", { ...preflight, "access-control-request-headers": "x-a" });
    assert.equal(allowed.status, 200);
    assert.equal(allowed.headers.get("access-control-allow-origin"), origin);
    assert.equal(allowed.headers.get("access-control-max-age"), "60");
    const got = await ask("GET", { origin });
    assert.equal(await got.text(), "seen");
    assert.equal(got.headers.get("access-control-expose-headers"), "etag");
    const refused = [
      { ...preflight, "access-control-request-method": "PUT" },
      { ...preflight, "access-control-request-headers": "authorization" },
      { ...preflight, origin: "https://example.test" },
    ];
    for (const headers of refused) assert.equal((await ask("OPTIONS", headers)).status, 403);
    assert.equal((await ask("DELETE", { origin })).status, 403);
  });

  test("a form uploads what its policy allows", async () => {
    const Bucket = "forms";
    await s3.send(new CreateBucketCommand({ Bucket }));
    const policy = (conditions: unknown[], expiration = "2100-01-01T00:00:00Z") =>
      Buffer.from(JSON.stringify({ expiration, conditions })).toString("base64");
    const post = (fields: Record<string, string>, content = "content") => {
      const form = new FormData();
      for (const [name, value] of Object.entries(fields)) form.set(name, value);
      form.set("file", new Blob([content], { type: "text/plain" }), "named.txt");
      return fetch(`${platform.endpoint}/${Bucket}`, { method: "POST", body: form });
    };
    const conditions = [
      { bucket: Bucket },
      ["starts-with", "$key", "in/"],
      ["content-length-range", 1, 20],
    ];
    const key = "in/${filename}";
    const stored = await post({
      key,
      policy: policy([...conditions, { success_action_status: "201" }]),
      success_action_status: "201",
    });
    assert.equal(stored.status, 201);
    assert.match(await stored.text(), /<Key>in\/named\.txt<\/Key>/);
    const got = await s3.send(new GetObjectCommand({ Bucket, Key: "in/named.txt" }));
    assert.equal(await got.Body?.transformToString(), "content");
    assert.equal(got.ContentType, "text/plain");
    const cases: [Record<string, string>, string, number, RegExp][] = [
      [{ key: "out", policy: policy(conditions) }, "x", 403, /Policy Condition failed/],
      [{ key, policy: policy(conditions), acl: "private" }, "x", 403, /Extra input fields: acl/],
      [{ key, policy: policy(conditions, "2001-01-01T00:00:00Z") }, "x", 403, /Policy expired/],
      [{ key, policy: policy(conditions) }, "x".repeat(21), 400, /EntityTooLarge/],
      [{ key, policy: policy(conditions) }, "", 400, /EntityTooSmall/],
      [{ key, policy: "bm9uc2Vuc2U=" }, "x", 400, /InvalidPolicyDocument/],
      [{ policy: policy([{ bucket: Bucket }]) }, "x", 400, /a field named 'key'/],
    ];
    for (const [fields, content, status, words] of cases) {
      const answer = await post(fields, content);
      assert.equal(answer.status, status);
      assert.match(await answer.text(), words);
    }
  });

  test("what the model knows and this server lacks is refused by name, never taken for something else", async () => {
    const answer = await fetch(`${platform.endpoint}/shared?inventory&id=1`, {
      method: "PUT",
      body: "<InventoryConfiguration/>",
    });
    assert.equal(answer.status, 501);
    assert.match(await answer.text(), /PutBucketInventoryConfiguration is not implemented/);
    await assert.rejects(
      s3.send(
        new PutBucketVersioningCommand({
          Bucket: "shared",
          MFA: "serial 123456",
          VersioningConfiguration: { Status: "Enabled", MFADelete: "Enabled" },
        }),
      ),
      { name: "NotImplemented" },
    );
  });
});
