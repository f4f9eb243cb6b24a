import { CreateTableCommand, DynamoDBClient, waitUntilTableExists } from "@aws-sdk/client-dynamodb";
import {
  AddPermissionCommand,
  CreateEventSourceMappingCommand,
  CreateFunctionCommand,
  GetEventSourceMappingCommand,
  LambdaClient,
  waitUntilFunctionActiveV2,
} from "@aws-sdk/client-lambda";
import {
  CreateBucketCommand,
  PutBucketNotificationConfigurationCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { CreateTopicCommand, SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";

/** What SDK clients are made with. */
export interface Settings {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** Where things are once they are deployed. */
export interface Deployed {
  readonly bucket: string;
  readonly table: string;
  readonly topicArn: string;
  readonly queueUrl: string;
}

/**
 * Bucket → thumbnail function → table → stream → announcing function → topic → queue, with the ordinary
 * SDK. `code` holds the two functions as zip archives with an `index.handler`; `name` begins every name.
 */
export async function deployThumbnails(
  settings: Settings,
  {
    name,
    code,
  }: { readonly name: string; readonly code: { readonly [handler: string]: Uint8Array } },
): Promise<Deployed> {
  const { queueUrl, queueArn } = await createQueue(settings, name);
  const topicArn = await createTopic(settings, name, queueArn);
  const table = await createTable(settings, name);
  const bucket = `${name}-images`;
  const thumbnailArn = await createFunction(settings, {
    name: `${name}-thumbnail`,
    code: code["thumbnail"],
    variables: { TABLE: table.name },
  });
  const announceArn = await createFunction(settings, {
    name: `${name}-announce`,
    code: code["announce"],
    variables: { TOPIC: topicArn },
  });
  await connectStream(settings, table.streamArn, announceArn);
  await createBucket(settings, bucket, thumbnailArn);
  return { bucket, table: table.name, topicArn, queueUrl };
}

async function createQueue(settings: Settings, name: string) {
  const sqs = new SQSClient(settings);
  const { QueueUrl = "" } = await sqs.send(
    new CreateQueueCommand({ QueueName: `${name}-announcements` }),
  );
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] }),
  );
  const queueArn = Attributes?.["QueueArn"] ?? "";
  const statement = {
    Effect: "Allow",
    Principal: { Service: "sns.amazonaws.com" },
    Action: "sqs:SendMessage",
    Resource: queueArn,
  };
  const Policy = JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }));
  return { queueUrl: QueueUrl, queueArn };
}

/** The queue hears only of images that are wider than 100 pixels. */
async function createTopic(settings: Settings, name: string, queueArn: string): Promise<string> {
  const sns = new SNSClient(settings);
  const { TopicArn = "" } = await sns.send(new CreateTopicCommand({ Name: `${name}-thumbnails` }));
  const Attributes = { FilterPolicy: JSON.stringify({ width: [{ numeric: [">", 100] }] }) };
  await sns.send(
    new SubscribeCommand({ TopicArn, Protocol: "sqs", Endpoint: queueArn, Attributes }),
  );
  return TopicArn;
}

async function createTable(settings: Settings, name: string) {
  const dynamodb = new DynamoDBClient(settings);
  const TableName = `${name}-thumbnails`;
  const { TableDescription } = await dynamodb.send(
    new CreateTableCommand({
      TableName,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [{ AttributeName: "key", AttributeType: "S" }],
      KeySchema: [{ AttributeName: "key", KeyType: "HASH" }],
      StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_IMAGE" },
    }),
  );
  await waitUntilTableExists({ client: dynamodb, maxWaitTime: 30, minDelay: 1 }, { TableName });
  return { name: TableName, streamArn: TableDescription?.LatestStreamArn ?? "" };
}

async function createFunction(
  settings: Settings,
  made: {
    readonly name: string;
    readonly code: Uint8Array | undefined;
    readonly variables: Record<string, string>;
  },
): Promise<string> {
  const lambda = new LambdaClient(settings);
  const { FunctionArn = "" } = await lambda.send(
    new CreateFunctionCommand({
      FunctionName: made.name,
      Runtime: "nodejs24.x",
      Handler: "index.handler",
      Role: "arn:aws:iam::000000000000:role/thumbnails",
      MemorySize: 512,
      Timeout: 30,
      Environment: { Variables: made.variables },
      Code: { ZipFile: made.code },
    }),
  );
  await waitUntilFunctionActiveV2(
    { client: lambda, maxWaitTime: 30, minDelay: 1 },
    { FunctionName: made.name },
  );
  return FunctionArn;
}

async function connectStream(
  settings: Settings,
  EventSourceArn: string,
  FunctionName: string,
): Promise<void> {
  const lambda = new LambdaClient(settings);
  const { UUID } = await lambda.send(
    new CreateEventSourceMappingCommand({
      EventSourceArn,
      FunctionName,
      StartingPosition: "TRIM_HORIZON",
      BatchSize: 10,
    }),
  );
  for (;;) {
    const { State } = await lambda.send(new GetEventSourceMappingCommand({ UUID }));
    if (State === "Enabled") return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function createBucket(
  settings: Settings,
  Bucket: string,
  functionArn: string,
): Promise<void> {
  const s3 = new S3Client({ ...settings, forcePathStyle: true });
  await s3.send(new CreateBucketCommand({ Bucket }));
  await new LambdaClient(settings).send(
    new AddPermissionCommand({
      FunctionName: functionArn,
      StatementId: "from-the-bucket",
      Action: "lambda:InvokeFunction",
      Principal: "s3.amazonaws.com",
      SourceArn: `arn:aws:s3:::${Bucket}`,
    }),
  );
  const FilterRules = [{ Name: "prefix" as const, Value: "originals/" }];
  await s3.send(
    new PutBucketNotificationConfigurationCommand({
      Bucket,
      NotificationConfiguration: {
        LambdaFunctionConfigurations: [
          {
            LambdaFunctionArn: functionArn,
            Events: ["s3:ObjectCreated:*"],
            Filter: { Key: { FilterRules } },
          },
        ],
      },
    }),
  );
}
