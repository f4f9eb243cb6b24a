import assert from "node:assert/strict";
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { connect, createServer } from "node:net";
import { test } from "node:test";
import { ask, exchangeRaw, parseAnswer, revision, startGateway } from "./testing/set-up.ts";

const identity = {
  method: "POST",
  headers: { "content-type": "application/x-www-form-urlencoded" },
  body: "Action=GetCallerIdentity&Version=2011-06-15",
};

test("AWS calls, health and the platform's pages are told apart; the rest is explained", async () => {
  await using server = await startGateway().then((server) => ({
    ...server,
    [Symbol.asyncDispose]: () => server.gateway[Symbol.asyncDispose](),
  }));
  const { port } = server;
  const call = await ask(port, identity);
  assert.equal(call.status, 200);
  assert.match(call.body, /<Account>000000000000<\/Account>/);
  assert.match(call.head, /x-amzn-requestid: [0-9a-f-]{36}/);
  assert.match(call.head, /x-amzn-trace-id: root=1-[0-9a-f]{8}-[0-9a-f]{24}/);
  for (const target of ["/_skerry/health", "/_localstack/health"]) {
    const health = await ask(port, { target });
    assert.deepEqual(JSON.parse(health.body), {
      version: "0.0.0",
      status: "running",
      edition: "skerry",
      services: { sts: "available" },
    });
  }
  assert.equal((await ask(port, { target: "/_skerry/functions" })).body, '{"functions":[]}');
  assert.equal((await ask(port, { target: "/_skerry/functions", method: "POST" })).status, 405);
  assert.equal((await ask(port, { target: "/_skerry/nope" })).status, 404);
  const nothing = await ask(port, { target: "/hello" });
  assert.equal(nothing.status, 404);
  assert.match(nothing.body, /neither a call of an AWS service/);
});

test("only names that are ours are answered", async () => {
  const { gateway, port } = await startGateway({
    allowedHosts: ["dev.example.test", "*.aws.example.test"],
  });
  await using _ = gateway;
  const ours = [
    "localhost",
    "127.0.0.1",
    "[::1]",
    "shop.localhost",
    "s3.localhost.localstack.cloud",
    "dev.example.test",
    "a.b.aws.example.test",
    "LOCALHOST:80",
    "localhost.",
  ];
  for (const host of ours)
    assert.equal(
      (await ask(port, { target: "/_skerry/health", headers: { host } })).status,
      200,
      host,
    );
  const foreign = [
    "evil.example",
    "localhost.evil.example",
    "evillocalhost",
    "aws.example.test",
    "10.0.0.1",
    "0.0.0.0",
    "localhost@evil",
  ];
  for (const host of foreign) {
    const answer = await ask(port, { target: "/_skerry/health", headers: { host } });
    assert.ok(answer.status === 403 || answer.status === 400, `${host}: ${answer.status}`);
  }
  const named = await ask(port, { headers: { host: "evil.example" } });
  assert.match(named.body, /does not answer for the host name 'evil.example'/);
});

test("web pages from elsewhere are refused, with or without an Origin header", async () => {
  const { gateway, port, calls } = await startGateway({
    allowedOrigins: ["https://app.example.test"],
  });
  await using _ = gateway;
  const foreign = [
    { origin: "https://evil.example" },
    { origin: "null" },
    { origin: `http://localhost:${port + 1}` },
    { origin: `https://localhost:${port}` },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
  ];
  for (const headers of foreign) {
    const answer = await ask(port, { ...identity, headers: { ...identity.headers, ...headers } });
    assert.equal(answer.status, 403, JSON.stringify(headers));
    assert.doesNotMatch(answer.head, /access-control/);
  }
  assert.equal(calls.length, 0);
  const own = { origin: `http://localhost:${port}`, "sec-fetch-site": "same-origin" };
  assert.equal(
    (await ask(port, { ...identity, headers: { ...identity.headers, ...own } })).status,
    200,
  );
  const allowed = { origin: "https://app.example.test" };
  const answer = await ask(port, { ...identity, headers: { ...identity.headers, ...allowed } });
  assert.match(answer.head, /access-control-allow-origin: https:\/\/app.example.test/);
  const preflight = {
    method: "OPTIONS",
    headers: {
      "access-control-request-method": "POST",
      "access-control-request-private-network": "true",
    },
  };
  const granted = await ask(port, { ...preflight, headers: { ...preflight.headers, ...allowed } });
  assert.equal(granted.status, 204);
  const refused = await ask(port, {
    ...preflight,
    headers: { ...preflight.headers, origin: "https://evil.example" },
  });
  assert.equal(refused.status, 403);
  assert.doesNotMatch(refused.head, /access-control/);
});

test("two Hosts, no Host, and a target of another host are refused and the connection closed", async () => {
  const { gateway, port } = await startGateway();
  await using _ = gateway;
  const refused = [
    "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: localhost\r\nhost: localhost\r\n\r\n",
    "GET / HTTP/1.1\r\n\r\n",
    "GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET http://localhost@evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET localhost HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
  ];
  for (const text of refused) {
    const answer = parseAnswer(await exchangeRaw(port, text));
    assert.equal(answer.status, 400, text);
  }
  const same = await exchangeRaw(
    port,
    "GET http://LOCALHOST/_skerry/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
  );
  assert.equal(parseAnswer(same).status, 200);
});

test("malformed and smuggled requests get one 400 at most and a closed connection", async () => {
  const { gateway, port, calls, lines } = await startGateway();
  await using _ = gateway;
  const post = "POST / HTTP/1.1\r\nHost: localhost\r\n";
  const inner = "GET /_skerry/health HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const malformed = [
    `${post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${inner}`,
    `${post}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello${inner}`,
    `${post}Content-Length: +5\r\n\r\nhello${inner}`,
    `${post}Content-Length: 5, 5\r\n\r\nhello${inner}`,
    `${post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${inner}`,
    `${post}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${inner}`,
    `${post}Transfer-Encoding: chunked\r\n\r\n5;\nhello\r\n0\r\n\r\n${inner}`,
    `${post}Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n${inner}`,
    `GET / HTTP/1.1\r\nHost: localhost\r\nX-A: one\r\n two\r\n\r\n${inner}`,
    `GET / HTTP/1.1\nHost: localhost\n\n${inner}`,
    `GET / HTTP/1.1\r\nHost: localhost\r\nX-A: a\0b\r\n\r\n${inner}`,
    `GET / HTTP/1.1\r\nHost: localhost\r\nX-A : a\r\n\r\n${inner}`,
    `GET / HTTP/1.1\r\nHost: localhost\r\nX-A: a\rb\r\n\r\n${inner}`,
    `GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n${inner}`,
    `GET / HTTP/9.9\r\nHost: localhost\r\n\r\n${inner}`,
    `\x16\x03\x01\x02\x00\x01${inner}`,
  ];
  for (const text of malformed) {
    const answer = await exchangeRaw(port, text);
    const statuses = answer.match(/HTTP\/1\.1 \d+/g) ?? [];
    assert.deepEqual(statuses, ["HTTP/1.1 400"], JSON.stringify([text, answer]));
  }
  const huge = await exchangeRaw(
    port,
    `GET / HTTP/1.1\r\nHost: localhost\r\nX-A: ${"a".repeat(64 * 1024)}\r\n\r\n`,
  );
  assert.match(huge, /^HTTP\/1\.1 431/);
  assert.equal(calls.length, 0);
  assert.equal(
    lines.filter((line) => line.includes('"http.refused"')).length,
    malformed.length + 1,
  );
  assert.equal((await ask(port, identity)).status, 200);
});

test("a sender too slow with its head or body is cut off; others are served meanwhile", async () => {
  const { gateway, port } = await startGateway({
    bounds: { headersTimeoutMs: 200, requestTimeoutMs: 400, connectionsCheckMs: 50 },
  });
  await using _ = gateway;
  const slow = [
    exchangeRaw(port, "GET / HTTP/1.1\r\nHost: loc"),
    exchangeRaw(
      port,
      "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nAction",
    ),
  ];
  assert.equal((await ask(port, identity)).status, 200);
  const [head = "", body = ""] = await Promise.all(slow);
  assert.match(head, /^HTTP\/1\.1 408/);
  assert.doesNotMatch(body, /^HTTP\/1\.1 200/);
});

test("a caller that hangs up aborts its request", async () => {
  const { promise: aborted, resolve } = Promise.withResolvers<void>();
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const { gateway, port } = await startGateway({
    onCall: async (context) => {
      context.signal.addEventListener("abort", () => resolve());
      begin();
      await aborted;
    },
  });
  await using _ = gateway;
  const client = httpRequest({
    port,
    host: "127.0.0.1",
    path: "/",
    method: "POST",
    headers: identity.headers,
  });
  client.on("error", () => undefined);
  client.end(identity.body);
  await begun;
  client.destroy();
  await aborted;
});

test("draining answers what is running and refuses what is new", async () => {
  const { promise: finish, resolve: letFinish } = Promise.withResolvers<void>();
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const { gateway, port } = await startGateway({
    onCall: async () => {
      begin();
      await finish;
    },
  });
  const running = ask(port, identity);
  await begun;
  const drained = gateway.drain(60_000);
  const late = connect({ port, host: "127.0.0.1" });
  const [error] = (await once(late, "error")) as [NodeJS.ErrnoException]; // events are untyped
  assert.equal(error.code, "ECONNREFUSED");
  letFinish();
  assert.equal((await running).status, 200);
  await drained;
});

test("the caller's trace is continued, but not its hop count", async () => {
  const { gateway, port, calls } = await startGateway();
  await using _ = gateway;
  const root = "1-67891233-abcdef012345678912345678";
  const header = `Root=${root};Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a:9`;
  const answer = await ask(port, {
    ...identity,
    headers: { ...identity.headers, "x-amzn-trace-id": header },
  });
  assert.equal(calls[0]?.trace.traceId, root);
  assert.equal(calls[0]?.trace.hops, 0);
  assert.match(answer.head, new RegExp(`x-amzn-trace-id: root=${root}`));
});

test("a sandbox's connections reach AWS calls only, signed, under the trace of its invocation", async () => {
  const { gateway, calls } = await startGateway();
  await using _ = gateway;
  const trace = {
    traceId: "1-67891233-abcdef012345678912345678",
    spanId: "53995c3f42cd8ad8",
    sampled: true,
    hops: 5,
  };
  let isSpecialised = true;
  const endpoint = createServer();
  const serving = gateway.serve(endpoint, () => (isSpecialised ? { revision, trace } : undefined));
  endpoint.listen(0, "127.0.0.1");
  await once(endpoint, "listening");
  const address = endpoint.address();
  const port = typeof address === "object" && address ? address.port : 0;
  const authorization =
    "AWS4-HMAC-SHA256 Credential=test/20260301/us-east-1/sts/aws4_request, SignedHeaders=host, Signature=00";
  const forged = "Root=1-00000000-000000000000000000000000;Lineage=a:0";
  const headers = {
    ...identity.headers,
    host: "anything.internal:9001",
    authorization,
    "x-amzn-trace-id": forged,
  };
  assert.equal((await ask(port, { ...identity, headers })).status, 200);
  assert.equal(calls[0]?.trace.traceId, trace.traceId);
  assert.equal(calls[0]?.trace.hops, 5);
  assert.equal(calls[0]?.endpoint, "http://anything.internal:9001");
  const unsigned = await ask(port, identity);
  assert.equal(unsigned.status, 403);
  assert.match(unsigned.body, /MissingAuthenticationToken/);
  for (const target of ["/_skerry/functions", "/_skerry/health", "/_skerry/url/abc123/"]) {
    assert.equal((await ask(port, { target })).status, 404, target);
  }
  assert.equal(
    (await ask(port, { target: "/_skerry/code/0a" })).body,
    '{"path":"/_skerry/code/0a"}',
  );
  isSpecialised = false;
  assert.equal((await ask(port, { ...identity, headers })).status, 403);
  const idle = connect({ port, host: "127.0.0.1" });
  await once(idle, "connect");
  const closed = once(idle, "close");
  serving[Symbol.dispose]();
  await closed;
  endpoint.close();
});

test("a caller that goes away in the middle of its body leaves a note, not an error", async () => {
  const { gateway, port, lines } = await startGateway();
  await using _ = gateway;
  const client = connect({ port, host: "127.0.0.1" });
  client.write(
    "POST / HTTP/1.1\r\nHost: sts.localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nAction",
  );
  await once(client, "connect");
  const probe = ask(port, identity);
  await probe;
  client.destroy();
  await gateway.drain(60_000);
  const aborted = lines.find((line) => line.includes('"aborted":true'));
  assert.ok(aborted, lines.join(""));
  assert.doesNotMatch(lines.join(""), /"level":"error"/);
});
