/**
 * Policies that AWS itself provides and templates attach by name. Those of service roles carry their
 * document; the rest can be attached and listed, and asking for their document is an error that says
 * so. Source: https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html
 * (seen 2026-11).
 */
export interface AwsManagedPolicy {
  readonly name: string;
  readonly path: string;
  readonly arn: string;
  readonly id: string;
  readonly versionId: string;
  readonly document: string | undefined;
}

const anyResource = (...actions: readonly string[]): readonly object[] => [
  { Effect: "Allow", Action: actions, Resource: "*" },
];

const logs = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"];
const networkInterfaces = [
  "ec2:CreateNetworkInterface",
  "ec2:DescribeNetworkInterfaces",
  "ec2:DescribeSubnets",
  "ec2:DeleteNetworkInterface",
  "ec2:AssignPrivateIpAddresses",
  "ec2:UnassignPrivateIpAddresses",
];

/** Path and name behind `policy`, to statements; undefined where only the name is known here. */
const catalogue: Readonly<Record<string, readonly object[] | undefined>> = {
  "/AWSLambdaExecute": [
    { Effect: "Allow", Action: ["logs:*"], Resource: "arn:aws:logs:*:*:*" },
    { Effect: "Allow", Action: ["s3:GetObject", "s3:PutObject"], Resource: "arn:aws:s3:::*" },
  ],
  "/AWSXRayDaemonWriteAccess": anyResource(
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:GetSamplingStatisticSummaries",
  ),
  "/AWSXrayWriteOnlyAccess": anyResource(
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:GetSamplingStatisticSummaries",
  ),
  "/AdministratorAccess": [{ Effect: "Allow", Action: "*", Resource: "*" }],
  "/AmazonDynamoDBFullAccess": undefined,
  "/AmazonDynamoDBReadOnlyAccess": undefined,
  "/AmazonEventBridgeFullAccess": undefined,
  "/AmazonKinesisFullAccess": anyResource("kinesis:*"),
  "/AmazonKinesisReadOnlyAccess": anyResource("kinesis:Get*", "kinesis:List*", "kinesis:Describe*"),
  "/AmazonS3FullAccess": anyResource("s3:*", "s3-object-lambda:*"),
  "/AmazonS3ReadOnlyAccess": anyResource(
    "s3:Get*",
    "s3:List*",
    "s3:Describe*",
    "s3-object-lambda:Get*",
    "s3-object-lambda:List*",
  ),
  "/AmazonSESFullAccess": anyResource("ses:*"),
  "/AmazonSNSFullAccess": undefined,
  "/AmazonSNSReadOnlyAccess": undefined,
  "/AmazonSQSFullAccess": anyResource("sqs:*"),
  "/AmazonSQSReadOnlyAccess": anyResource(
    "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl",
    "sqs:ListDeadLetterSourceQueues",
    "sqs:ListQueues",
    "sqs:ListMessageMoveTasks",
    "sqs:ListQueueTags",
  ),
  "/AmazonSSMReadOnlyAccess": anyResource("ssm:Describe*", "ssm:Get*", "ssm:List*"),
  "/AmazonSSMManagedInstanceCore": undefined,
  "/AmazonVPCFullAccess": undefined,
  "/AWSLambda_FullAccess": undefined,
  "/AWSLambda_ReadOnlyAccess": undefined,
  "/AWSStepFunctionsFullAccess": anyResource("states:*"),
  "/CloudWatchFullAccess": undefined,
  "/CloudWatchLambdaInsightsExecutionRolePolicy": [
    { Effect: "Allow", Action: "logs:CreateLogGroup", Resource: "*" },
    {
      Effect: "Allow",
      Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
      Resource: "arn:aws:logs:*:*:log-group:/aws/lambda-insights:*",
    },
  ],
  "/CloudWatchLogsFullAccess": undefined,
  "/CloudWatchLogsReadOnlyAccess": undefined,
  "/IAMFullAccess": undefined,
  "/IAMReadOnlyAccess": undefined,
  "/PowerUserAccess": undefined,
  "/ReadOnlyAccess": undefined,
  "/SecretsManagerReadWrite": undefined,
  "/service-role/AWSLambdaBasicExecutionRole": anyResource(...logs),
  "/service-role/AWSLambdaVPCAccessExecutionRole": anyResource(...logs, ...networkInterfaces),
  "/service-role/AWSLambdaENIManagementAccess": anyResource(...networkInterfaces),
  "/service-role/AWSLambdaSQSQueueExecutionRole": anyResource(
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    ...logs,
  ),
  "/service-role/AWSLambdaDynamoDBExecutionRole": anyResource(
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
    ...logs,
  ),
  "/service-role/AWSLambdaKinesisExecutionRole": anyResource(
    "kinesis:DescribeStream",
    "kinesis:DescribeStreamSummary",
    "kinesis:GetRecords",
    "kinesis:GetShardIterator",
    "kinesis:ListShards",
    "kinesis:ListStreams",
    "kinesis:SubscribeToShard",
    ...logs,
  ),
  "/service-role/AWSLambdaMSKExecutionRole": anyResource(
    "kafka:DescribeCluster",
    "kafka:DescribeClusterV2",
    "kafka:GetBootstrapBrokers",
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeVpcs",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeSubnets",
    "ec2:DescribeSecurityGroups",
    ...logs,
  ),
  "/service-role/AWSLambdaRole": anyResource("lambda:InvokeFunction"),
  "/service-role/AmazonAPIGatewayPushToCloudWatchLogs": anyResource(
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:DescribeLogGroups",
    "logs:DescribeLogStreams",
    "logs:PutLogEvents",
    "logs:GetLogEvents",
    "logs:FilterLogEvents",
  ),
  "/service-role/AmazonECSTaskExecutionRolePolicy": anyResource(
    "ecr:GetAuthorizationToken",
    "ecr:BatchCheckLayerAvailability",
    "ecr:GetDownloadUrlForLayer",
    "ecr:BatchGetImage",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
  ),
  "/service-role/CloudWatchEventsBuiltInTargetExecutionAccess": undefined,
};

/** When these policies count as created; the real dates differ per policy and nothing reads them. */
export const awsManagedSinceMs = Date.UTC(2015, 1, 6);

/** Every policy known here, by path and name. */
export function awsManagedPolicies(): readonly AwsManagedPolicy[] {
  return Object.keys(catalogue).map((suffix) => describe(suffix));
}

/** Undefined when the ARN is not one of AWS' own, or one this list does not have. */
export function awsManagedPolicy(policyArn: string): AwsManagedPolicy | undefined {
  const suffix = /^arn:aws[a-z-]*:iam::aws:policy(\/.+)$/.exec(policyArn)?.[1];
  return suffix !== undefined && suffix in catalogue ? describe(suffix) : undefined;
}

function describe(suffix: string): AwsManagedPolicy {
  const cut = suffix.lastIndexOf("/") + 1;
  const statements = catalogue[suffix];
  const name = suffix.slice(cut);
  return {
    name,
    path: suffix.slice(0, cut),
    arn: `arn:aws:iam::aws:policy${suffix}`,
    id: `ANPA${idTail(suffix)}`,
    versionId: "v1",
    document:
      statements && JSON.stringify({ Version: "2012-10-17", Statement: statements }, undefined, 2),
  };
}

/** 17 stable characters of an id's alphabet from the name (FNV-1a, repeated). */
function idTail(text: string): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  let tail = "";
  let hash = 0x811c9dc5;
  for (let round = 0; round < 17; round++) {
    for (const character of text) {
      hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193) >>> 0;
    }
    tail += alphabet.charAt(hash >>> 27);
  }
  return tail;
}
