"""boto3 against EventBridge, its Scheduler, a queue and a bucket: prints one line of JSON per step."""

import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

endpoint = sys.argv[1]


def client(name):
    return boto3.client(
        name,
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}),
    )


def tell(step, **values):
    print(json.dumps({"step": step, **values}))


events, scheduler, sqs, s3 = client("events"), client("scheduler"), client("sqs"), client("s3")
url = sqs.create_queue(QueueName="seen")["QueueUrl"]
arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def received():
    messages = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20).get("Messages", [])
    for message in messages:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [message["Body"] for message in messages]


events.put_rule(Name="objects", EventPattern=json.dumps({"source": ["aws.s3"], "detail-type": ["Object Created"]}))
transformer = {
    "InputPathsMap": {"key": "$.detail.object.key", "bucket": "$.detail.bucket.name"},
    "InputTemplate": '{"what": "<bucket>/<key>"}',
}
put = events.put_targets(Rule="objects", Targets=[{"Id": "1", "Arn": arn, "InputTransformer": transformer}])
tell("targets", failed=put["FailedEntryCount"])
s3.create_bucket(Bucket="pictures")
s3.put_bucket_notification_configuration(
    Bucket="pictures", NotificationConfiguration={"EventBridgeConfiguration": {}}
)
s3.put_object(Bucket="pictures", Key="a.png", Body=b"x")
tell("object", bodies=received())
try:
    events.put_rule(Name="bad", EventPattern='{"source": "x"}')
except ClientError as error:
    tell("refused", code=error.response["Error"]["Code"])
scheduler.create_schedule(
    Name="soon",
    ScheduleExpression="rate(1 hour)",
    FlexibleTimeWindow={"Mode": "OFF"},
    Target={"Arn": arn, "RoleArn": "arn:aws:iam::000000000000:role/r", "Input": "tick"},
)
tell("scheduled", bodies=received())
scheduler.update_schedule(
    Name="soon",
    ScheduleExpression="at(2020-01-01T00:00:00)",
    FlexibleTimeWindow={"Mode": "OFF"},
    Target={
        "Arn": "arn:aws:scheduler:::aws-sdk:sqs:sendMessage",
        "RoleArn": "arn:aws:iam::000000000000:role/r",
        "Input": json.dumps({"QueueUrl": url, "MessageBody": "called"}),
    },
)
scheduler.create_schedule(
    Name="call",
    ScheduleExpression="rate(1 hour)",
    FlexibleTimeWindow={"Mode": "OFF"},
    Target={
        "Arn": "arn:aws:scheduler:::aws-sdk:sqs:sendMessage",
        "RoleArn": "arn:aws:iam::000000000000:role/r",
        "Input": json.dumps({"QueueUrl": url, "MessageBody": "called"}),
    },
)
tell("called", bodies=received())
