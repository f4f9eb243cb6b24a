"""What a strict platform says to boto3 and to presigned addresses; prints one JSON line a step."""

import datetime
import json
import sys
import urllib.error
import urllib.request

import boto3
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore import UNSIGNED

endpoint, access_key_id, secret = sys.argv[1:4]


def client(service, key=access_key_id, secret=secret, token=None, unsigned=False):
    config = dict(retries={"max_attempts": 0})
    if unsigned:
        config["signature_version"] = UNSIGNED
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=Config(**config),
    )


def report(step, call):
    try:
        call()
        print(json.dumps({"step": step, "code": "fine", "status": 200}), flush=True)
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        code = error.response["Error"]["Code"]
        print(json.dumps({"step": step, "code": code, "status": status}), flush=True)


calls = {
    "lambda": lambda one: one.list_functions(),
    "logs": lambda one: one.describe_log_groups(),
    "sts": lambda one: one.get_caller_identity(),
    "iam": lambda one: one.list_roles(),
}
session = client("sts").get_session_token(DurationSeconds=900)["Credentials"]
temporary = dict(key=session["AccessKeyId"], secret=session["SecretAccessKey"])
token = session["SessionToken"]
for service, call in calls.items():
    report(f"{service} valid", lambda: call(client(service)))
    report(f"{service} unsigned", lambda: call(client(service, unsigned=True)))
    report(f"{service} secret", lambda: call(client(service, secret="wrong")))
    report(f"{service} unknown", lambda: call(client(service, key="AKIAIOSFODNN7EXAMPLE")))
    report(f"{service} token", lambda: call(client(service, token=token, **temporary)))
    report(f"{service} no-token", lambda: call(client(service, **temporary)))
    report(f"{service} wrong-token", lambda: call(client(service, token=token[:-8] + "AAAAAAAA", **temporary)))


class DatedAuth(SigV4QueryAuth):
    """Signs as if it were `age` seconds ago."""

    def __init__(self, age, expires):
        super().__init__(Credentials(access_key_id, secret), "sts", "us-east-1", expires=expires)
        self.age = age

    def add_auth(self, request):
        then = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=self.age)
        request.context["timestamp"] = then.strftime("%Y%m%dT%H%M%SZ")
        self._modify_request_before_signing(request)
        text = self.string_to_sign(request, self.canonical_request(request))
        self._inject_signature_to_request(request, self.signature(text, request))


def presigned(step, age, expires, change=lambda url: url):
    url = f"{endpoint}/?Action=GetCallerIdentity&Version=2011-06-15"
    request = AWSRequest(method="GET", url=url)
    DatedAuth(age, expires).add_auth(request)
    try:
        with urllib.request.urlopen(change(request.url)) as response:
            status, body = response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        status, body = error.code, error.read().decode()
    code = body.split("<Code>")[1].split("</Code>")[0] if "<Code>" in body else "fine"
    print(json.dumps({"step": f"presigned {step}", "code": code, "status": status}), flush=True)


presigned("valid", age=30, expires=60)
presigned("expired", age=120, expires=60)
presigned("future", age=-3600, expires=60)
presigned("too long", age=0, expires=1_000_000)
presigned("other action", 0, 60, lambda url: url.replace("GetCallerIdentity", "GetSessionToken"))
