import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import * as iam from "@aws-sdk/client-iam";
import * as s3 from "@aws-sdk/client-s3";
import * as sts from "@aws-sdk/client-sts";
import { defineService } from "#protocol/service/service.ts";
import { clientConfig, startTestServer } from "./test-server.ts";

test("awsQuery: IAM's nested lists and dates, STS' credentials, and its errors", async () => {
  const date = new Date("2026-01-02T03:04:05Z");
  const service = defineService<typeof iam>(
    {
      sdkId: "IAM",
      signingName: "iam",
      endpointPrefix: "iam",
      protocols: ["awsQuery"],
      apiVersion: "2010-05-08",
      xmlNamespace: "https://iam.amazonaws.com/doc/2010-05-08/",
      operationNames: ["CreateVirtualMFADevice"],
    },
    {
      CreateRole: [
        iam.CreateRole$,
        async (input) => {
          if (input.RoleName === "taken") {
            throw new iam.EntityAlreadyExistsException({
              message: "Role with name taken already exists.",
              $metadata: {},
            });
          }
          return {
            Role: {
              Path: input.Path,
              RoleName: input.RoleName,
              RoleId: "AROA",
              Arn: "arn",
              CreateDate: date,
              AssumeRolePolicyDocument: input.AssumeRolePolicyDocument,
              Tags: input.Tags,
              MaxSessionDuration: input.MaxSessionDuration,
            },
          };
        },
      ],
      DeleteRole: [iam.DeleteRole$, async () => ({})],
    },
  );
  await using server = await startTestServer(service);
  const client = new iam.IAMClient(clientConfig(server.endpoint));
  const Tags = [
    { Key: "a", Value: "1 & <2> \"3\" 'ü'\r\n" },
    { Key: "b", Value: "" },
  ];
  const { Role } = await client.send(
    new iam.CreateRoleCommand({
      Path: "/p/",
      RoleName: "r",
      AssumeRolePolicyDocument: '{"a":[1,2]}',
      Tags,
      MaxSessionDuration: 3600,
    }),
  );
  assert.deepEqual(Role?.Tags, Tags);
  assert.deepEqual(Role?.CreateDate, date);
  assert.equal(Role?.AssumeRolePolicyDocument, '{"a":[1,2]}');
  assert.equal(Role?.MaxSessionDuration, 3600);
  await client.send(new iam.DeleteRoleCommand({ RoleName: "r" }));
  await assert.rejects(
    client.send(new iam.CreateRoleCommand({ RoleName: "taken", AssumeRolePolicyDocument: "{}" })),
    (error: unknown) => {
      assert(error instanceof iam.EntityAlreadyExistsException);
      assert.equal(error.message, "Role with name taken already exists.");
      assert.equal(error.$metadata.httpStatusCode, 409);
      assert.match(error.$metadata.requestId ?? "", /^[0-9a-f-]{36}$/);
      return true;
    },
  );
  await assert.rejects(client.send(new iam.DeleteRoleCommand({ RoleName: undefined })), {
    name: "ValidationError",
    message:
      "1 validation error detected: Value null at 'roleName' failed to satisfy constraint: Member must not be null",
  });
  await assert.rejects(client.send(new iam.GetAccountSummaryCommand({})), {
    name: "InvalidAction",
    message: "Could not find operation GetAccountSummary for version 2010-05-08",
  });
  await assert.rejects(
    client.send(new iam.CreateVirtualMFADeviceCommand({ VirtualMFADeviceName: "m" })),
    {
      name: "NotImplemented",
      message: "IAM CreateVirtualMFADevice is not implemented by this server",
    },
  );

  const stsService = defineService<typeof sts>(
    {
      sdkId: "STS",
      signingName: "sts",
      endpointPrefix: "sts",
      protocols: ["awsQuery"],
      apiVersion: "2011-06-15",
      xmlNamespace: "https://sts.amazonaws.com/doc/2011-06-15/",
    },
    {
      AssumeRole: [
        sts.AssumeRole$,
        async (input) => ({
          Credentials: {
            AccessKeyId: "ASIA",
            SecretAccessKey: "s",
            SessionToken: input.RoleSessionName,
            Expiration: date,
          },
        }),
      ],
    },
  );
  await using stsServer = await startTestServer(stsService);
  const stsClient = new sts.STSClient(clientConfig(stsServer.endpoint));
  const assumed = await stsClient.send(
    new sts.AssumeRoleCommand({
      RoleArn: "arn:aws:iam::123456789012:role/r",
      RoleSessionName: "me",
    }),
  );
  assert.deepEqual(assumed.Credentials?.Expiration, date);
  assert.equal(assumed.Credentials?.SessionToken, "me");
});

test("restXml: S3's keys, metadata, streams, flattened lists and bare errors", async () => {
  const stored = new Map<string, { body: Buffer; metadata: Record<string, string> | undefined }>();
  const service = defineService<typeof s3>(
    {
      sdkId: "S3",
      signingName: "s3",
      endpointPrefix: "s3",
      protocols: ["restXml"],
      apiVersion: "2006-03-01",
      xmlNamespace: "http://s3.amazonaws.com/doc/2006-03-01/",
      model: () => import("@aws-sdk/client-s3"),
    },
    {
      PutObject: [
        s3.PutObject$,
        async (input) => {
          const chunks: Uint8Array[] = [];
          for await (const chunk of input.Body ?? []) chunks.push(chunk);
          const body = Buffer.concat(chunks);
          stored.set(`${input.Bucket}/${input.Key}`, { body, metadata: input.Metadata });
          return { ETag: '"etag"' };
        },
      ],
      GetObject: [
        s3.GetObject$,
        async (input) => {
          const found = stored.get(`${input.Bucket}/${input.Key}`);
          if (!found) {
            throw new s3.NoSuchKey({ message: "The specified key does not exist.", $metadata: {} });
          }
          return {
            Body: Readable.from([found.body.subarray(0, 2), found.body.subarray(2)]),
            Metadata: found.metadata,
            LastModified: new Date("2026-01-02T03:04:05Z"),
            ContentType: "text/x-test",
          };
        },
      ],
      UploadPart: [s3.UploadPart$, async (input) => ({ ETag: `part ${input.PartNumber}` })],
      ListObjectsV2: [
        s3.ListObjectsV2$,
        async (input) => ({
          Name: input.Bucket,
          Prefix: input.Prefix,
          KeyCount: stored.size,
          Contents: [...stored].map(([Key, { body }]) => ({
            Key,
            Size: body.byteLength,
            LastModified: new Date(0),
          })),
          CommonPrefixes: [{ Prefix: "a/" }, { Prefix: "b/" }],
        }),
      ],
      DeleteObjects: [
        s3.DeleteObjects$,
        async (input) => ({ Deleted: input.Delete.Objects?.map(({ Key }) => ({ Key })) }),
      ],
      CreateBucket: [
        s3.CreateBucket$,
        async (input) => ({
          Location: `/${input.Bucket}/${input.CreateBucketConfiguration?.LocationConstraint}`,
        }),
      ],
      ListBuckets: [s3.ListBuckets$, async () => ({ Buckets: [], Owner: { ID: "me" } })],
    },
  );
  await using server = await startTestServer(service);
  const client = new s3.S3Client({
    ...clientConfig(server.endpoint),
    forcePathStyle: true,
    requestChecksumCalculation: "WHEN_REQUIRED",
  });
  const Bucket = "b";
  const Key = "dir/a b&ü+?.txt";
  await client.send(
    new s3.PutObjectCommand({ Bucket, Key, Body: "hello", Metadata: { one: "1", two: "2" } }),
  );
  const got = await client.send(new s3.GetObjectCommand({ Bucket, Key }));
  assert.equal(await got.Body?.transformToString(), "hello");
  assert.deepEqual(got.Metadata, { one: "1", two: "2" });
  assert.equal(got.ContentType, "text/x-test");
  assert.equal(got.LastModified?.toISOString(), "2026-01-02T03:04:05.000Z");
  await assert.rejects(client.send(new s3.GetObjectCommand({ Bucket, Key: "none" })), s3.NoSuchKey);
  const part = await client.send(
    new s3.UploadPartCommand({ Bucket, Key, UploadId: "u", PartNumber: 3, Body: "x" }),
  );
  assert.equal(part.ETag, "part 3");
  const list = await client.send(new s3.ListObjectsV2Command({ Bucket, Prefix: "d" }));
  assert.deepEqual(
    list.Contents?.map(({ Key, Size }) => ({ Key, Size })),
    [{ Key: `${Bucket}/${Key}`, Size: 5 }],
  );
  assert.deepEqual(list.CommonPrefixes, [{ Prefix: "a/" }, { Prefix: "b/" }]);
  const deleted = await client.send(
    new s3.DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: "x" }, { Key: "<y>" }] } }),
  );
  assert.deepEqual(deleted.Deleted, [{ Key: "x" }, { Key: "<y>" }]);
  const bucket = await client.send(
    new s3.CreateBucketCommand({
      Bucket: "new",
      CreateBucketConfiguration: { LocationConstraint: "eu-west-1" },
    }),
  );
  assert.equal(bucket.Location, "/new/eu-west-1");
  assert.equal((await client.send(new s3.ListBucketsCommand({}))).Owner?.ID, "me");
  await assert.rejects(client.send(new s3.GetBucketAclCommand({ Bucket })), {
    name: "NotImplemented",
    message: "S3 GetBucketAcl is not implemented by this server",
  });
  const patched = await fetch(`${server.endpoint}/b/k`, { method: "PATCH" });
  assert.equal(patched.status, 405);
  assert.match(await patched.text(), /<Error><Code>MethodNotAllowed<\/Code>/);
});
