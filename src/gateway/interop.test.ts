import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { Readable } from "node:stream";
import { test } from "node:test";
import { promisify } from "node:util";
import {
  GetObject$,
  GetObjectCommand,
  PutObject$,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import type * as S3 from "@aws-sdk/client-s3";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { readAll } from "#protocol/auth/testing/sign.ts";
import type { ServiceLoader } from "#protocol/protocol.ts";
import { defineService } from "#protocol/service/service.ts";
import { startGateway } from "./testing/set-up.ts";

const run = promisify(execFile);
const user = { arn: "arn:aws:iam::111122223333:user/ana", accountId: "111122223333" };
const role = {
  arn: "arn:aws:sts::111122223333:assumed-role/worker/run",
  accountId: "111122223333",
};
const credentials = {
  accessKeyId: "AKIAEXAMPLE000000001",
  secretAccessKey: "kT5wZ8rQ2mN7vB4xC1jL6hG9fD3sA0pOiUyEtRwQ",
};
const temporary = {
  accessKeyId: "ASIAEXAMPLE000000002",
  secretAccessKey: "p3Rw+/=x",
  sessionToken: "to+ken/with=signs",
};

/** A strict gateway with STS and just enough of S3 to keep bodies. */
async function startStrict() {
  const objects = new Map<string, Buffer>();
  const s3: ServiceLoader = {
    name: "s3",
    signingName: "s3",
    endpointPrefix: "s3",
    load: async () =>
      defineService<typeof S3>(
        {
          sdkId: "S3",
          signingName: "s3",
          endpointPrefix: "s3",
          protocols: ["restXml"],
          apiVersion: "2006-03-01",
        },
        {
          PutObject: [
            PutObject$,
            async ({ Key, Body }) => {
              objects.set(Key, Body ? await readAll(Body) : Buffer.alloc(0));
              return {};
            },
          ],
          GetObject: [
            GetObject$,
            async ({ Key }) => ({
              Body: Readable.from([objects.get(Key) ?? Buffer.from("nothing")]),
            }),
          ],
        },
      ),
  };
  const { gateway, port } = await startGateway({
    mode: "strict",
    loaders: [s3],
    keys: {
      [credentials.accessKeyId]: {
        ...credentials,
        sessionToken: undefined,
        expiresAtMs: undefined,
        principal: user,
      },
      [temporary.accessKeyId]: {
        ...temporary,
        expiresAtMs: Number.MAX_SAFE_INTEGER,
        principal: role,
      },
    },
  });
  const endpoint = `http://localhost:${port}`;
  return { endpoint, objects, port, [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose]() };
}

const keys = ["plain.txt", "a b/ü+&=?#%25.txt", "dots/./../x//y", "(paren)!'*~", "日本/語"];

test("strict mode takes what the JavaScript SDK signs, and nothing signed with another secret", async () => {
  await using server = await startStrict();
  const { endpoint } = server;
  const ask = async (given: object) => {
    const sts = new STSClient({
      endpoint,
      region: "eu-west-1",
      credentials: { ...credentials, ...given },
      maxAttempts: 1,
    });
    try {
      return (await sts.send(new GetCallerIdentityCommand({}))).Arn;
    } finally {
      sts.destroy();
    }
  };
  assert.equal(await ask({}), user.arn);
  assert.equal(await ask(temporary), role.arn);
  await assert.rejects(ask({ secretAccessKey: "wrong" }), { name: "SignatureDoesNotMatch" });
  await assert.rejects(ask({ accessKeyId: "AKIANOBODY0000000000" }), {
    name: "InvalidClientTokenId",
  });
  await assert.rejects(ask({ ...temporary, sessionToken: "other" }), {
    name: "InvalidClientTokenId",
  });
});

test("S3 uploads of the JavaScript SDK are verified: whole bodies, streams in chunks with trailers, any key", async () => {
  await using server = await startStrict();
  const { endpoint, objects } = server;
  const s3 = new S3Client({
    endpoint,
    region: "us-east-1",
    credentials,
    forcePathStyle: true,
    maxAttempts: 1,
  });
  for (const Key of keys) {
    await s3.send(new PutObjectCommand({ Bucket: "bucket", Key, Body: `body of ${Key}` }));
    assert.equal(objects.get(Key)?.toString(), `body of ${Key}`, Key);
  }
  const large = Buffer.alloc(300_000, "abcdefghij");
  const Body = Readable.from([large.subarray(0, 100_000), large.subarray(100_000)]);
  await s3.send(
    new PutObjectCommand({
      Bucket: "bucket",
      Key: "stream",
      Body,
      ContentLength: large.byteLength,
    }),
  );
  assert.deepEqual(objects.get("stream"), large);
  const read = await s3.send(new GetObjectCommand({ Bucket: "bucket", Key: "stream" }));
  assert.equal((await read.Body?.transformToByteArray())?.byteLength, large.byteLength);
  s3.destroy();
});

const python = `
import sys, json, io, urllib.request, urllib.error, boto3
from botocore.config import Config
endpoint, keys = sys.argv[1], json.loads(sys.argv[2])
plain = dict(aws_access_key_id=sys.argv[3], aws_secret_access_key=sys.argv[4])
token = dict(aws_access_key_id=sys.argv[5], aws_secret_access_key=sys.argv[6], aws_session_token=sys.argv[7])
common = dict(endpoint_url=endpoint, region_name="us-east-1")
out = {"arns": [], "codes": [], "presigned": []}
for given in (plain, token):
    out["arns"].append(boto3.client("sts", **common, **given).get_caller_identity()["Arn"])
for given in (dict(plain, aws_secret_access_key="wrong"), dict(plain, aws_access_key_id="AKIANOBODY0000000000")):
    client = boto3.client("sts", **common, **given)
    try: client.get_caller_identity()
    except client.exceptions.ClientError as error: out["codes"].append(error.response["Error"]["Code"])
s3 = boto3.client("s3", **common, **token, config=Config(s3={"addressing_style": "path"}, signature_version="s3v4"))
for key in keys:
    s3.put_object(Bucket="bucket", Key=key, Body=("from boto " + key).encode())
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": key}, ExpiresIn=60)
    out["presigned"].append(urllib.request.urlopen(url).read().decode())
s3.put_object(Bucket="bucket", Key="stream", Body=io.BytesIO(b"x" * 200000), ChecksumAlgorithm="CRC32")
url = s3.generate_presigned_url("put_object", Params={"Bucket": "bucket", "Key": "by-url"}, ExpiresIn=60)
urllib.request.urlopen(urllib.request.Request(url, data=b"uploaded", method="PUT", headers={"content-type": ""}))
for broken in (url.replace("by-url", "other"), url.replace("X-Amz-Expires=60", "X-Amz-Expires=600")):
    try: urllib.request.urlopen(urllib.request.Request(broken, data=b"no", method="PUT"))
    except urllib.error.HTTPError as error: out["codes"].append(error.code)
print(json.dumps(out))
`;

test(
  "strict mode takes what boto3 signs: headers, presigned URLs, streams",
  { skip: missingBoto() },
  async () => {
    await using server = await startStrict();
    const { stdout } = await run(
      "python3",
      [
        "-c",
        python,
        server.endpoint,
        JSON.stringify(keys),
        credentials.accessKeyId,
        credentials.secretAccessKey,
        temporary.accessKeyId,
        temporary.secretAccessKey,
        temporary.sessionToken,
      ],
      { env: { ...process.env, AWS_MAX_ATTEMPTS: "1" }, timeout: 60_000 },
    );
    assert.deepEqual(JSON.parse(stdout), {
      arns: [user.arn, role.arn],
      codes: ["SignatureDoesNotMatch", "InvalidClientTokenId", 403, 403],
      presigned: keys.map((key) => `from boto ${key}`),
    });
    assert.equal(server.objects.get("stream")?.byteLength, 200_000);
    assert.equal(server.objects.get("by-url")?.toString(), "uploaded");
  },
);

function missingBoto(): string | false {
  try {
    execFileSync("python3", ["-c", "import boto3"], { stdio: "ignore" });
    return false;
  } catch {
    return "python3 with boto3 is not installed";
  }
}
