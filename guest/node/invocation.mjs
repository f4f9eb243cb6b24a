import { respond, respondError } from "./answer.mjs";
import { fields, kinds } from "./channel.mjs";
import { clockMs } from "./clock.mjs";
import { describe, runtimeError } from "./errors.mjs";
import { ResponseStream } from "./response-stream.mjs";

const isNode24OrLater = Number(process.versions.node.split(".")[0]) >= 24;
/** Events waiting for the one that runs; the platform never sends more ahead. */
const inboxMax = 1024;
/** After so long a handler what is already answered leaves before the next one begins. */
const answersHeldMs = 0.25;
/** After so long a handler the platform may have asked for the rest of the inbox back. */
const recallMs = 2;
/** As it was at the start: customers replace clocks in their tests. */
const soon = setImmediate;

/**
 * Runs invocations in order, `concurrency` of them at a time (one, unless the function allows more).
 * While one handler runs by itself the channel does not keep the process alive: that is how "the event loop
 * is empty" can be noticed.
 */
export function createRunner({ channel, current, logError, concurrency = 1 }) {
  const inbox = [];
  const running = new Set();
  const outputMark = createOutputMark();
  const isShared = concurrency > 1;
  // What one invocation waits for another one may bring: the process stays alive for it.
  const streamChannel = isShared ? { ...channel, ref() {}, unref() {} } : channel;
  let loaded;
  let isStarting = false;
  let isHeld = true;
  /** As it is when the first invocation begins. */
  let ownFunction;

  process.on("beforeExit", () => {
    for (const call of running) call.onEmpty();
  });

  return {
    use(handler) {
      loaded = handler;
    },
    /** Takes an INVOKE frame; false when there is no room for it, which no honest platform lets happen. */
    add(frame) {
      if (inbox.length >= inboxMax) return false;
      inbox.push(frame);
      work();
      return true;
    },
    /** Gives back what has not begun. Where there is a place free, the next counts as begun. */
    recall() {
      const [first] = inbox.splice(concurrency - running.size);
      channel.send(kinds.recalled, first?.number ?? 0);
      channel.push();
    },
    /** What nobody caught ends the process; the invocations that run are answered first. */
    crash(error, exitCode) {
      inbox.length = 0;
      if (running.size === 0) process.exit(exitCode);
      for (const call of running) {
        call.finish(() => {
          const kind = call.stream?.isBegun ? kinds.streamError : kinds.error;
          respondError(call.answer, describe(error), kind, true);
        });
      }
      channel.flush(() => process.exit(exitCode));
    },
  };

  /** A loop, not a recursion: handlers that fail at once are answered within `start`. */
  function work() {
    if (isStarting) return;
    isStarting = true;
    while (inbox.length > 0 && running.size < concurrency) start(inbox.shift());
    isStarting = false;
  }

  function start(frame) {
    const { number, metadata } = frame;
    const call = {
      requestId: metadata.get(fields.requestId),
      stream: undefined,
      onEmpty: () => {},
      isDone: false,
      beganAtMs: clockMs(),
      tookMs: 0,
      answer: (kind, more, body, isLast) =>
        channel.send(kind, number, withFigures(call, more), body, isLast),
      finish: (answer) => finish(call, answer),
      succeed: (result) =>
        finish(call, () => {
          const wantsHttp = metadata.has(fields.wantsHttp);
          respond(call.answer, result, { wantsHttp, logError });
        }),
      fail: (error) =>
        finish(call, () => {
          logError("Invoke Error", error);
          respondError(call.answer, describe(error));
        }),
    };
    if (!isShared && isHeld) {
      isHeld = false;
      channel.unref();
    }
    running.add(call);
    // Several at a time have no process-wide variable to themselves.
    if (!isShared) setTraceVariable(metadata.get(fields.traceHeader));
    current.enter(call, metadata, () => {
      if (loaded.isStreaming) runStreaming(call, frame);
      else runBuffered(call, frame);
    });
  }

  /** How long it took, and how much has been printed by now; see ../CHANNEL.md. */
  function withFigures(call, metadata = []) {
    const tookUs = Math.round(call.tookMs * 1000);
    return outputMark.with([...metadata, [fields.tookUs, `${tookUs}`]]);
  }

  function finish(call, answer) {
    if (call.isDone) return;
    call.isDone = true;
    running.delete(call);
    if (!isHeld && running.size === 0 && inbox.length === 0) {
      isHeld = true;
      channel.ref();
    }
    call.tookMs = clockMs() - call.beganAtMs;
    answer();
    if (inbox.length === 0) return;
    // A long computation may follow; what it would hold back leaves now.
    if (call.tookMs > answersHeldMs) channel.push();
    // The platform may have asked for the rest back; two turns let its frame in.
    if (call.tookMs > recallMs) soon(() => soon(work));
    else work();
  }

  function runBuffered(call, frame) {
    try {
      const event = JSON.parse(frame.body.utf8Slice());
      const begin = isNode24OrLater ? runAsync : runWithCallback;
      begin(call, event, contextOf(frame));
    } catch (error) {
      call.fail(error);
    }
  }

  function contextOf(frame) {
    ownFunction ??= readOwnFunction();
    return createContext(frame, ownFunction);
  }

  function runAsync(call, event, context) {
    const result = loaded.handler(event, context);
    void Promise.resolve(result).then(call.succeed, call.fail);
  }

  /** Node 22: promise, callback, `context.done` and its like, or nothing at all. */
  function runWithCallback(call, event, context) {
    const { succeed, fail } = call;
    let waitsForEmptyEventLoop = !isShared;
    let isCalled = false;
    const once = (action) => (first, second) => {
      if (isCalled) return;
      isCalled = true;
      action(first, second);
    };
    const done = (error, result) =>
      error === undefined || error === null ? succeed(result) : fail(error);
    const callback = once((error, result) => {
      if (error !== undefined && error !== null) fail(error);
      else if (!waitsForEmptyEventLoop) succeed(result);
      else call.onEmpty = () => setImmediate(() => succeed(result));
    });
    const succeedOnce = once(succeed);
    const failOnce = once((error) => fail(error ?? "handled"));
    Object.defineProperty(context, "callbackWaitsForEmptyEventLoop", {
      enumerable: true,
      get: () => waitsForEmptyEventLoop,
      set(value) {
        waitsForEmptyEventLoop = value;
      },
    });
    Object.assign(context, { succeed: succeedOnce, fail: failOnce, done: once(done) });
    call.onEmpty = () => {
      if (loaded.handler.constructor?.name === "AsyncFunction") fail(nodeJsExit());
      else succeed(null);
    };
    const result = loaded.handler(event, context, callback);
    if (isThenable(result)) result.then(succeedOnce, failOnce);
  }

  function runStreaming(call, frame) {
    const stream = new ResponseStream(streamChannel, frame.number, loaded.highWaterMark);
    call.stream = stream;
    const fail = (error) =>
      call.finish(() => {
        logError("Invoke Error", error);
        const kind = stream.isBegun ? kinds.streamError : kinds.error;
        respondError(call.answer, describe(error), kind);
      });
    stream.on("error", fail);
    const finished = new Promise((resolve) => stream.once("finish", resolve));
    const run = async () => {
      const event = JSON.parse(frame.body.utf8Slice());
      const result = loaded.handler(event, stream, contextOf(frame));
      if (!isThenable(result)) throw new Error("Streaming does not support non-async handlers.");
      if ((await result) !== undefined) console.warn("Streaming handlers ignore return values.");
      call.onEmpty = () => fail(new Error("Response stream is not finished."));
      await finished;
      call.finish(() => call.answer(kinds.streamEnd));
    };
    run().catch(fail);
  }
}

function setTraceVariable(traceHeader) {
  if (traceHeader) process.env._X_AMZN_TRACE_ID = traceHeader;
  else delete process.env._X_AMZN_TRACE_ID;
}

/** How much this process has printed, told when it is not what was told last; see ../CHANNEL.md. */
function createOutputMark() {
  // Customers may replace the streams of `process`.
  const { stdout, stderr } = process;
  let out = 0;
  let err = 0;
  return {
    with(metadata) {
      const nowOut = stdout.bytesWritten ?? 0;
      const nowErr = stderr.bytesWritten ?? 0;
      if (nowOut === out && nowErr === err) return metadata;
      out = nowOut;
      err = nowErr;
      return [...metadata, [fields.outputMark, `${out},${err}`]];
    },
  };
}

/** The AWS Lambda context object (developer guide, "Using the Lambda context object", Node.js). */
function createContext({ metadata }, ownFunction) {
  const deadlineMs = Number(metadata.get(fields.deadlineMs));
  return {
    functionVersion: ownFunction.functionVersion,
    functionName: ownFunction.functionName,
    memoryLimitInMB: ownFunction.memoryLimitInMB,
    logGroupName: ownFunction.logGroupName,
    logStreamName: ownFunction.logStreamName,
    clientContext: parse(metadata.get(fields.clientContext), "ClientContext"),
    identity: parse(metadata.get(fields.cognitoIdentity), "CognitoIdentity"),
    invokedFunctionArn: metadata.get(fields.functionArn),
    awsRequestId: metadata.get(fields.requestId),
    tenantId: undefined,
    getRemainingTimeInMillis: () => deadlineMs - Date.now(),
  };
}

/** What no invocation changes. Each look into the environment copies it out of the system's own. */
function readOwnFunction() {
  const { env } = process;
  return {
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
  };
}

function parse(text, name) {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`Cannot parse ${name} as json: ${String(error)}`, { cause: error });
  }
}

function nodeJsExit() {
  return runtimeError(
    "NodeJsExit",
    "The Lambda runtime client detected an unexpected Node.js exit code. This is most commonly caused by a Promise that was never settled. For more information, see https://nodejs.org/docs/latest/api/process.html#process_exit_codes",
  );
}

function isThenable(value) {
  return typeof value?.then === "function";
}
