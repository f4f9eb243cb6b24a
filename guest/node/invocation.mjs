import { errorFields, fields, kinds } from "./channel.mjs";
import { describe, runtimeError } from "./errors.mjs";
import { ResponseStream } from "./response-stream.mjs";

/** Lambda quotas: invocation payload, synchronous; the number AWS's message names. */
const responseBytesMax = 6_291_556;
const isNode24OrLater = Number(process.versions.node.split(".")[0]) >= 24;

/**
 * Runs invocations one after the other. While a handler runs the channel does not keep the process
 * alive: that is how "the event loop is empty" can be noticed.
 */
export function createRunner({ channel, current, logError }) {
  let loaded;
  let settle = idle;
  let onEmpty = () => {};

  process.on("beforeExit", () => onEmpty());

  return {
    use(handler) {
      loaded = handler;
    },
    /** Answers one INVOKE frame; resolves when the next may begin. */
    run(frame) {
      return new Promise((resolve) => {
        const { number, metadata } = frame;
        let isDone = false;
        const finish = (answer) => {
          if (isDone) return;
          isDone = true;
          settle = idle;
          onEmpty = () => {};
          channel.ref();
          answer();
          resolve();
        };
        settle = {
          succeed: (result) => finish(() => respond(channel, number, result, logError)),
          fail: (error) =>
            finish(() => {
              logError("Invoke Error", error);
              sendError(channel, number, describe(error));
            }),
          /** The process is about to end: answer, wait until the answer has left, go. */
          crash: (error, exitCode) =>
            finish(() => {
              const kind = current.stream?.isBegun ? kinds.streamError : kinds.error;
              const body = describe(error);
              channel.send(
                kind,
                number,
                errorFields(body),
                Buffer.from(JSON.stringify(body)),
                true,
              );
              channel.flush(() => process.exit(exitCode));
            }),
          finish,
        };
        current.requestId = metadata.get(fields.requestId);
        const traceHeader = metadata.get(fields.traceHeader);
        if (traceHeader) process.env._X_AMZN_TRACE_ID = traceHeader;
        else delete process.env._X_AMZN_TRACE_ID;
        channel.unref();
        const start = loaded.isStreaming ? runStreaming : runBuffered;
        start(frame);
      });
    },
    /** What nobody caught ends the process; an invocation that runs is answered first. */
    crash(error, exitCode) {
      settle.crash(error, exitCode);
    },
  };

  function runBuffered(frame) {
    try {
      const event = JSON.parse(frame.body.toString("utf8"));
      const start = isNode24OrLater ? runAsync : runWithCallback;
      start(event, createContext(frame));
    } catch (error) {
      settle.fail(error);
    }
  }

  function runAsync(event, context) {
    const { succeed, fail } = settle;
    const result = loaded.handler(event, context);
    // A turn of the loop later, so that what the handler has just written leaves first.
    Promise.resolve(result).then(
      (value) => setImmediate(() => succeed(value)),
      (error) => setImmediate(() => fail(error)),
    );
  }

  /** Node 22: promise, callback, `context.done` and its like, or nothing at all. */
  function runWithCallback(event, context) {
    const { succeed, fail } = settle;
    let waitsForEmptyEventLoop = true;
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
      else onEmpty = () => setImmediate(() => succeed(result));
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
    onEmpty = () => {
      if (loaded.handler.constructor?.name === "AsyncFunction") fail(nodeJsExit());
      else succeed(null);
    };
    const result = loaded.handler(event, context, callback);
    if (isThenable(result)) result.then(succeedOnce, failOnce);
  }

  function runStreaming(frame) {
    const { finish } = settle;
    const stream = new ResponseStream(channel, frame.number, loaded.highWaterMark);
    current.stream = stream;
    const fail = (error) =>
      finish(() => {
        current.stream = undefined;
        logError("Invoke Error", error);
        const body = describe(error);
        const kind = stream.isBegun ? kinds.streamError : kinds.error;
        channel.send(kind, frame.number, errorFields(body), Buffer.from(JSON.stringify(body)));
      });
    stream.on("error", fail);
    const finished = new Promise((resolve) => stream.once("finish", resolve));
    const run = async () => {
      const event = JSON.parse(frame.body.toString("utf8"));
      const result = loaded.handler(event, stream, createContext(frame));
      if (!isThenable(result)) throw new Error("Streaming does not support non-async handlers.");
      if ((await result) !== undefined) console.warn("Streaming handlers ignore return values.");
      onEmpty = () => fail(new Error("Response stream is not finished."));
      await finished;
      finish(() => {
        current.stream = undefined;
        channel.send(kinds.streamEnd, frame.number);
      });
    };
    run().catch(fail);
  }
}

/** Between invocations nobody waits for an answer. */
const idle = { crash: (_error, exitCode) => process.exit(exitCode) };

/** The AWS Lambda context object (developer guide, "Using the Lambda context object", Node.js). */
function createContext({ metadata }) {
  const deadlineMs = Number(metadata.get(fields.deadlineMs));
  return {
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: parse(metadata.get(fields.clientContext), "ClientContext"),
    identity: parse(metadata.get(fields.cognitoIdentity), "CognitoIdentity"),
    invokedFunctionArn: metadata.get(fields.functionArn),
    awsRequestId: metadata.get(fields.requestId),
    tenantId: undefined,
    getRemainingTimeInMillis: () => deadlineMs - Date.now(),
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

function respond(channel, number, result, logError) {
  let body;
  try {
    body = Buffer.from(JSON.stringify(result === undefined ? null : result) ?? "null", "utf8");
  } catch {
    const error = unserialisable();
    logError("Invoke Error", error);
    return sendError(channel, number, describe(error));
  }
  if (body.length > responseBytesMax) {
    return sendError(channel, number, {
      errorType: "Function.ResponseSizeTooLarge",
      errorMessage: `Response payload size exceeded maximum allowed payload size (${responseBytesMax} bytes).`,
    });
  }
  channel.send(kinds.response, number, [[fields.contentType, "application/json"]], body);
}

export function sendError(channel, number, body) {
  channel.send(kinds.error, number, errorFields(body), Buffer.from(JSON.stringify(body), "utf8"));
}

/** Circular structures, BigInt: what AWS's runtime says does not name the cause. */
function unserialisable() {
  const message = "Unable to stringify response body";
  return isNode24OrLater ? runtimeError("JSONStringifyError", message) : new Error(message);
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
