import assert from "node:assert/strict";
import { test } from "node:test";
import type { Invocation } from "#functions/invoker/invoker.ts";
import { exchangeRaw, result, startGateway } from "./testing/set-up.ts";

const host = "abc123.lambda-url.us-east-1.localhost";
/** What an attacker hides in or behind a request, hoping that somebody takes it for a request. */
const inner = `GET /smuggled HTTP/1.1\r\nHost: ${host}\r\n\r\n`;

const post = `POST / HTTP/1.1\r\nHost: ${host}\r\n`;
const chunkedBody = `0\r\n\r\n${inner}`;
/** Two readers could see other requests here: refused, and the connection is over. */
const ambiguous: Readonly<Record<string, string>> = {
  "a length and chunks": `${post}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n${chunkedBody}`,
  "chunks and a length": `${post}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n${chunkedBody}`,
  "two lengths": `${post}Content-Length: 0\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`,
  "one length twice": `${post}Content-Length: 1\r\nContent-Length: 1\r\n\r\nx${inner}`,
  "two lengths in one": `${post}Content-Length: 0, ${inner.length}\r\n\r\n${inner}`,
  "a length with a sign": `${post}Content-Length: +3\r\n\r\nabc${inner}`,
  "a negative length": `${post}Content-Length: -1\r\n\r\n${inner}`,
  "a length in hexadecimal": `${post}Content-Length: 0x3\r\n\r\nabc${inner}`,
  "a length with a fraction": `${post}Content-Length: 3.0\r\n\r\nabc${inner}`,
  "a length with an exponent": `${post}Content-Length: 1e1\r\n\r\n0123456789${inner}`,
  "a length in two words": `${post}Content-Length: 3 3\r\n\r\nabc${inner}`,
  "an empty length": `${post}Content-Length: \r\n\r\n${inner}`,
  "a length beyond numbers": `${post}Content-Length: 99999999999999999999\r\n\r\n${inner}`,
  "an unknown coding": `${post}Transfer-Encoding: xchunked\r\n\r\n${chunkedBody}`,
  "a coding after chunked": `${post}Transfer-Encoding: chunked, identity\r\n\r\n${chunkedBody}`,
  "chunked in quotes": `${post}Transfer-Encoding: "chunked"\r\n\r\n${chunkedBody}`,
  "chunked behind a vertical tab": `${post}Transfer-Encoding: \vchunked\r\n\r\n${chunkedBody}`,
  "a coding's name before a blank": `${post}Transfer-Encoding : chunked\r\n\r\n${chunkedBody}`,
  "a coding on a folded line": `${post}Transfer-Encoding:\r\n chunked\r\n\r\n${chunkedBody}`,
  "a coding behind a NUL": `${post}Transfer-Encoding: \0chunked\r\n\r\n${chunkedBody}`,
  "a coding behind a bare CR": `${post}X: y\rTransfer-Encoding: chunked\r\n\r\n${chunkedBody}`,
  "a coding behind a bare LF": `${post}X: y\nTransfer-Encoding: chunked\r\n\r\n${chunkedBody}`,
  "a chunk's size with a sign": `${post}Transfer-Encoding: chunked\r\n\r\n+3\r\nabc\r\n${chunkedBody}`,
  "a chunk's size in C": `${post}Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n${chunkedBody}`,
  "a chunk's size behind a blank": `${post}Transfer-Encoding: chunked\r\n\r\n 3\r\nabc\r\n${chunkedBody}`,
  "a chunk's size that overflows": `${post}Transfer-Encoding: chunked\r\n\r\n10000000000000003\r\nabc\r\n${chunkedBody}`,
  "a chunk longer than it says": `${post}Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n${chunkedBody}`,
  "a chunk that ends in LF": `${post}Transfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n${inner}`,
  "a chunk without a size": `${post}Transfer-Encoding: chunked\r\n\r\n\r\nabc\r\n${chunkedBody}`,
  "a head that ends in LF": `GET / HTTP/1.1\nHost: ${host}\n\n${inner}`,
  "a header without a colon": `GET / HTTP/1.1\r\nHost: ${host}\r\nno colon\r\n\r\n${inner}`,
  "a header without a name": `GET / HTTP/1.1\r\nHost: ${host}\r\n: x\r\n\r\n${inner}`,
  "a blank before the first header": `GET / HTTP/1.1\r\n Host: ${host}\r\n\r\n${inner}`,
  "a method with a blank": `GE T / HTTP/1.1\r\nHost: ${host}\r\n\r\n${inner}`,
  "a version of the future": `GET / HTTP/3.0\r\nHost: ${host}\r\n\r\n${inner}`,
  "no version": `GET /\r\nHost: ${host}\r\n\r\n${inner}`,
  "the preface of HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  "two Hosts": `GET / HTTP/1.1\r\nHost: ${host}\r\nHost: evil.example\r\n\r\n`,
  "the same Host twice": `GET / HTTP/1.1\r\nHost: ${host}\r\nhost: ${host}\r\n\r\n`,
  "two Hosts in one": `GET / HTTP/1.1\r\nHost: ${host}, evil.example\r\n\r\n`,
  "a Host with a path": `GET / HTTP/1.1\r\nHost: ${host}/evil\r\n\r\n`,
  "a Host with somebody's name": `GET / HTTP/1.1\r\nHost: evil@${host}\r\n\r\n`,
  "an empty Host": "GET / HTTP/1.1\r\nHost: \r\n\r\n",
  "a target of another host": `GET http://evil.example/ HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
  "a target of another port": `GET http://${host}:81/ HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
  "a target that is no path": `GET evil.example HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
};

test("what two readers could read differently is refused, once, and the connection closed", async (t) => {
  const invocations: Invocation[] = [];
  const { gateway, port } = await startGateway({
    invoke: async (invocation) => {
      invocations.push(invocation);
      return result("{}");
    },
  });
  await using _ = gateway;
  for (const [what, bytes] of Object.entries(ambiguous))
    await t.test(what, async () => {
      const before = invocations.length;
      const answer = await exchangeRaw(port, Buffer.from(bytes, "latin1"));
      const statuses = answer.match(/HTTP\/1\.1 \d{3}/g) ?? [];
      assert.deepEqual(statuses, ["HTTP/1.1 400"], answer);
      const events = invocations
        .slice(before)
        .map(({ payload }) => Buffer.from(payload).toString("latin1"));
      assert.ok(!events.some((event) => event.includes("/smuggled")), events.join("\n"));
    });
});

/** What only the service may say. */
const forged: readonly (readonly [string, string])[] = [
  ["X-Forwarded-For", "6.6.6.6"],
  ["x-forwarded-for", "7.7.7.7"],
  ["X-FORWARDED-HOST", "evil.example"],
  ["X-Forwarded-Proto", "https"],
  ["X-Forwarded-Port", "443"],
  ["Forwarded", "for=6.6.6.6"],
  ["X-Amzn-Trace-Id", "Root=1-00000000-000000000000000000000006;Sampled=1;Lineage=666:6"],
  ["X-Amzn-RequestId", "666"],
  ["X-Amzn-Oidc-Data", "666"],
  ["X-Amzn-Lambda-Context", "666"],
  ["X-Amzn-Tls-Version", "666"],
  ["X-Amz-Cf-Id", "666"],
  ["X-Amz-Client-Context", "NjY2"],
  ["X-Amz-Invocation-Type", "Event"],
  ["X-Amz-Security-Token", "666"],
  ["X-Amz-Source-Arn", "arn:666"],
  ["Connection", "X-Keep, X-Forwarded-For"],
  ["Keep-Alive", "timeout=666"],
  ["Proxy-Authorization", "Basic 666"],
  ["Proxy-Connection", "keep-alive"],
  ["TE", "trailers"],
  ["Trailer", "X-666"],
  ["Upgrade", "h2c"],
];

test("nothing a caller says about itself reaches a function in the service's name", async () => {
  const invocations: Invocation[] = [];
  const { gateway, port } = await startGateway({
    invoke: async (invocation) => {
      invocations.push(invocation);
      return result("{}");
    },
  });
  await using _ = gateway;
  const lines = forged.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const answer = await exchangeRaw(
    port,
    `GET / HTTP/1.1\r\nHost: ${host}\r\nX-Keep: kept\r\n${lines}\r\n`.replace(
      "Connection: X-Keep,",
      "Connection: close, X-Keep,",
    ),
  );
  assert.match(answer, /^HTTP\/1\.1 200/);
  const [invocation] = invocations;
  assert.ok(invocation);
  const event = JSON.parse(Buffer.from(invocation.payload).toString()) as {
    headers: Record<string, string>;
    requestContext: { http: { sourceIp: string } };
  };
  const { "x-amzn-trace-id": trace, ...headers } = event.headers;
  assert.deepEqual(headers, {
    host,
    "x-keep": "kept",
    "x-forwarded-for": "127.0.0.1",
    "x-forwarded-port": "80",
    "x-forwarded-proto": "http",
  });
  assert.equal(event.requestContext.http.sourceIp, "127.0.0.1");
  assert.match(String(trace), /^Root=1-[0-9a-f]{8}-[0-9a-f]{24}$/);
  assert.equal(invocation.context.trace.hops, 0, "a forged lineage counts for nothing");
  assert.equal(invocation.clientContext, undefined);
});
