"""Drives DynamoDB through boto3's resource layer, as an application would; prints one JSON line a step."""

import json
import sys
from decimal import Decimal

import boto3
from boto3.dynamodb.conditions import Attr, Key
from botocore.config import Config
from botocore.exceptions import ClientError

resource = boto3.resource(
    "dynamodb",
    endpoint_url=sys.argv[1],
    region_name="us-east-1",
    aws_access_key_id="test",
    aws_secret_access_key="test",
    config=Config(retries={"max_attempts": 0}),
)


def report(step, **values):
    print(json.dumps({"step": step, **values}, default=str), flush=True)


table = resource.create_table(
    TableName="songs",
    BillingMode="PAY_PER_REQUEST",
    AttributeDefinitions=[
        {"AttributeName": "artist", "AttributeType": "S"},
        {"AttributeName": "year", "AttributeType": "N"},
    ],
    KeySchema=[
        {"AttributeName": "artist", "KeyType": "HASH"},
        {"AttributeName": "year", "KeyType": "RANGE"},
    ],
)
table.wait_until_exists()
table.reload()
report("created", status=table.table_status, arn=table.table_arn)

with table.batch_writer() as batch:
    for year in range(1960, 2020):
        batch.put_item(Item={"artist": "ada", "year": year, "price": Decimal("1.10"), "blob": b"\x00\xff"})
report("counted", count=table.scan(Select="COUNT")["Count"])

found = table.query(
    KeyConditionExpression=Key("artist").eq("ada") & Key("year").between(1970, 1979),
    FilterExpression=Attr("price").gte(Decimal("1.1")),
    ScanIndexForward=False,
)
report("queried", years=[int(item["year"]) for item in found["Items"]])

updated = table.update_item(
    Key={"artist": "ada", "year": 1960},
    UpdateExpression="SET price = price + :p, tags = :t",
    ExpressionAttributeValues={":p": Decimal("0.000000000000000000000000000000000001"), ":t": {"a", "b"}},
    ReturnValues="ALL_NEW",
)
report("updated", price=updated["Attributes"]["price"], tags=sorted(updated["Attributes"]["tags"]))

try:
    table.put_item(
        Item={"artist": "ada", "year": 1960}, ConditionExpression=Attr("artist").not_exists()
    )
except ClientError as error:
    report("refused", code=error.response["Error"]["Code"], message=error.response["Error"]["Message"])

response = resource.meta.client.get_item(
    TableName="songs", Key={"artist": "ada", "year": 1961}, ConsistentRead=True
)
headers = response["ResponseMetadata"]["HTTPHeaders"]
report("read", blob=list(bytes(response["Item"]["blob"].value)), crc="x-amz-crc32" in headers)

table.delete()
table.wait_until_not_exists()
report("deleted", tables=[one.name for one in resource.tables.all()])
