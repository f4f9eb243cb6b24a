import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { connect } from "node:net";
import { test } from "node:test";
import { createVirtualClock } from "#base/clock.ts";
import { answerSliceBytes, readerStallMs } from "./limits.ts";
import type { GatewayOptions } from "./testing/set-up.ts";
import { ask, exchangeRaw, result, startGateway } from "./testing/set-up.ts";

const host = "abc123.lambda-url.us-east-1.localhost";
const get = `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
const health = "GET /_skerry/health HTTP/1.1\r\nHost: localhost\r\n\r\n";

/** A gateway whose clients come from any address of the loopback network. */
async function start(options: GatewayOptions) {
  const server = await startGateway(options);
  const open: Socket[] = [];
  return {
    ...server,
    async client(localAddress = "127.0.0.1"): Promise<Socket> {
      const socket = connect({ port: server.port, host: "127.0.0.1", localAddress });
      open.push(socket);
      socket.on("error", () => undefined); // being cut off is what is tested
      await once(socket, "connect");
      return socket;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await server.gateway[Symbol.asyncDispose]();
    },
  };
}

/** Resolves once the server has taken note of a connection: it answers what came on it. */
async function answered(socket: Socket): Promise<string> {
  socket.write(health);
  const [piece] = (await once(socket, "data")) as [Buffer]; // a socket without setEncoding
  return piece.toString("latin1");
}

test("at the cap of an address whoever keeps it waiting longest gives way", async () => {
  await using server = await start({ caps: { connectionsMax: 100, connectionsPerAddressMax: 3 } });
  const first = await server.client("127.0.0.2");
  assert.match(await answered(first), /^HTTP\/1\.1 200/);
  const silent = await server.client("127.0.0.2");
  const half = await server.client("127.0.0.2");
  half.write("GET / HTTP/1.1\r\nHost: loc");
  await answered(first); // now the one whose last answer is youngest
  const gone = once(silent, "close");
  const next = await server.client("127.0.0.2");
  assert.match(await answered(next), /^HTTP\/1\.1 200/);
  await gone;
  const gone2 = once(half, "close");
  const last = await server.client("127.0.0.2");
  assert.match(await answered(last), /^HTTP\/1\.1 200/);
  await gone2;
  assert.match(await answered(first), /^HTTP\/1\.1 200/, "the youngest two are still there");
});

test("a request that has arrived whole is never cut; a newcomer is told to come back", async () => {
  const { promise: finish, resolve: letFinish } = Promise.withResolvers<void>();
  let begunCount = 0;
  const { promise: allBegun, resolve: begun } = Promise.withResolvers<void>();
  await using server = await start({
    caps: { connectionsMax: 100, connectionsPerAddressMax: 2 },
    invoke: async () => {
      if (++begunCount === 2) begun();
      await finish;
      return result("{}");
    },
  });
  const calls = [exchangeRaw(server.port, get), exchangeRaw(server.port, get)];
  await allBegun;
  const refused = await exchangeRaw(server.port, get);
  assert.match(refused, /^HTTP\/1\.1 503 [\s\S]*retry-after: 1/);
  const elsewhere = await server.client("127.0.0.9");
  assert.match(await answered(elsewhere), /^HTTP\/1\.1 200/);
  letFinish();
  server.gateway.drain(60_000).catch(assert.fail);
  for (const call of calls) assert.match(await call, /^HTTP\/1\.1 200/);
  const dropped = server.lines.filter((line) => line.includes('"http.dropped"'));
  assert.equal(dropped.length, 1);
});

test("at the cap of all, the address with most connections gives one up", async () => {
  await using server = await start({ caps: { connectionsMax: 4, connectionsPerAddressMax: 3 } });
  const honest = await server.client("127.0.0.3");
  await answered(honest);
  const crowd: Socket[] = [];
  for (let index = 0; index < 3; index++) {
    const socket = await server.client("127.0.0.4");
    await answered(socket);
    crowd.push(socket);
  }
  const [oldest] = crowd;
  assert.ok(oldest);
  const gone = once(oldest, "close");
  await answered(await server.client("127.0.0.5"));
  await gone;
  assert.match(await answered(honest), /^HTTP\/1\.1 200/);
});

test("a thousand drops are one line of the log, then a number", async () => {
  const clock = createVirtualClock(0);
  const { promise: forever } = Promise.withResolvers<void>();
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  await using server = await start({
    clock,
    caps: { connectionsMax: 1, connectionsPerAddressMax: 1 },
    invoke: async () => {
      begin();
      await forever;
      return result("{}");
    },
  });
  const busy = await server.client();
  busy.write(get);
  await begun;
  for (let index = 0; index < 1_000; index++)
    assert.match(await exchangeRaw(server.port, health), /^HTTP\/1\.1 503/);
  const dropped = (): string[] => server.lines.filter((line) => line.includes('"http.dropped"'));
  assert.equal(dropped().length, 1);
  await clock.advance(1_000);
  assert.equal(dropped().length, 2);
  assert.match(dropped()[1] ?? "", /"count":999/);
});

const large = JSON.stringify({ statusCode: 200, body: "x".repeat(6_000_000) });

test("a reader who stops loses its connection, one who goes on slowly keeps it", async () => {
  const clock = createVirtualClock(0);
  await using server = await start({ clock, invoke: async () => result(large) });
  const stopped = await server.client();
  stopped.write(get);
  await once(stopped, "readable"); // and nobody reads
  const slow = await server.client();
  slow.write(get);
  let readBytes = 0;
  slow.pause();
  while (readBytes < 6_000_000) {
    const piece = slow.read() as Buffer | null; // a stream of bytes
    if (piece === null) await once(slow, "readable");
    else {
      readBytes += piece.byteLength;
      // The time of a slice, less a little, for each slice taken.
      await clock.advance(
        Math.floor((readerStallMs * 0.9 * piece.byteLength) / (answerSliceBytes * 40)),
      );
    }
  }
  await clock.advance(readerStallMs + 1);
  stopped.resume();
  await once(stopped, "close");
  assert.ok(stopped.bytesRead < 6_000_000, `${stopped.bytesRead} bytes`);
  assert.equal(slow.destroyed, false);
});

test("unread answers have one bound together: the reader slow for longest goes first", async () => {
  await using server = await start({
    bounds: { unreadBytesMax: 15_000_000 },
    invoke: async () => result(large),
  });
  const readers: Socket[] = [];
  for (let index = 0; index < 3; index++) {
    const socket = await server.client();
    socket.write(get);
    await once(socket, "readable");
    readers.push(socket);
  }
  const [first, second, third] = readers;
  assert.ok(first && second && third);
  first.resume();
  await once(first, "close");
  assert.ok(first.bytesRead < 6_000_000, "cut off");
  second.resume();
  third.resume();
  while (second.bytesRead < 6_000_000) await once(second, "data");
  while (third.bytesRead < 6_000_000) await once(third, "data");
});

test("bodies of unanswered requests have one bound together; those beyond it come back later", async () => {
  const { promise: finish, resolve: letFinish } = Promise.withResolvers<void>();
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  await using server = await start({
    bounds: { arrivingBytesMax: 1_000_000 },
    invoke: async () => {
      begin();
      await finish;
      return result("{}");
    },
  });
  const post = (byteCount: number) =>
    ask(server.port, { method: "POST", headers: { host }, body: "y".repeat(byteCount) });
  const hoarder = post(900_000);
  await begun;
  const refused = await post(200_000);
  assert.equal(refused.status, 503);
  assert.match(refused.head, /retry-after: 1/);
  letFinish();
  assert.equal((await hoarder).status, 200);
  assert.equal((await post(200_000)).status, 200);
});

test("a connection that says nothing between two requests is closed after its time", async () => {
  await using server = await start({ bounds: { keepAliveTimeoutMs: 50, connectionsCheckMs: 20 } });
  const idle = await server.client();
  await answered(idle);
  await once(idle, "close");
});
