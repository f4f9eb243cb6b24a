"""What boto3 does with a bucket; prints what it saw."""
import json
import sys
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from boto3.s3.transfer import TransferConfig

s3 = boto3.client(
    "s3",
    endpoint_url=sys.argv[1],
    region_name="us-east-1",
    aws_access_key_id="test",
    aws_secret_access_key="test",
    config=Config(retries={"max_attempts": 0}),
)
bucket = "from-python"
s3.create_bucket(Bucket=bucket)
put = s3.put_object(Bucket=bucket, Key="a b/ü.txt", Body=b"from boto3", Tagging="k=v")
s3.put_object(Bucket=bucket, Key="x+y", Body=b"")
with open("/dev/zero", "rb") as zeros:
    import io

    s3.upload_fileobj(
        io.BytesIO(zeros.read(9_000_000)),
        bucket,
        "big",
        Config=TransferConfig(multipart_threshold=6_000_000, multipart_chunksize=6_000_000),
    )
got = s3.get_object(Bucket=bucket, Key="a b/ü.txt")
pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 1})
url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a b/ü.txt"})
sink = io.BytesIO()
s3.download_fileobj(bucket, "big", sink)
form = s3.generate_presigned_post(bucket, "posted-${filename}")
boundary = "skerryboundary"
parts = b"".join(
    f'--{boundary}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'.encode()
    for k, v in form["fields"].items()
)
parts += (
    f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="f.txt"\r\n'
    f"Content-Type: text/plain\r\n\r\nposted body\r\n--{boundary}--\r\n"
).encode()
request = urllib.request.Request(
    form["url"], data=parts, headers={"Content-Type": f"multipart/form-data; boundary={boundary}"}
)
posted = urllib.request.urlopen(request).status
keys = [row["Key"] for page in pages for row in page["Contents"] if not row["Key"].startswith("posted")]
try:
    s3.get_object(Bucket=bucket, Key="none")
    error = None
except ClientError as refusal:
    error = refusal.response["Error"]["Code"]
print(
    json.dumps(
        {
            "body": got["Body"].read().decode(),
            "etag": put["ETag"] == got["ETag"],
            "keys": keys,
            "big": len(sink.getvalue()),
            "presigned": urllib.request.urlopen(url).read().decode(),
            "posted": posted,
            "error": error,
            "region": s3.head_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPHeaders"]["x-amz-bucket-region"],
            "tags": s3.get_object_tagging(Bucket=bucket, Key="a b/ü.txt")["TagSet"],
        }
    )
)
