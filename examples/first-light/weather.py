"""Answers a function URL call from Python; boto3 is there without bundling it, as on AWS."""

import json
import platform

import boto3

sts = boto3.client("sts")


def handler(event, context):
    who = sts.get_caller_identity()
    print("asked by", event["requestContext"]["http"]["sourceIp"])
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(
            {
                "python": platform.python_version(),
                "i_am": who["Arn"],
                "memory": context.memory_limit_in_mb,
            }
        ),
    }
