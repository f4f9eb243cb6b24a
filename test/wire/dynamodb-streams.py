"""PartiQL and DynamoDB Streams through boto3, as an application would; prints one JSON line a step."""

import json
import sys
from decimal import Decimal

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

options = dict(
    endpoint_url=sys.argv[1],
    region_name="us-east-1",
    aws_access_key_id="test",
    aws_secret_access_key="test",
    config=Config(retries={"max_attempts": 1}),
)


def report(step, **values):
    print(json.dumps({"step": step, **values}, default=str), flush=True)


tables = boto3.client("dynamodb", **options)
streams = boto3.client("dynamodbstreams", **options)
tables.create_table(
    TableName="films",
    BillingMode="PAY_PER_REQUEST",
    AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
)
tables.get_waiter("table_exists").wait(TableName="films")

statement = "INSERT INTO films VALUE {'id': ?, 'n': ?}"
for name, number in [("a", "1.50"), ("b", "2")]:
    tables.execute_statement(Statement=statement, Parameters=[{"S": name}, {"N": number}])
try:
    tables.execute_statement(Statement=statement, Parameters=[{"S": "a"}, {"N": "1"}])
except ClientError as error:
    report("duplicate", code=error.response["Error"]["Code"])
tables.execute_statement(Statement="UPDATE films SET n = n + 1 WHERE id = 'a'")
answer = tables.execute_statement(Statement="SELECT * FROM films WHERE id = 'a'")
report("selected", items=answer["Items"])
batch = tables.batch_execute_statement(
    Statements=[
        {"Statement": "SELECT n FROM films WHERE id = 'b'"},
        {"Statement": "SELECT n FROM films WHERE n = 2"},
    ]
)
report("batch", codes=[one.get("Error", {}).get("Code", "ok") for one in batch["Responses"]])
try:
    tables.execute_transaction(
        TransactStatements=[
            {"Statement": "DELETE FROM films WHERE id = 'b'"},
            {"Statement": "UPDATE films SET n = 0 WHERE id = 'nobody'"},
        ]
    )
except tables.exceptions.TransactionCanceledException as error:
    report("cancelled", reasons=[one["Code"] for one in error.response["CancellationReasons"]])
tables.execute_transaction(TransactStatements=[{"Statement": "DELETE FROM films WHERE id = 'b'"}])

resource = boto3.resource("dynamodb", **options)
report("resource", n=resource.Table("films").get_item(Key={"id": "a"})["Item"]["n"] == Decimal("2.5"))

(stream,) = streams.list_streams(TableName="films")["Streams"]
arn = stream["StreamArn"]
description = streams.describe_stream(StreamArn=arn)["StreamDescription"]
(shard,) = description["Shards"]
iterator = streams.get_shard_iterator(
    StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
)["ShardIterator"]
changes = []
while True:
    page = streams.get_records(ShardIterator=iterator, Limit=3)
    changes += [
        [
            record["eventName"],
            record["dynamodb"]["Keys"]["id"]["S"],
            record["dynamodb"].get("OldImage", {}).get("n", {}).get("N"),
            record["dynamodb"].get("NewImage", {}).get("n", {}).get("N"),
        ]
        for record in page["Records"]
    ]
    if not page["Records"]:
        break
    iterator = page["NextShardIterator"]
report("changes", status=description["StreamStatus"], changes=changes)
try:
    streams.get_records(ShardIterator="forged")
except ClientError as error:
    report("forged", code=error.response["Error"]["Code"])
