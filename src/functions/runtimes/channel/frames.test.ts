import assert from "node:assert/strict";
import { createServer, connect } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { once } from "node:events";
import { test } from "node:test";
import { isPlatformError } from "#base/errors.ts";
import { createSeededRandom } from "#base/random.ts";
import { frameBytesMax } from "../limits.ts";
import { createChannel } from "./channel.ts";
import { findField, FrameError, FrameReader, headerBytes, kinds, readFields } from "./frames.ts";
import type { Field, Frame } from "./frames.ts";

/** A guest's side of the protocol, written apart from the host's own writer so that one checks the other. */
function encode(kind: number, number: number, metadata: readonly Field[], body: Buffer): Buffer {
  const block = Buffer.concat(
    metadata.flatMap(([id, text]) => {
      const head = Buffer.alloc(5);
      head[0] = id;
      head.writeUInt32LE(Buffer.byteLength(text), 1);
      return [head, Buffer.from(text)];
    }),
  );
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32LE(block.length + body.length, 0);
  header.writeUInt32LE(kind, 4);
  header.writeUInt32LE(number, 8);
  header.writeUInt32LE(block.length, 12);
  return Buffer.concat([header, block, body]);
}

function read(reader: FrameReader, bytes: Buffer): Frame[] {
  const frames: Frame[] = [];
  reader.push(bytes, (frame) => void frames.push(frame));
  return frames;
}

test("a frame that arrives whole is handed out as a view, uncopied", () => {
  const bytes = encode(kinds.response, 7, [[22, "application/json"]], Buffer.from("{}"));
  const [frame] = read(new FrameReader(), bytes);
  assert.equal(frame?.kind, kinds.response);
  assert.equal(frame.number, 7);
  assert.equal(findField(readFields(frame.metadata), 22), "application/json");
  assert.equal(frame.body.toString(), "{}");
  assert.equal(frame.body.buffer, bytes.buffer);
});

test("frames survive any way of being cut into chunks", () => {
  const seed = 20_261_121;
  const random = createSeededRandom(seed);
  const size = (max: number): number => Math.floor(random.fraction() * max);
  for (let round = 0; round < 200; round++) {
    const sent = Array.from({ length: 1 + size(6) }, (_, index) => ({
      kind: 64 + size(12),
      number: index,
      metadata: Array.from({ length: size(3) }, (): Field => [size(255), "ü".repeat(size(50))]),
      body: Buffer.from(random.bytes(size(300))),
    }));
    const stream = Buffer.concat(
      sent.map((frame) => encode(frame.kind, frame.number, frame.metadata, frame.body)),
    );
    const reader = new FrameReader();
    const got: Frame[] = [];
    for (let at = 0; at < stream.length;) {
      const end = at + 1 + size(80);
      got.push(...read(reader, stream.subarray(at, end)));
      at = end;
    }
    assert.equal(reader.isInside, false, `seed ${seed}`);
    assert.deepEqual(
      got.map((frame) => ({
        kind: frame.kind,
        number: frame.number,
        metadata: readFields(frame.metadata),
        body: Buffer.from(frame.body),
      })),
      sent,
      `seed ${seed}`,
    );
  }
});

test("noise ends in frames or in FrameError, never in anything else", () => {
  const seed = 42;
  const random = createSeededRandom(seed);
  for (let round = 0; round < 2_000; round++) {
    const reader = new FrameReader();
    try {
      const noise = Buffer.from(random.bytes(1 + Math.floor(random.fraction() * 64)));
      for (const frame of read(reader, noise)) readFields(frame.metadata);
    } catch (error) {
      assert.ok(error instanceof FrameError, `seed ${seed}: ${String(error)}`);
    }
  }
});

test("a length beyond the limit is refused as soon as the header is there", () => {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(frameBytesMax + 1, 0);
  assert.throws(() => read(new FrameReader(), header), FrameError);
  const metadata = Buffer.alloc(16);
  metadata.writeUInt32LE(10, 0);
  metadata.writeUInt32LE(11, 12);
  assert.throws(() => read(new FrameReader(), metadata), FrameError);
});

test("a metadata block that contradicts itself is refused", () => {
  assert.throws(() => readFields(Buffer.from([1, 200, 0, 0, 0, 65])), FrameError);
  assert.throws(() => readFields(Buffer.from([1, 2])), FrameError);
});

async function pair(): Promise<readonly [Socket, Socket]> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  // A listening TCP server has an address with a port.
  const { port } = server.address() as AddressInfo;
  const accepted = once(server, "connection");
  const far = connect(port, "127.0.0.1");
  const [near] = await accepted;
  server.close();
  return [near as Socket, far]; // "connection" carries a Socket
}

test("a channel whose guest announces a silly length is cut", async () => {
  const [near, far] = await pair();
  const channel = createChannel(near);
  far.on("error", () => undefined);
  far.write(Buffer.alloc(16, 0xff));
  await assert.rejects(channel.next(), (error) => isPlatformError(error, "channel.broken"));
  assert.equal(near.destroyed, true);
  far.destroy();
});

test("a guest that hangs up in the middle of a frame breaks the channel", async () => {
  const [near, far] = await pair();
  const channel = createChannel(near);
  far.end(encode(kinds.response, 1, [], Buffer.alloc(100)).subarray(0, 50));
  await assert.rejects(channel.next(), (error) => isPlatformError(error, "channel.broken"));
});

test("what a guest said before it hung up is still heard, then the end", async () => {
  const [near, far] = await pair();
  const channel = createChannel(near);
  far.end(encode(kinds.response, 1, [], Buffer.from("last")));
  await once(near, "close");
  assert.equal((await channel.next()).body.toString(), "last");
  await assert.rejects(channel.next());
});

test("sending to a guest that is gone fails at its reader, who knows to ask how it ended", async () => {
  const [near, far] = await pair();
  const channel = createChannel(near);
  far.destroy();
  await once(near, "close");
  channel.send(kinds.invoke, 1, [], Buffer.from("{}"));
  await assert.rejects(channel.next(), (error) => isPlatformError(error, "channel.broken"));
});

test("a channel nobody reads stops taking bytes from its guest", async () => {
  const [near, far] = await pair();
  const channel = createChannel(near);
  const piece = encode(kinds.streamData, 1, [], Buffer.alloc(256 * 1024));
  let sent = 0;
  while (far.write(piece)) sent += 1;
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
  while (far.writableLength === 0 && sent < 4_000) {
    far.write(piece);
    sent += 1;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(far.writableLength > 0, "the guest's writes are held");
  assert.ok(sent < 4_000, `held after ${sent} pieces`);
  assert.equal((await channel.next()).body.length, 256 * 1024);
  channel.close();
  far.destroy();
});

test("what a guest reads is what was sent, however much of it waits for the guest", async () => {
  const seed = 20_261_125;
  const random = createSeededRandom(seed);
  const size = (max: number): number => Math.floor(random.fraction() * max);
  const [near, far] = await pair();
  const channel = createChannel(near);
  const reader = new FrameReader();
  const got: Frame[] = [];
  const sent: { number: number; metadata: Field[]; body: Buffer }[] = [];
  far.on("data", (chunk: Buffer) => got.push(...read(reader, chunk)));
  const send = (textMax: number, bodyMax: number): void => {
    const number = sent.length + 1;
    const metadata: Field[] = [
      [size(255), "ü".repeat(size(textMax))],
      [22, String(number)],
    ];
    const body = Buffer.from(random.bytes(size(bodyMax)));
    sent.push({ number, metadata, body });
    channel.send(kinds.invoke, number, metadata, body);
  };
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  for (let round = 0; round < 4; round++) {
    for (let count = 0; count < 20; count++) {
      send(40, 400);
      // What does not fit into one buffer with the rest.
      if (count % 7 === 0) send(60_000, 40_000);
      if (count % 3 === 0) await turn();
    }
    far.pause();
    for (let count = 0; near.writableLength === 0 && count < 2_000; count++) {
      send(10_000, 400);
      await turn();
    }
    assert.ok(near.writableLength > 0, "something waits for the guest");
    for (let count = 0; count < 40; count++) send(40, 400);
    await turn();
    send(40, 400);
    far.resume();
    while (got.length < sent.length) await once(far, "data");
  }
  assert.deepEqual(
    got.map((frame) => ({
      number: frame.number,
      metadata: readFields(frame.metadata),
      body: Buffer.from(frame.body),
    })),
    sent,
    `seed ${seed}`,
  );
  channel.close();
  far.destroy();
});
