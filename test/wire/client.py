"""Drives a running platform through boto3, as an application would; prints one JSON line a step."""

import base64
import io
import json
import sys
import zipfile

import boto3
from botocore.config import Config

endpoint, runtime, code = sys.argv[1:4]
options = dict(
    endpoint_url=endpoint,
    region_name="us-east-1",
    aws_access_key_id="test",
    aws_secret_access_key="test",
    config=Config(retries={"max_attempts": 1}),
)


def report(step, **values):
    print(json.dumps({"step": step, **values}), flush=True)


archive = io.BytesIO()
with zipfile.ZipFile(archive, "w") as package:
    package.write(code, "app.py")

lam = boto3.client("lambda", **options)
lam.create_function(
    FunctionName="py",
    Runtime=runtime,
    Handler="app.handler",
    Role="arn:aws:iam::000000000000:role/test",
    Code={"ZipFile": archive.getvalue()},
    Environment={"Variables": {"GREETING": "ahoy"}},
    MemorySize=256,
    Timeout=10,
)
lam.get_waiter("function_active_v2").wait(FunctionName="py", WaiterConfig={"Delay": 1})
report("created", arn=lam.get_function(FunctionName="py")["Configuration"]["FunctionArn"])

answer = lam.invoke(FunctionName="py", Payload=json.dumps({"a": 1}), LogType="Tail")
report(
    "invoked",
    status=answer["StatusCode"],
    payload=json.loads(answer["Payload"].read()),
    log=base64.b64decode(answer["LogResult"]).decode(),
)

answer = lam.invoke(FunctionName="py", Payload=json.dumps({"raise": "no wind"}))
report("raised", error=answer["FunctionError"], payload=json.loads(answer["Payload"].read()))

try:
    lam.get_function(FunctionName="nobody")
except lam.exceptions.ResourceNotFoundException as error:
    report("missing", code=error.response["Error"]["Code"], message=error.response["Error"]["Message"])

stream = lam.invoke_with_response_stream(FunctionName="py", Payload=b"{}")
chunks = b"".join(e["PayloadChunk"]["Payload"] for e in stream["EventStream"] if "PayloadChunk" in e)
report("streamed", payload=json.loads(chunks))

logs = boto3.client("logs", **options)
events = logs.filter_log_events(logGroupName="/aws/lambda/py", filterPattern="REPORT")["events"]
report("logs", reports=len(events))

report("caller", arn=boto3.client("sts", **options).get_caller_identity()["Arn"])
