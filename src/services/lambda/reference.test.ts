import assert from "node:assert/strict";
import { test } from "node:test";
import { functionReference, layerReference, layerVersionArn } from "./reference.ts";

const context = {
  principal: { arn: "arn:aws:iam::000000000000:root", accountId: "000000000000" },
  region: "us-east-1",
};

test("every form of a function's name leads to the same function", () => {
  const forms = [
    ["f", undefined],
    ["f:live", "live"],
    ["f:$LATEST", "$LATEST"],
    ["function:f", undefined],
    ["000000000000:f", undefined],
    ["000000000000:function:f:7", "7"],
    ["us-east-1:000000000000:function:f", undefined],
    ["arn:aws:lambda:us-east-1:000000000000:function:f", undefined],
    ["arn:aws:lambda:us-east-1:000000000000:function:f:live", "live"],
  ] as const;
  for (const [text, qualifier] of forms) {
    assert.deepEqual(functionReference(text, undefined, context), {
      accountId: "000000000000",
      region: "us-east-1",
      name: "f",
      qualifier,
    });
  }
});

test("what is not a name is not found; another account is denied without saying whether it is there", () => {
  for (const text of ["", "f:a:b", "f g", "arn:aws:s3:::bucket", "../f"]) {
    assert.throws(() => functionReference(text, undefined, context), {
      name: "ResourceNotFoundException",
    });
  }
  assert.throws(() => functionReference("111111111111:function:f", undefined, context), {
    name: "AuthenticationError",
    code: "AccessDeniedException",
    status: 403,
  });
});

test("layers are named by name, ARN and version ARN", () => {
  const arn = "arn:aws:lambda:eu-west-1:111111111111:layer:tools";
  assert.deepEqual(layerReference("tools", context), {
    accountId: "000000000000",
    region: "us-east-1",
    name: "tools",
    version: undefined,
  });
  assert.equal(layerVersionArn(layerReference(`${arn}:3`, context)), `${arn}:3`);
  assert.equal(layerReference(arn, context).version, undefined);
});
