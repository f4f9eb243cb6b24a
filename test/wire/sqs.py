"""boto3 against both protocols of SQS: prints one line of JSON per step."""

import json
import sys

import boto3
from botocore.config import Config

endpoint = sys.argv[1]
sqs = boto3.client(
    "sqs",
    endpoint_url=endpoint,
    region_name="us-east-1",
    aws_access_key_id="test",
    aws_secret_access_key="test",
    config=Config(retries={"max_attempts": 1}),
)


def tell(step, **values):
    print(json.dumps({"step": step, **values}))


url = sqs.create_queue(
    QueueName="py.fifo", Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "true"}
)["QueueUrl"]
for body in ["one", "two", "one"]:
    sqs.send_message(
        QueueUrl=url,
        MessageBody=body,
        MessageGroupId="g",
        MessageAttributes={"b": {"DataType": "Binary", "BinaryValue": b"\x00\x01"}},
    )
got = sqs.receive_message(
    QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"], MessageAttributeNames=["All"]
)["Messages"]
tell("received", bodies=[each["Body"] for each in got], groups=[each["Attributes"]["MessageGroupId"] for each in got])
deleted = sqs.delete_message_batch(
    QueueUrl=url,
    Entries=[{"Id": str(at), "ReceiptHandle": each["ReceiptHandle"]} for at, each in enumerate(got)],
)
tell("deleted", count=len(deleted["Successful"]))
try:
    sqs.get_queue_url(QueueName="none")
except sqs.exceptions.QueueDoesNotExist as error:
    tell("missing", code=error.response["Error"]["Code"], status=error.response["ResponseMetadata"]["HTTPStatusCode"])
try:
    sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=11)
except sqs.exceptions.ClientError as error:
    tell("invalid", code=error.response["Error"]["Code"])
