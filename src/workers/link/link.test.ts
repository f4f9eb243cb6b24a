import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isPlatformError, PlatformError } from "#base/errors.ts";
import { createSeededRandom } from "#base/random.ts";
import { RecursionError, ThrottledError } from "#functions/invoker/invoker.ts";
import { streamWindowBytes } from "../limits.ts";
import { encodeHead, FrameReader } from "./frames.ts";
import { type IncomingCall, Link } from "./link.ts";

interface Pair extends AsyncDisposable {
  readonly caller: Link;
  readonly callee: Link;
  readonly notes: readonly [string, unknown][];
}

/** Two ends of a real Unix socket. */
async function pair(onCall: (call: IncomingCall) => void): Promise<Pair> {
  const folder = await mkdtemp(join(tmpdir(), "skerry-link-"));
  const server = createServer().listen(join(folder, "s"));
  await once(server, "listening");
  const near = connect(join(folder, "s"));
  const [far] = (await once(server, "connection")) as [Socket]; // as Node documents the event
  const notes: [string, unknown][] = [];
  const caller = new Link({ socket: near, onCall: () => undefined, onNote: () => undefined });
  const callee = new Link({
    socket: far,
    onCall,
    onNote: (name, meta) => void notes.push([name, meta]),
  });
  return {
    caller,
    callee,
    notes,
    async [Symbol.asyncDispose]() {
      caller[Symbol.dispose]();
      callee[Symbol.dispose]();
      server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

test("frames survive any cut of the byte stream", () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  console.log(`seed ${seed}`);
  const random = createSeededRandom(seed);
  const below = (limit: number): number => Math.floor(random.fraction() * limit);
  const sent = Array.from({ length: 200 }, (_unused, number) => ({
    kind: 1 + below(30),
    number,
    meta: "m".repeat(below(60)),
    body: randomBytes(below(4) === 0 ? 0 : below(9_000)),
  }));
  const stream = Buffer.concat(
    sent.flatMap((frame) => [
      encodeHead({ ...frame, bodyBytes: frame.body.byteLength }),
      frame.body,
    ]),
  );
  const reader = new FrameReader();
  const got: unknown[] = [];
  for (let at = 0; at < stream.length;) {
    const size = 1 + below(below(3) === 0 ? 20 : 12_000);
    for (const { kind, number, meta, body } of reader.push(stream.subarray(at, at + size)))
      got.push({ kind, number, meta: meta.toString(), body: Buffer.from(body) });
    at += size;
  }
  assert.deepEqual(got, sent);
});

test("an announced length beyond the limits is refused at its header", () => {
  const head = encodeHead({ kind: 1, number: 1, meta: "", bodyBytes: 2 ** 31 });
  assert.throws(() => [...new FrameReader().push(head)], RangeError);
});

test("calls in both directions are answered with the bytes that were sent", async () => {
  const body = randomBytes(3_000_000);
  await using link = await pair((call) =>
    call.reply({ name: call.name, meta: call.meta }, call.body),
  );
  const replies = await Promise.all(
    [1, 2, 3].map((n) => link.caller.call("echo", { meta: { n }, body: body.subarray(n) })),
  );
  for (const [index, reply] of replies.entries()) {
    assert.deepEqual(reply.meta, { name: "echo", meta: { n: index + 1 } });
    assert.ok(body.subarray(index + 1).equals(reply.body));
  }
});

test("notes arrive in order and before calls made after them", async () => {
  await using link = await pair((call) => call.reply(null));
  for (let n = 0; n < 10; n++) link.caller.tell("count", n);
  await link.caller.call("done", {});
  assert.deepEqual(
    link.notes,
    Array.from({ length: 10 }, (_unused, n) => ["count", n]),
  );
});

test("failures arrive as what they were", async () => {
  const failures = new Map<string, Error>([
    ["throttled", new ThrottledError("ReservedFunctionConcurrentInvocationLimitExceeded", 7)],
    ["recursion", new RecursionError("round and round")],
    ["platform", new PlatformError("queue.full", "full")],
    ["other", new TypeError("a defect")],
  ]);
  await using link = await pair((call) => call.fail(failures.get(call.name)));
  await assert.rejects(link.caller.call("throttled", {}), failures.get("throttled"));
  await assert.rejects(link.caller.call("recursion", {}), failures.get("recursion"));
  await assert.rejects(link.caller.call("platform", {}), (error) =>
    isPlatformError(error, "queue.full"),
  );
  await assert.rejects(link.caller.call("other", {}), { message: "a defect" });
});

test("a streamed answer is passed on whole, with how it ended behind it", async () => {
  const chunks = Array.from({ length: 40 }, () => randomBytes(20_000));
  await using link = await pair((call) => {
    void call
      .begin({ type: "text/plain" }, toStream(chunks))
      .then(() => call.settle({ kind: "ok" }, Buffer.from("tail")));
  });
  const reply = await link.caller.call("stream", {});
  assert.deepEqual(reply.meta, { type: "text/plain" });
  assert.ok(reply.stream);
  const read = Buffer.concat(await Array.fromAsync(reply.stream));
  assert.ok(Buffer.concat(chunks).equals(read));
  const settled = await reply.settled;
  assert.deepEqual([settled?.meta, String(settled?.body)], [{ kind: "ok" }, "tail"]);
});

test("a reader that does not read holds the sender back at a window's worth", async () => {
  const chunk = Buffer.alloc(16 * 1024);
  let sentBytes = 0;
  const stalled = Promise.withResolvers<void>();
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) {
      sentBytes += chunk.byteLength;
      if (sentBytes > streamWindowBytes) stalled.resolve();
      yield chunk;
    }
  }
  const closed = Promise.withResolvers<void>();
  await using link = await pair((call) => {
    if (call.name === "round trip") return call.reply(null);
    void call.begin(null, endless()).then(() => closed.resolve());
  });
  const reply = await link.caller.call("stream", {});
  await stalled.promise;
  await link.caller.call("round trip", {}); // everything sent has arrived
  assert.ok(sentBytes <= streamWindowBytes + 2 * chunk.byteLength, `${sentBytes} bytes were made`);
  for await (const _ of reply.stream ?? []) break;
  await closed.promise; // leaving the loop has told the sender
});

test("a stream that fails at its source breaks off for the reader", async () => {
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("begun");
    throw new Error("the sandbox is gone");
  }
  await using link = await pair((call) => {
    void call.begin(null, broken()).then(() => call.settle("crash"));
  });
  const reply = await link.caller.call("stream", {});
  await assert.rejects(Array.fromAsync(reply.stream ?? []), /broke off/);
  assert.equal((await reply.settled)?.meta, "crash");
});

test("a caller that gives up is noticed by the callee", async () => {
  const noticed = Promise.withResolvers<void>();
  await using link = await pair((call) => {
    call.signal.addEventListener("abort", () => {
      noticed.resolve();
      call.fail(new Error("nobody waits"));
    });
  });
  const giveUp = new AbortController();
  const calling = link.caller.call("wait", { signal: giveUp.signal });
  giveUp.abort(new Error("gone"));
  await assert.rejects(calling, /nobody waits/);
  await noticed.promise;
});

test("a link that breaks fails what is open on both sides", async () => {
  const aborted = Promise.withResolvers<void>();
  await using link = await pair((call) => {
    if (call.name === "stream") void call.begin(null, never);
    call.signal.addEventListener("abort", () => aborted.resolve());
  });
  const reply = await link.caller.call("stream", {});
  const unanswered = assert.rejects(link.caller.call("wait", {}), (error) =>
    isPlatformError(error, "worker.lost"),
  );
  const settled = assert.rejects(async () => await reply.settled, /ended before/);
  link.callee[Symbol.dispose]();
  await Promise.all([unanswered, settled, aborted.promise, link.caller.closed]);
  await assert.rejects(Array.fromAsync(reply.stream ?? []), /ended before/);
  await assert.rejects(link.caller.call("later", {}), (error) =>
    isPlatformError(error, "worker.lost"),
  );
});

async function* toStream(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

const never: AsyncIterable<Uint8Array> = {
  [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }),
};
