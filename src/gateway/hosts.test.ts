import assert from "node:assert/strict";
import { test } from "node:test";
import { readFunctionUrlHost, readFunctionUrlPath } from "./hosts.ts";

test("a function URL is found in a host name, also under an id that was chosen", () => {
  for (const urlId of ["abc123", "hello-prod", "a"]) {
    const found = readFunctionUrlHost(`${urlId}.lambda-url.eu-north-1.localhost`);
    assert.deepEqual(found, { urlId, region: "eu-north-1" });
  }
  for (const name of ["-a.lambda-url.eu-north-1.localhost", "a-.lambda-url.eu-north-1.localhost"]) {
    assert.equal(readFunctionUrlHost(name), undefined);
  }
});

test("a function URL is found in a path, with or without its region", () => {
  assert.deepEqual(readFunctionUrlPath("/_skerry/url/hello-prod/a/b"), {
    urlId: "hello-prod",
    region: undefined,
    rest: "/a/b",
  });
  assert.deepEqual(readFunctionUrlPath("/_skerry/url/eu-north-1/hello"), {
    urlId: "hello",
    region: "eu-north-1",
    rest: "/",
  });
  assert.equal(readFunctionUrlPath("/_skerry/url/"), undefined);
});
