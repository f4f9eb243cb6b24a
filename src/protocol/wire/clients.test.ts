import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import * as logs from "@aws-sdk/client-cloudwatch-logs";
import * as iam from "@aws-sdk/client-iam";
import * as lambda from "@aws-sdk/client-lambda";
import * as s3 from "@aws-sdk/client-s3";
import * as sqs from "@aws-sdk/client-sqs";
import * as sts from "@aws-sdk/client-sts";
import { AwsSmithyRpcV2CborProtocol } from "@aws-sdk/core/protocols";
import { defineService } from "#protocol/service/service.ts";
import { clientConfig, startTestServer } from "./test-server.ts";

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString("utf8");

test("restJson1: Lambda's functions, payloads, header members and errors pass through its client", async () => {
  const service = defineService<typeof lambda>(
    {
      sdkId: "Lambda",
      signingName: "lambda",
      endpointPrefix: "lambda",
      protocols: ["restJson1"],
      apiVersion: "2015-03-31",
      model: () => import("@aws-sdk/client-lambda"),
    },
    {
      Invoke: [
        lambda.Invoke$,
        async (input) => ({
          StatusCode: input.InvocationType === "Event" ? 202 : 200,
          FunctionError: "Unhandled",
          ExecutedVersion: input.Qualifier,
          Payload: Buffer.from(`${input.FunctionName}:${text(input.Payload)}`),
        }),
        { payloadContentType: "application/json" },
      ],
      CreateFunction: [
        lambda.CreateFunction$,
        async (input) => ({
          FunctionName: input.FunctionName,
          CodeSize: input.Code.ZipFile?.byteLength ?? 0,
          Environment: { Variables: input.Environment?.Variables },
          MemorySize: input.MemorySize,
        }),
      ],
      GetFunction: [
        lambda.GetFunction$,
        async (input) => {
          if (input.FunctionName === "busy") {
            throw new lambda.TooManyRequestsException({
              message: "Rate Exceeded.",
              Reason: "CallerRateLimitExceeded",
              retryAfterSeconds: "7",
              $metadata: {},
            });
          }
          throw new lambda.ResourceNotFoundException({
            message: "",
            Message: `Function not found: ${input.FunctionName}`,
            Type: "User",
            $metadata: {},
          });
        },
      ],
      ListFunctions: [
        lambda.ListFunctions$,
        async (input) => ({ Functions: [], NextMarker: `${input.MaxItems}|${input.Marker}` }),
      ],
      UntagResource: [
        lambda.UntagResource$,
        async (input) => {
          assert.deepEqual(input.TagKeys, ["a", "b,c"]);
          return {};
        },
      ],
    },
  );
  await using server = await startTestServer(service);
  const client = new lambda.LambdaClient(clientConfig(server.endpoint));

  const invoked = await client.send(
    new lambda.InvokeCommand({
      FunctionName: "arn:aws:lambda:us-east-1:123456789012:function:echo",
      Qualifier: "live",
      InvocationType: "Event",
      Payload: '{"a":"ü"}',
    }),
  );
  assert.equal(invoked.StatusCode, 202);
  assert.equal(invoked.FunctionError, "Unhandled");
  assert.equal(invoked.ExecutedVersion, "live");
  assert.equal(
    text(invoked.Payload),
    'arn:aws:lambda:us-east-1:123456789012:function:echo:{"a":"ü"}',
  );

  const created = await client.send(
    new lambda.CreateFunctionCommand({
      FunctionName: "f",
      Role: "arn:aws:iam::123456789012:role/r",
      Code: { ZipFile: new Uint8Array(1000).fill(7) },
      Environment: { Variables: { constructor: "x", ["__proto__"]: "y" } },
      MemorySize: 256,
    }),
  );
  assert.equal(created.CodeSize, 1000);
  assert.equal(created.MemorySize, 256);
  assert.deepEqual(Object.entries(created.Environment?.Variables ?? {}), [
    ["constructor", "x"],
    ["__proto__", "y"],
  ]);

  await assert.rejects(
    client.send(new lambda.GetFunctionCommand({ FunctionName: "none" })),
    (error: unknown) => {
      assert(error instanceof lambda.ResourceNotFoundException);
      assert.equal(error.message, "Function not found: none");
      assert.equal(error.Type, "User");
      assert.equal(error.$metadata.httpStatusCode, 404);
      assert.match(error.$metadata.requestId ?? "", /^[0-9a-f-]{36}$/);
      return true;
    },
  );
  await assert.rejects(
    client.send(new lambda.GetFunctionCommand({ FunctionName: "busy" })),
    (error: unknown) => {
      assert(error instanceof lambda.TooManyRequestsException);
      assert.equal(error.retryAfterSeconds, "7");
      assert.equal(error.Reason, "CallerRateLimitExceeded");
      assert.equal(error.$metadata.httpStatusCode, 429);
      return true;
    },
  );
  const list = await client.send(new lambda.ListFunctionsCommand({ MaxItems: 3, Marker: "m/ü" }));
  assert.equal(list.NextMarker, "3|m/ü");
  await client.send(
    new lambda.UntagResourceCommand({
      Resource: "arn:aws:lambda:us-east-1:123456789012:function:f",
      TagKeys: ["a", "b,c"],
    }),
  );

  await assert.rejects(client.send(new lambda.ListLayersCommand({})), (error: unknown) => {
    assert(error instanceof lambda.LambdaServiceException);
    assert.equal(error.name, "NotImplementedException");
    assert.equal(error.message, "Lambda ListLayers is not implemented by this server");
    assert.equal(error.$metadata.httpStatusCode, 501);
    return true;
  });
  const unknown = await fetch(`${server.endpoint}/2015-03-31/nothing`);
  assert.equal(unknown.status, 404);
  assert.equal(unknown.headers.get("x-amzn-errortype"), "UnknownOperationException");
});

test("restJson1: an event stream reaches the client frame by frame, and its failure as an exception", async () => {
  async function* events(
    fails: boolean,
  ): AsyncGenerator<lambda.InvokeWithResponseStreamResponseEvent> {
    yield { PayloadChunk: { Payload: Buffer.from("one ") } };
    yield { PayloadChunk: { Payload: Buffer.from("two") } };
    if (fails) throw new TypeError("secret detail");
    yield { InvokeComplete: { ErrorCode: "Unhandled", LogResult: "bG9n" } };
  }
  const service = defineService<typeof lambda>(
    {
      sdkId: "Lambda",
      signingName: "lambda",
      endpointPrefix: "lambda",
      protocols: ["restJson1"],
      apiVersion: "2015-03-31",
    },
    {
      InvokeWithResponseStream: [
        lambda.InvokeWithResponseStream$,
        async (input) => ({
          StatusCode: 200,
          ExecutedVersion: "$LATEST",
          EventStream: events(input.FunctionName === "fails"),
        }),
      ],
    },
  );
  await using server = await startTestServer(service);
  const client = new lambda.LambdaClient(clientConfig(server.endpoint));
  const run = async (name: string): Promise<string> => {
    const command = new lambda.InvokeWithResponseStreamCommand({ FunctionName: name });
    const output = await client.send(command);
    assert.equal(output.ExecutedVersion, "$LATEST");
    let seen = "";
    for await (const event of output.EventStream ?? []) {
      if (event.PayloadChunk) seen += text(event.PayloadChunk.Payload);
      if (event.InvokeComplete)
        seen += `|${event.InvokeComplete.ErrorCode}|${event.InvokeComplete.LogResult}`;
    }
    return seen;
  };
  assert.equal(await run("f"), "one two|Unhandled|bG9n");
  await assert.rejects(run("fails"), (error: unknown) => {
    assert(error instanceof Error);
    assert.match(error.message, /unknown error/);
    assert.doesNotMatch(error.message, /secret/);
    return true;
  });
});

test("awsJson1_1: CloudWatch Logs, with an initial response before its live tail", async () => {
  async function* tail(): AsyncGenerator<logs.StartLiveTailResponseStream> {
    yield { sessionStart: { requestId: "r", logGroupIdentifiers: ["g"] } };
    yield { sessionUpdate: { sessionResults: [{ message: "hello", timestamp: 5 }] } };
    throw new logs.SessionTimeoutException({ message: "over", $metadata: {} });
  }
  const service = defineService<typeof logs>(
    {
      sdkId: "CloudWatch Logs",
      signingName: "logs",
      endpointPrefix: "logs",
      protocols: ["awsJson1_1"],
      targetPrefix: "Logs_20140328",
      apiVersion: "2014-03-28",
      operationNames: ["DeleteDestination"],
    },
    {
      PutLogEvents: [
        logs.PutLogEvents$,
        async (input) => ({ nextSequenceToken: JSON.stringify(input.logEvents) }),
      ],
      CreateLogGroup: [
        logs.CreateLogGroup$,
        async (input) => {
          if (input.logGroupName !== "taken") return {};
          throw new logs.ResourceAlreadyExistsException({
            message: "The specified log group already exists",
            $metadata: {},
          });
        },
      ],
      StartLiveTail: [logs.StartLiveTail$, async () => ({ responseStream: tail() })],
    },
  );
  await using server = await startTestServer(service);
  const client = new logs.CloudWatchLogsClient({
    ...clientConfig(server.endpoint),
    disableHostPrefix: true,
  });
  const logEvents = [{ timestamp: 1_700_000_000_000, message: "line \u{1f30a}" }];
  const put = await client.send(
    new logs.PutLogEventsCommand({ logGroupName: "g", logStreamName: "s", logEvents }),
  );
  assert.deepEqual(JSON.parse(put.nextSequenceToken ?? ""), logEvents);
  await client.send(new logs.CreateLogGroupCommand({ logGroupName: "new", tags: { a: "b" } }));
  await assert.rejects(
    client.send(new logs.CreateLogGroupCommand({ logGroupName: "taken" })),
    logs.ResourceAlreadyExistsException,
  );
  await assert.rejects(
    client.send(new logs.CreateLogGroupCommand({ logGroupName: undefined })),
    (error: unknown) => {
      assert(error instanceof Error);
      assert.equal(error.name, "ValidationException");
      assert.equal(
        error.message,
        "1 validation error detected: Value null at 'logGroupName' failed to satisfy constraint: Member must not be null",
      );
      return true;
    },
  );
  await assert.rejects(client.send(new logs.DeleteDestinationCommand({ destinationName: "d" })), {
    name: "NotImplementedException",
  });
  await assert.rejects(client.send(new logs.ListAnomaliesCommand({})), {
    name: "UnknownOperationException",
  });

  const live = await client.send(new logs.StartLiveTailCommand({ logGroupIdentifiers: ["g"] }));
  const seen: string[] = [];
  await assert.rejects(async () => {
    for await (const event of live.responseStream ?? []) {
      seen.push(
        event.sessionStart?.requestId ?? event.sessionUpdate?.sessionResults?.[0]?.message ?? "?",
      );
    }
  }, logs.SessionTimeoutException);
  assert.deepEqual(seen, ["r", "hello"]);
});

test("rpcV2Cbor: the Logs client, told to speak CBOR, with dates, bytes, errors and its live tail", async () => {
  async function* tail(): AsyncGenerator<logs.StartLiveTailResponseStream> {
    yield { sessionStart: { sessionId: "s", logGroupIdentifiers: ["g"] } };
    yield { sessionUpdate: { sessionResults: [{ message: "hello \u{1f30a}", timestamp: 5 }] } };
  }
  const service = defineService<typeof logs>(
    {
      sdkId: "CloudWatch Logs",
      signingName: "logs",
      endpointPrefix: "logs",
      protocols: ["awsJson1_1", "rpcV2Cbor"],
      targetPrefix: "Logs_20140328",
      apiVersion: "2014-03-28",
    },
    {
      PutLogEvents: [
        logs.PutLogEvents$,
        async (input) => ({ nextSequenceToken: JSON.stringify(input.logEvents) }),
      ],
      CreateLogGroup: [logs.CreateLogGroup$, async () => ({})],
      DescribeLogGroups: [
        logs.DescribeLogGroups$,
        async (input) => {
          if (input.limit === undefined) return {};
          throw new logs.InvalidParameterException({ message: "limit", $metadata: {} });
        },
      ],
      StartLiveTail: [logs.StartLiveTail$, async () => ({ responseStream: tail() })],
    },
  );
  await using server = await startTestServer(service);
  const client = new logs.CloudWatchLogsClient({
    ...clientConfig(server.endpoint),
    disableHostPrefix: true,
    protocol: AwsSmithyRpcV2CborProtocol,
  });
  const logEvents = [{ timestamp: 1_700_000_000_123, message: "line" }];
  const put = await client.send(
    new logs.PutLogEventsCommand({ logGroupName: "g", logStreamName: "s", logEvents }),
  );
  assert.deepEqual(JSON.parse(put.nextSequenceToken ?? ""), logEvents);
  assert.match(server.seen[0]?.path ?? "", /^\/service\/[^/]+\/operation\/PutLogEvents$/);
  await client.send(new logs.CreateLogGroupCommand({ logGroupName: "new", tags: { a: "b" } }));
  await assert.rejects(
    client.send(new logs.DescribeLogGroupsCommand({ limit: 1 })),
    logs.InvalidParameterException,
  );
  await assert.rejects(client.send(new logs.ListAnomaliesCommand({})), {
    name: "UnknownOperationException",
  });
  const live = await client.send(new logs.StartLiveTailCommand({ logGroupIdentifiers: ["g"] }));
  const seen: unknown[] = [];
  for await (const event of live.responseStream ?? []) {
    seen.push(event.sessionStart?.sessionId ?? event.sessionUpdate?.sessionResults?.[0]?.message);
  }
  assert.deepEqual(seen, ["s", "hello \u{1f30a}"]);
});

test("awsJson1_0: SQS, with the old error code in x-amzn-query-error", async () => {
  const service = defineService<typeof sqs>(
    {
      sdkId: "SQS",
      signingName: "sqs",
      endpointPrefix: "sqs",
      protocols: ["awsJson1_0"],
      targetPrefix: "AmazonSQS",
      apiVersion: "2012-11-05",
      isQueryCompatible: true,
      missingMembers: () => ({
        code: "MissingParameter",
        message: "The request must contain the parameter QueueName.",
      }),
    },
    {
      CreateQueue: [
        sqs.CreateQueue$,
        async (input) => ({ QueueUrl: `${input.QueueName}?${JSON.stringify(input.Attributes)}` }),
      ],
      GetQueueUrl: [
        sqs.GetQueueUrl$,
        async () => {
          throw new sqs.QueueDoesNotExist({
            message: "The specified queue does not exist.",
            $metadata: {},
          });
        },
      ],
    },
  );
  await using server = await startTestServer(service);
  const client = new sqs.SQSClient(clientConfig(server.endpoint));
  const created = await client.send(
    new sqs.CreateQueueCommand({ QueueName: "q", Attributes: { DelaySeconds: "5" } }),
  );
  assert.equal(created.QueueUrl, 'q?{"DelaySeconds":"5"}');
  await assert.rejects(client.send(new sqs.CreateQueueCommand({ QueueName: undefined })), {
    name: "MissingParameter",
    message: "The request must contain the parameter QueueName.",
  });
  await assert.rejects(
    client.send(new sqs.GetQueueUrlCommand({ QueueName: "q" })),
    (error: unknown) => {
      assert(error instanceof sqs.QueueDoesNotExist);
      assert.equal(error.message, "The specified queue does not exist.");
      return true;
    },
  );
  const raw = await fetch(server.endpoint, {
    method: "POST",
    headers: {
      "x-amz-target": "AmazonSQS.GetQueueUrl",
      "content-type": "application/x-amz-json-1.0",
    },
    body: '{"QueueName":"q"}',
  });
  assert.equal(
    raw.headers.get("x-amzn-query-error"),
    "AWS.SimpleQueueService.NonExistentQueue;Sender",
  );
  assert.deepEqual(await raw.json(), {
    __type: "com.amazonaws.sqs#QueueDoesNotExist",
    message: "The specified queue does not exist.",
  });
});

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
