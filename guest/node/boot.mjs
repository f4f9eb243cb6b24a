import { findExtensions } from "../extensions/find.mjs";
import { createCurrent } from "./current.mjs";
import { createChannel, errorFields, fields, kinds, openSocket } from "./channel.mjs";
import { clockMs } from "./clock.mjs";
import { openCompileCache, sendCompileCache } from "./compile-cache.mjs";
import { patchConsole } from "./console.mjs";
import { enterTask, installGlobals, replaceEnvironment } from "./environment.mjs";
import { describe, runtimeError } from "./errors.mjs";
import { fitHeap } from "./heap.mjs";
import { loadHandler } from "./handler.mjs";
import { createRunner } from "./invocation.mjs";
import { handOutListeners } from "./listeners.mjs";
import { place } from "./paths.mjs";
import { rehearse } from "./rehearsal.mjs";
import { installResolution, requireFromRuntime } from "./resolution.mjs";
import { needsRestart, restart, restartSupervised } from "./restart.mjs";

/** The boot program of the Node runtimes; what it does in which order is in ../CHANNEL.md. */
const rejoinListener = 9002;

const commonBuiltIns =
  "assert,async_hooks,buffer,child_process,crypto,dns,events,http,https,stream/promises,string_decoder,timers/promises,tls,url,util,v8,worker_threads,zlib".split(
    ",",
  );

const isSecondLife = process.env.SKERRY_REJOIN !== undefined;
/** Goes on while the function is awaited; no customer code runs before it is done. */
const handedOut = isSecondLife ? Promise.resolve() : handOutListeners();

const current = createCurrent();
let runner;
/** This sandbox is there for the compile cache alone: what its function does in init is of no account. */
let isCompiling = false;

const rejoinPort = isSecondLife ? Number(process.env.SKERRY_REJOIN) : undefined;
const channel = createChannel(openSocket(rejoinPort), (frame) => {
  if (frame.kind === kinds.specialise) void specialise(frame);
  else if (frame.kind === kinds.recall) runner?.recall();
  else if (frame.kind === kinds.collect && isCompiling) sendCompileCache(channel);
  else if (frame.kind !== kinds.invoke || !runner?.add(frame)) process.exit(1);
});

installResolution();
void getReady();

async function getReady() {
  // A sandbox made for one function that somebody waits for loads what that function needs.
  if (process.env.SKERRY_WARM === "1" && !isSecondLife) await warmUp();
  // Customers' code is not required by ours (`require.main`), as on AWS.
  process.mainModule = undefined;
  channel.send(kinds.ready, 0);
  prepareOutput();
}

async function warmUp() {
  requireFromRuntime(place("/var/runtime/guest/warm.cjs"));
  // Loading a built-in takes longer than all of specialisation; most functions use some of these.
  for (const name of commonBuiltIns) requireFromRuntime(`node:${name}`);
  await rehearse();
}

function prepareOutput() {
  for (const stream of [process.stdout, process.stderr]) {
    // The stream is made at its first use, which also makes its descriptor non-blocking: `fs.writeSync(1)`
    // would then fail with EAGAIN in a busy moment, and `process.exit` lose what is still queued.
    stream.cork();
    stream.uncork();
    stream._handle?.setBlocking?.(true);
  }
}

async function specialise(frame) {
  const { metadata, variables } = frame;
  const ports = await handedOut;
  if (!metadata.has(fields.restarted) && findExtensions().length > 0) {
    channel.send(kinds.restart, 0, [[fields.name, "supervisor"]]);
    channel.flush(() => restartSupervised(ports.get(rejoinListener)));
    return;
  }
  if (!metadata.has(fields.restarted) && needsRestart(variables)) {
    channel.send(kinds.restart, 0);
    channel.flush(() => restart(variables, ports.get(rejoinListener)));
    return;
  }
  const started = clockMs();
  replaceEnvironment(variables);
  enterTask();
  fitHeap(Number(metadata.get(fields.memoryMiB)));
  isCompiling = metadata.get(fields.compileCache) === "make";
  openCompileCache(metadata.get(fields.compileCache));
  const concurrency = Number(metadata.get(fields.concurrency) ?? 1);
  const invokeStore = metadata.has(fields.concurrency) ? current.share() : undefined;
  const logError = patchConsole(current);
  runner = createRunner({ channel, current, logError, concurrency });
  installGlobals(invokeStore);
  process.on("uncaughtException", (error) => crash("Uncaught Exception", error, 129));
  process.on("unhandledRejection", (reason, promise) => {
    const error = runtimeError("UnhandledPromiseRejection", String(reason));
    crash("Unhandled Promise Rejection", Object.assign(error, { reason, promise }), 128);
  });
  const replaced = clockMs();
  const phases = () => [
    [fields.phase, `environment=${(replaced - started).toFixed(3)}`],
    [fields.phase, `import=${(clockMs() - replaced).toFixed(3)}`],
  ];
  const failInit = (error) => {
    if (isCompiling) {
      channel.send(kinds.initialised, 0, phases());
      return;
    }
    const body = describe(error);
    const metadata = [...errorFields(body), ...phases()];
    channel.send(kinds.initError, 0, metadata, Buffer.from(JSON.stringify(body)), true);
    channel.flush(() => process.exit(1));
  };
  let isInitialised = false;
  const onEmptyInit = () => {
    if (!isInitialised) process.exit(13);
  };
  process.once("beforeExit", onEmptyInit);

  function crash(title, error, exitCode) {
    if (isCompiling) return;
    logError(title, error);
    if (!isInitialised) return failInit(error);
    runner.crash(error, exitCode);
  }

  try {
    // A module that waits for nothing that will ever happen ends the process, as it would anywhere.
    if (!isCompiling) channel.unref();
    const loaded = await loadHandler(place("/var/task"), metadata.get(fields.handler));
    channel.ref();
    isInitialised = true;
    process.removeListener("beforeExit", onEmptyInit);
    runner.use(loaded);
    channel.send(kinds.initialised, 0, phases());
  } catch (error) {
    channel.ref();
    logError("Uncaught Exception", error);
    failInit(error);
  }
}
