import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { connect, createServer, type AddressInfo, type Server } from "node:net";
import { text } from "node:stream/consumers";
import { after, test } from "node:test";
import { systemClock } from "#base/clock.ts";
import type { GuestIdentity } from "#functions/pool/pool.ts";
import type { Revision } from "#functions/registry/registry.ts";
import { createEgressProxy, type EgressDeps } from "./egress.ts";
import { connectionsPerSandboxMax, headBytesMax } from "./limits.ts";

const origin = createHttpServer((request, response) =>
  response.end(`${request.method} ${request.url} ${String(request.headers["x-kept"] ?? "")}`),
);
origin.listen(0, "127.0.0.1");
await once(origin, "listening");
const originPort = (origin.address() as AddressInfo).port;
after(() => origin.close());

const log = { event: () => undefined };
const allow: EgressDeps["allow"] = (address, port) =>
  address === "127.0.0.1" && port === originPort;

interface Proxy extends AsyncDisposable {
  ask(request: string): Promise<string>;
  readonly port: number;
}

async function startProxy(
  deps: Partial<EgressDeps> = {},
  egress: Revision["egress"] = "internet",
): Promise<Proxy> {
  const server: Server = createServer({ allowHalfOpen: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const identity = { revision: { egress, name: "f" }, trace: undefined } as GuestIdentity; // all the proxy looks at
  const served = createEgressProxy({ clock: systemClock, log, ...deps }).serve(
    server,
    () => identity,
  );
  const { port } = server.address() as AddressInfo;
  return {
    port,
    async ask(request) {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => undefined);
      socket.write(request);
      return text(socket);
    },
    async [Symbol.asyncDispose]() {
      served[Symbol.dispose]();
      server.close();
      await once(server, "close");
    },
  };
}

test("loopback, metadata and private targets are refused, in every spelling", async () => {
  await using proxy = await startProxy();
  for (const host of [
    "127.0.0.1",
    "localhost",
    "169.254.169.254",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "10.0.0.1",
    "0.0.0.0",
  ]) {
    assert.match(
      await proxy.ask(`CONNECT ${host}:${originPort} HTTP/1.1\r\n\r\n`),
      /^HTTP\/1\.1 403 /,
      host,
    );
    assert.match(
      await proxy.ask(`GET http://${host}:${originPort}/ HTTP/1.1\r\n\r\n`),
      /^HTTP\/1\.1 403 /,
      host,
    );
  }
  for (const odd of ["2130706433", "0x7f000001", "0177.0.0.1", "127.1"])
    assert.match(
      await proxy.ask(`GET http://${odd}:${originPort}/ HTTP/1.1\r\n\r\n`),
      /^HTTP\/1\.1 403 /,
      odd,
    );
});

test("a name that leads to a forbidden address is refused, even among good ones", async () => {
  const answers: Record<string, string[]> = {
    "rebind.example": ["93.184.216.34", "127.0.0.1"],
    "inside.example": ["10.1.2.3"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "nowhere.example": [],
  };
  await using proxy = await startProxy({ resolve: (name) => Promise.resolve(answers[name] ?? []) });
  for (const name of ["rebind.example", "inside.example", "mapped.example"])
    assert.match(await proxy.ask(`CONNECT ${name}:443 HTTP/1.1\r\n\r\n`), /^HTTP\/1\.1 403 /, name);
  assert.match(await proxy.ask(`CONNECT nowhere.example:443 HTTP/1.1\r\n\r\n`), /^HTTP\/1\.1 502 /);
});

test("what is allowed gets through: a forwarded request and a tunnel", async () => {
  let lookups = 0;
  await using proxy = await startProxy({
    allow,
    resolve: () => Promise.resolve([lookups++ === 0 ? "127.0.0.1" : "8.8.8.8"]),
  });
  const answer = await proxy.ask(
    `GET http://good.example:${originPort}/a?b HTTP/1.1\r\nX-Kept: yes\r\n\r\n`,
  );
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\n[^]*GET \/a\?b yes$/);
  assert.equal(lookups, 1, "the address that was checked is the one used");
  const tunnel = await proxy.ask(
    `CONNECT 127.0.0.1:${originPort} HTTP/1.1\r\n\r\nGET /through HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
  );
  assert.match(
    tunnel,
    /^HTTP\/1\.1 200 Connection Established\r\n\r\nHTTP\/1\.1 200 OK\r\n[^]*GET \/through $/,
  );
});

test("a function without the internet gets nothing", async () => {
  await using proxy = await startProxy({ allow }, "platform");
  assert.match(
    await proxy.ask(`CONNECT 127.0.0.1:${originPort} HTTP/1.1\r\n\r\n`),
    /^HTTP\/1\.1 403 [^]*setting/,
  );
});

test("malformed, oversized and too many", async () => {
  await using proxy = await startProxy({ allow });
  assert.match(await proxy.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), /^HTTP\/1\.1 400 /);
  assert.match(
    await proxy.ask(`GET http://a.example/ HTTP/1.1\r\nX: ${"y".repeat(headBytesMax)}\r\n\r\n`),
    /^HTTP\/1\.1 431 /,
  );
  const waiting = await Promise.all(
    Array.from({ length: connectionsPerSandboxMax }, async () => {
      const socket = connect(proxy.port, "127.0.0.1");
      await once(socket, "connect");
      return socket;
    }),
  );
  assert.match(
    await proxy.ask(`CONNECT 127.0.0.1:${originPort} HTTP/1.1\r\n\r\n`),
    /^HTTP\/1\.1 503 /,
  );
  for (const socket of waiting) socket.destroy();
});
