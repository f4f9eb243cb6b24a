import type { Socket } from "node:net";
import type { Clock } from "#base/clock.ts";
import { PlatformError } from "#base/errors.ts";
import type { Sandbox } from "#functions/sandbox/sandbox.ts";
import { createChannel } from "./channel/channel.ts";
import type { Channel } from "./channel/channel.ts";
import { fields, findField, kinds, readFields } from "./channel/frames.ts";
import type { Field, Frame } from "./channel/frames.ts";
import { compileCache as limits, ports } from "./limits.ts";
import { linkTrees } from "./link-trees.ts";
import type { Assignment, CompiledFiles } from "./runtimes.ts";
import { within } from "./waiting.ts";

interface Training {
  readonly sandbox: Sandbox;
  readonly assignment: Assignment;
  /** What SPECIALISE says of a function. */
  readonly metadata: readonly Field[];
}

/**
 * Lets a guest of ours load a function in a sandbox made for that alone, and takes what V8 compiled meanwhile.
 * Whatever the function's init does or waits for, after a few seconds its time is over. All of this is written
 * by the function's own process, so it is worth exactly as much as the function: it may be anything, and is
 * for this function alone. Names and sizes are checked here, contents never looked at.
 * Errors: `channel.broken` when the guest broke the protocol, ended or took too long; `sandbox.start-failed`.
 */
export async function makeCompileCache(
  deps: { readonly clock: Clock; readonly emptyTree: string },
  training: Training,
): Promise<CompiledFiles> {
  const { sandbox, assignment } = training;
  const found = { channel: createChannel(sandbox.channel) };
  using _limit = deps.clock.timer(limits.timeoutMs, () => found.channel.close());
  sandbox.stdout.resume();
  sandbox.stderr.resume();
  for (const [port, server] of sandbox.listeners) {
    // Nobody is there: what init wants to reach fails at once instead of taking its time.
    if (port !== ports.rejoin) server.on("connection", (socket) => socket.destroy());
  }
  await expect(found.channel.next(), kinds.ready);
  await linkTrees(sandbox, assignment.trees, deps.emptyTree);
  const metadata: readonly Field[] = [...training.metadata, [fields.compileCache, "make"]];
  const first = await begin(found.channel, metadata, deps.clock);
  let loaded = first.loaded;
  if (first.frame?.kind === kinds.restart) {
    if (isSupervised(first.frame)) throw broken("beside extensions it would be another process");
    found.channel = createChannel(await rejoined(sandbox, deps.clock));
    await expect(found.channel.next(), kinds.ready);
    const again = [...metadata, [fields.restarted, "1"]] satisfies readonly Field[];
    loaded = (await begin(found.channel, again, deps.clock)).loaded;
  }
  found.channel.send(kinds.collect, 0, []);
  return receive(found.channel, loaded);
}

/** Until it has loaded, or its time for that is over: then `loaded` is what is still expected. */
async function begin(
  channel: Channel,
  metadata: readonly Field[],
  clock: Clock,
): Promise<{ readonly frame: Frame | undefined; readonly loaded: Promise<Frame> | undefined }> {
  channel.send(kinds.specialise, 0, metadata);
  const next = channel.next();
  const frame = await within(next, limits.initMs, clock);
  if (frame && frame.kind !== kinds.initialised && frame.kind !== kinds.restart)
    throw broken(`it said ${frame.kind} while it loaded`);
  return { frame, loaded: frame ? undefined : next };
}

/** With extensions the guest would not be the one that compiles. */
function isSupervised(frame: Frame): boolean {
  return findField(readFields(frame.metadata), fields.name) !== undefined;
}

async function rejoined(sandbox: Sandbox, clock: Clock): Promise<Socket> {
  const joined = Promise.withResolvers<Socket>();
  sandbox.listeners.get(ports.rejoin)?.once("connection", joined.resolve);
  const socket = await within(joined.promise, limits.initMs, clock);
  if (!socket) throw broken("the guest restarted and did not come back");
  return socket;
}

async function receive(
  channel: Channel,
  loaded: Promise<Frame> | undefined,
): Promise<CompiledFiles> {
  const files = new Map<string, Uint8Array>();
  let bytes = 0;
  for (let frame = await (loaded ?? channel.next()); ; frame = await channel.next()) {
    if (frame.kind === kinds.initialised) continue; // later than it should have been
    if (frame.kind === kinds.streamEnd) return files;
    const path = findField(readFields(frame.metadata), fields.path);
    bytes += frame.body.length;
    if (frame.kind !== kinds.streamData || path === undefined || !pathPattern.test(path))
      throw broken("it sent something else than a compile cache");
    if (bytes > limits.bytesMax || files.size >= limits.filesMax)
      throw broken("its compile cache is too large");
    files.set(path, Buffer.from(frame.body)); // the frame's memory is the channel's
  }
}

/** As Node names them: a folder for version, architecture and flags, and in it a file for each module. */
const pathPattern = /^v[0-9A-Za-z.-]{1,64}\/[0-9a-f]{1,32}$/;

async function expect(next: Promise<Frame>, kind: number): Promise<void> {
  const frame = await next;
  if (frame.kind !== kind) throw broken(`it said ${frame.kind} instead of ${kind}`);
}

function broken(why: string): PlatformError {
  return new PlatformError("channel.broken", `A guest made no compile cache: ${why}.`);
}
