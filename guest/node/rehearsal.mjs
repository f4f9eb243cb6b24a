import { findExtensions } from "../extensions/find.mjs";
import { createChannel, fields, kinds } from "./channel.mjs";
import { patchConsole } from "./console.mjs";
import { createCurrent } from "./current.mjs";
import { installGlobals, replaceEnvironment } from "./environment.mjs";
import { fitHeap } from "./heap.mjs";
import { loadHandler } from "./handler.mjs";
import { createRunner } from "./invocation.mjs";
import { place } from "./paths.mjs";
import { needsRestart } from "./restart.mjs";

/** Larger than any limit on the heap, so that none is set. */
const anyMemoryMiB = 10_240;

/**
 * Becomes a function of ours and runs it once, on a channel that leads nowhere, in a sandbox that nobody waits
 * for. JavaScript is compiled when it first runs: without this, the first call of a customer would pay for
 * compiling the guest, half of what the guest does for it.
 */
export async function rehearse() {
  const forget = rememberListeners();
  const initial = { ...process.env };
  const argv = [...process.argv];
  const directory = place("/var/runtime/guest");
  const { channel, frames } = openLoop();
  const variables = Object.entries(initial).map((entry) => [fields.variable, entry.join("=")]);
  channel.send(kinds.specialise, 0, [[fields.handler, "warm.handler"], ...variables]);
  channel.push();
  const [specialise] = frames.splice(0);
  findExtensions();
  needsRestart({});
  replaceEnvironment(specialise.variables);
  fitHeap(anyMemoryMiB);
  const current = createCurrent();
  const logError = patchConsole(current);
  installGlobals(undefined);
  const runner = createRunner({ channel, current, logError });
  runner.use(await loadHandler(directory, specialise.metadata.get(fields.handler)));
  for (const wantsHttp of [[], [[fields.wantsHttp, "1"]]]) {
    const metadata = [[fields.requestId, "0"], [fields.traceHeader, "Root=0"], ...wantsHttp];
    channel.send(kinds.invoke, 1, metadata, "{}");
    channel.push();
    runner.add(frames.pop());
    await new Promise(setImmediate);
  }
  replaceEnvironment(initial);
  delete process.env.NODE_PATH;
  delete globalThis.awslambda;
  process.argv.splice(0, process.argv.length, ...argv);
  forget();
}

/** A channel that hears what it says itself. */
function openLoop() {
  const frames = [];
  let receive;
  const socket = {
    writableNeedDrain: false,
    on(event, listener) {
      if (event === "data") receive = listener;
    },
    write: (bytes) => receive(bytes),
    ref() {},
    unref() {},
  };
  const channel = createChannel(socket, (frame) => frames.push(frame));
  return { channel, frames };
}

/** What was listened to meanwhile is not listened to any more. */
function rememberListeners() {
  const events = ["exit", "beforeExit"];
  const before = events.map((event) => new Set(process.listeners(event)));
  return () => {
    for (const [index, event] of events.entries()) {
      for (const listener of process.listeners(event)) {
        if (!before[index].has(listener)) process.removeListener(event, listener);
      }
    }
  };
}
