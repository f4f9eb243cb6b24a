import assert from "node:assert/strict";
import { test } from "node:test";
import { createVirtualClock } from "#base/clock.ts";
import { createAuthenticator } from "./auth.ts";
import type { AuthenticationMode, AuthenticationTarget, SigningKey } from "./auth.ts";
import type { PlainRequest } from "./testing/sign.ts";
import { presignRequest, readAll, signRequest, toWire } from "./testing/sign.ts";

const nowMs = Date.parse("2026-03-01T12:00:00Z");
const secretAccessKey = "kT5wZ8rQ2mN7vB4xC1jL6hG9fD3sA0pOiUyEtRwQ";
const user = { arn: "arn:aws:iam::111122223333:user/ana", accountId: "111122223333" };
const role = {
  arn: "arn:aws:sts::111122223333:assumed-role/worker/run",
  accountId: "111122223333",
};
const keys: Record<string, SigningKey> = {
  AKIAEXAMPLE000000001: {
    secretAccessKey,
    sessionToken: undefined,
    expiresAtMs: undefined,
    principal: user,
  },
  ASIAEXAMPLE000000002: {
    secretAccessKey,
    sessionToken: "token-1",
    expiresAtMs: nowMs + 60_000,
    principal: role,
  },
};

function setUp(mode: AuthenticationMode) {
  const clock = createVirtualClock(nowMs);
  return {
    clock,
    authenticator: createAuthenticator({
      mode,
      keys: { find: async (id) => keys[id] },
      clock,
      defaultAccountId: "000000000000",
    }),
  };
}

const targets = {
  rest: { signingName: "lambda", region: undefined, dialect: "rest-json", unsigned: "mode" },
  json: { signingName: "logs", region: undefined, dialect: "json", unsigned: "mode" },
  query: { signingName: "sts", region: undefined, dialect: "query", unsigned: "mode" },
  s3: { signingName: "s3", region: undefined, dialect: "s3", unsigned: "mode" },
} as const satisfies Record<string, AuthenticationTarget>;

const plain: PlainRequest = {
  method: "POST",
  path: "/",
  rawQuery: "",
  headers: { host: "localhost:4566" },
  body: "Action=GetCallerIdentity&Version=2011-06-15",
};

function signer(service: string, extra: object = {}) {
  return { accessKeyId: "AKIAEXAMPLE000000001", secretAccessKey, nowMs, service, ...extra };
}

test("a valid signature gives the key's principal, and the scope's region and service", async () => {
  const { authenticator } = setUp("strict");
  const signed = signRequest(plain, signer("sts", { region: "eu-west-1" }));
  const result = await authenticator.authenticate(toWire(signed), targets.query);
  assert.deepEqual(result.principal, user);
  assert.equal(result.region, "eu-west-1");
  assert.equal(result.accessKeyId, "AKIAEXAMPLE000000001");
  assert.equal((await readAll(result.request.body)).toString(), plain.body);
});

test("each service family refuses in its own words", async () => {
  const { authenticator } = setUp("strict");
  const wrong = { secretAccessKey: "wrong" };
  const unknown = { accessKeyId: "AKIANOBODY0000000000" };
  const bad = { accessKeyId: "ASIAEXAMPLE000000002", sessionToken: "token-2" };
  const early = { nowMs: nowMs - 20 * 60_000 };
  const rows: [keyof typeof targets, object | undefined, string, number][] = [
    ["query", undefined, "MissingAuthenticationToken", 403],
    ["json", undefined, "MissingAuthenticationTokenException", 400],
    ["rest", undefined, "MissingAuthenticationTokenException", 403],
    ["s3", undefined, "AccessDenied", 403],
    ["query", wrong, "SignatureDoesNotMatch", 403],
    ["json", wrong, "InvalidSignatureException", 400],
    ["rest", wrong, "InvalidSignatureException", 403],
    ["s3", wrong, "SignatureDoesNotMatch", 403],
    ["query", unknown, "InvalidClientTokenId", 403],
    ["json", unknown, "UnrecognizedClientException", 400],
    ["rest", unknown, "UnrecognizedClientException", 403],
    ["s3", unknown, "InvalidAccessKeyId", 403],
    ["query", bad, "InvalidClientTokenId", 403],
    ["json", bad, "UnrecognizedClientException", 400],
    ["s3", bad, "InvalidToken", 400],
    ["query", early, "SignatureDoesNotMatch", 403],
    ["json", early, "InvalidSignatureException", 400],
    ["s3", early, "RequestTimeTooSkewed", 403],
  ];
  for (const [family, change, code, status] of rows) {
    const target = targets[family];
    const request =
      family === "s3"
        ? { ...plain, headers: { ...plain.headers, "x-amz-content-sha256": "UNSIGNED-PAYLOAD" } }
        : plain;
    const rule = family === "s3" ? { payloadHash: "UNSIGNED-PAYLOAD", pathRule: "verbatim" } : {};
    const sent = change
      ? signRequest(request, signer(target.signingName, { ...rule, ...change }))
      : request;
    await assert.rejects(
      authenticator.authenticate(toWire(sent), target),
      { code, status },
      `${family} ${code}`,
    );
  }
});

test("messages of a late signature, a wrong scope and missing parts are the service's", async () => {
  const { authenticator } = setUp("strict");
  const late = signRequest(plain, signer("sts", { nowMs: nowMs - 5 * 60_000 - 1_000 }));
  await assert.rejects(authenticator.authenticate(toWire(late), targets.query), {
    message:
      "Signature expired: 20260301T115459Z is now earlier than 20260301T115500Z (20260301T120000Z - 5 min.)",
  });
  const ahead = signRequest(plain, signer("sts", { nowMs: nowMs + 6 * 60_000 }));
  await assert.rejects(authenticator.authenticate(toWire(ahead), targets.query), {
    message: /^Signature not yet current: 20260301T120600Z is still later than 20260301T120500Z/,
  });
  const other = signRequest(plain, signer("iam"));
  await assert.rejects(authenticator.authenticate(toWire(other), targets.query), {
    message: "Credential should be scoped to correct service: 'sts'. ",
  });
  const region = { ...targets.query, region: "us-west-2" };
  await assert.rejects(
    authenticator.authenticate(toWire(signRequest(plain, signer("sts"))), region),
    { message: "Credential should be scoped to a valid region, not 'us-east-1'. " },
  );
  const partial = {
    ...plain,
    headers: { ...plain.headers, authorization: "AWS4-HMAC-SHA256 Credential=a" },
  };
  await assert.rejects(authenticator.authenticate(toWire(partial), targets.json), {
    code: "IncompleteSignatureException",
    message:
      "Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
  });
});

test("the window is exact: five minutes for most, fifteen for S3", async () => {
  const { authenticator, clock } = setUp("strict");
  const request = {
    ...plain,
    headers: { ...plain.headers, "x-amz-content-sha256": "UNSIGNED-PAYLOAD" },
  };
  const forS3 = signRequest(
    request,
    signer("s3", { payloadHash: "UNSIGNED-PAYLOAD", pathRule: "verbatim" }),
  );
  const forSts = signRequest(plain, signer("sts"));
  clock.jumpWall(5 * 60_000);
  await authenticator.authenticate(toWire(forSts), targets.query);
  clock.jumpWall(1);
  await assert.rejects(authenticator.authenticate(toWire(forSts), targets.query));
  clock.jumpWall(10 * 60_000 - 1);
  await authenticator.authenticate(toWire(forS3), targets.s3);
  clock.jumpWall(1);
  await assert.rejects(authenticator.authenticate(toWire(forS3), targets.s3));
});

test("temporary credentials need their token and end when they expire", async () => {
  const { authenticator, clock } = setUp("strict");
  const temporary = { accessKeyId: "ASIAEXAMPLE000000002" };
  const good = signRequest(plain, signer("sts", { ...temporary, sessionToken: "token-1" }));
  assert.deepEqual((await authenticator.authenticate(toWire(good), targets.query)).principal, role);
  const bare = signRequest(plain, signer("sts", temporary));
  await assert.rejects(authenticator.authenticate(toWire(bare), targets.query), {
    code: "InvalidClientTokenId",
  });
  clock.jumpWall(60_000);
  await assert.rejects(authenticator.authenticate(toWire(good), targets.query), {
    code: "ExpiredToken",
  });
  await assert.rejects(
    authenticator.authenticate(
      toWire(signRequest(plain, signer("logs", { ...temporary, sessionToken: "token-1" }))),
      targets.json,
    ),
    { code: "ExpiredTokenException" },
  );
});

test("the body must be the one that was signed, whether or not its hash is declared", async () => {
  const { authenticator } = setUp("strict");
  const undeclared = signRequest(plain, signer("sts"));
  await assert.rejects(
    authenticator.authenticate(toWire({ ...undeclared, body: "Action=DeleteUser" }), targets.query),
    { code: "SignatureDoesNotMatch" },
  );
  const hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  const empty = { ...plain, body: "", headers: { ...plain.headers, "x-amz-content-sha256": hash } };
  const declared = signRequest(empty, signer("s3", { pathRule: "verbatim" }));
  const result = await authenticator.authenticate(
    toWire({ ...declared, body: "swapped" }),
    targets.s3,
  );
  await assert.rejects(readAll(result.request.body), {
    code: "XAmzContentSHA256Mismatch",
    status: 400,
  });
});

test("unsigned payloads are S3's privilege", async () => {
  const { authenticator } = setUp("strict");
  const request = {
    ...plain,
    headers: { ...plain.headers, "x-amz-content-sha256": "UNSIGNED-PAYLOAD" },
  };
  const signed = signRequest(request, signer("lambda", { payloadHash: "UNSIGNED-PAYLOAD" }));
  await assert.rejects(authenticator.authenticate(toWire(signed), targets.rest), {
    code: "InvalidSignatureException",
  });
});

test("in open mode too a presigned link expires, by a clock that may have been moved", async () => {
  const { authenticator, clock } = setUp("open");
  const get = { ...plain, method: "GET", path: "/bucket/key", body: "" };
  const rule = { payloadHash: "UNSIGNED-PAYLOAD", pathRule: "verbatim", secretAccessKey: "any" };
  const url = presignRequest(get, { ...signer("s3", rule), expiresSeconds: 60 });
  const check = (by = authenticator) => by.authenticate(toWire(url), targets.s3);
  await check();
  const moved = createAuthenticator({
    mode: "open",
    keys: { find: async () => undefined },
    clock,
    time: { nowMs: () => nowMs + 3_600_000, shownAt: (realMs) => realMs + 3_600_000 },
    defaultAccountId: "000000000000",
  });
  await check(moved); // signed by a client that does not know of the move
  await clock.advance(61_000);
  await assert.rejects(check(), { code: "AccessDenied", message: "Request has expired" });
});

test("a presigned request lives from one second to seven days and no header may be slipped in", async () => {
  const { authenticator, clock } = setUp("strict");
  const get: PlainRequest = { ...plain, method: "GET", path: "/b/k", body: "" };
  const rule = { payloadHash: "UNSIGNED-PAYLOAD", pathRule: "verbatim" };
  const presign = (expiresSeconds: number) =>
    presignRequest(get, { ...signer("s3", rule), expiresSeconds });
  const check = (request: PlainRequest) => authenticator.authenticate(toWire(request), targets.s3);
  await check(presign(604_800));
  for (const seconds of [0, -1, 604_801]) {
    await assert.rejects(check(presign(seconds)), {
      code: "AuthorizationQueryParametersError",
      status: 400,
    });
  }
  const url = presign(60);
  await assert.rejects(check({ ...url, headers: { ...url.headers, "x-amz-acl": "public-read" } }), {
    code: "AccessDenied",
    message: "There were headers present in the request which were not signed",
  });
  await assert.rejects(check({ ...url, rawQuery: `${url.rawQuery}&X-Amz-Expires=604800` }), {
    code: "AuthorizationQueryParametersError",
  });
  await assert.rejects(
    check({ ...url, rawQuery: `${url.rawQuery}&response-content-type=text/html` }),
    { code: "SignatureDoesNotMatch" },
  );
  await assert.rejects(
    check({ ...url, headers: { ...url.headers, authorization: "AWS4-HMAC-SHA256 x" } }),
  );
  clock.jumpWall(60_001);
  await assert.rejects(check(url), { code: "AccessDenied", message: "Request has expired" });
});

test("open mode believes what it is told", async () => {
  const { authenticator } = setUp("open");
  const ask = async (change: object) =>
    (
      await authenticator.authenticate(
        toWire(signRequest(plain, signer("sts", change))),
        targets.query,
      )
    ).principal;
  assert.deepEqual(await ask({ accessKeyId: "222233334444" }), {
    arn: "arn:aws:iam::222233334444:root",
    accountId: "222233334444",
  });
  assert.deepEqual(await ask({ accessKeyId: "test" }), {
    arn: "arn:aws:iam::000000000000:root",
    accountId: "000000000000",
  });
  assert.deepEqual(
    await ask({ accessKeyId: "ASIAEXAMPLE000000002", secretAccessKey: "wrong" }),
    role,
  );
  const unsigned = await authenticator.authenticate(toWire(plain), targets.query);
  assert.equal(unsigned.principal.accountId, "000000000000");
  await assert.rejects(
    authenticator.authenticate(toWire(plain), { ...targets.query, unsigned: "refuse" }),
    { code: "MissingAuthenticationToken" },
  );
});

test("open mode takes framing off without looking at signatures", async () => {
  const { authenticator } = setUp("open");
  const request: PlainRequest = {
    ...plain,
    headers: {
      ...plain.headers,
      "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
      "content-encoding": "aws-chunked,gzip",
      "x-amz-decoded-content-length": "5",
    },
    body: `5;chunk-signature=${"0".repeat(64)}\r\nhello\r\n0;chunk-signature=${"0".repeat(64)}\r\n\r\n`,
  };
  const result = await authenticator.authenticate(toWire(request), targets.s3);
  assert.equal((await readAll(result.request.body)).toString(), "hello");
  assert.equal(result.request.headers["content-encoding"], "gzip");
  assert.equal(result.request.headers["content-length"], "5");
});

test("a header value keeps its bytes: only blanks at its ends are not signed", async () => {
  const { authenticator } = setUp("strict");
  const name = Buffer.from("voilà", "utf8").toString("latin1");
  const headers = { ...plain.headers, "x-amz-meta-name": name };
  const signed = signRequest({ ...plain, headers }, signer("sts"));
  await authenticator.authenticate(toWire(signed), targets.query);
  const cut = { ...signed, headers: { ...signed.headers, "x-amz-meta-name": name.slice(0, -1) } };
  await assert.rejects(authenticator.authenticate(toWire(cut), targets.query), {
    code: "SignatureDoesNotMatch",
  });
});
