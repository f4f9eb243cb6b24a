import net from "node:net";

/** Frames as described in ../CHANNEL.md. */
export const kinds = {
  specialise: 1,
  invoke: 2,
  recall: 3,
  collect: 4,
  launch: 10,
  terminate: 11,
  kill: 12,
  deliver: 13,
  ready: 65,
  initialised: 66,
  initError: 67,
  response: 68,
  error: 69,
  streamBegin: 70,
  streamData: 71,
  streamEnd: 72,
  streamError: 73,
  restart: 74,
  recalled: 75,
  http: 76,
  extensions: 90,
  exited: 91,
  output: 92,
  delivered: 93,
};

export const fields = {
  handler: 1,
  memoryMiB: 2,
  timeoutMs: 3,
  variable: 4,
  restarted: 5,
  concurrency: 6,
  compileCache: 7,
  requestId: 10,
  functionArn: 11,
  deadlineMs: 12,
  traceHeader: 13,
  clientContext: 14,
  cognitoIdentity: 15,
  streaming: 16,
  wantsHttp: 17,
  errorType: 20,
  errorMessage: 21,
  contentType: 22,
  phase: 30,
  head: 40,
  isBase64: 41,
  outputMark: 43,
  tookUs: 44,
  name: 50,
  code: 51,
  signal: 52,
  stream: 53,
  protocol: 54,
  port: 55,
  path: 56,
  method: 57,
  taken: 58,
};

/** As it was at the start: customers replace timers in their tests. */
const { nextTick } = process;

const headerBytes = 16;
const lastFlag = 1;
/** Longest error message repeated in the metadata; the body has all of it. */
const messageCharactersMax = 64 * 1024;

/** The guest's end. `onFrame` is called for each frame in order; a closed channel ends the process. */
export function createChannel(socket, onFrame) {
  const output = createOutput(socket);
  let pending = [];
  let pendingBytes = 0;
  let neededBytes = headerBytes;

  socket.on("data", (chunk) => {
    pending.push(chunk);
    pendingBytes += chunk.length;
    if (pendingBytes < neededBytes) return;
    let bytes = pending.length === 1 ? pending[0] : Buffer.concat(pending, pendingBytes);
    for (;;) {
      neededBytes = bytes.length < headerBytes ? headerBytes : headerBytes + bytes.readUInt32LE(0);
      if (bytes.length < neededBytes) break;
      const frame = bytes.subarray(0, neededBytes);
      bytes = bytes.subarray(neededBytes);
      onFrame(readFrame(frame));
    }
    pending = bytes.length === 0 ? [] : [bytes];
    pendingBytes = bytes.length;
  });
  // What one invocation has answered must not be lost because the next one ends the process.
  process.on("exit", () => output.flush());
  const end = () => process.exit(0);
  socket.on("error", end);
  socket.on("end", end);
  socket.on("close", end);

  return {
    /**
     * Frames leave together when the turn is over, in one write. False when so much is queued that the
     * sender had better wait; `drained` tells when it is not.
     */
    send(kind, number, metadata = [], body, isLast = false) {
      output.add(kind, number, metadata, body, isLast);
      return !socket.writableNeedDrain;
    },
    /** What is queued leaves now: something long may follow. */
    push: () => output.flush(),
    drained(callback) {
      output.flush();
      if (socket.writableNeedDrain) socket.once("drain", callback);
      else nextTick(callback);
    },
    /** Calls back when everything sent has left this process. */
    flush(callback) {
      output.flush();
      socket.write(nothing, callback);
    },
    /** While customer code runs, only its own work may keep the process alive. */
    ref: () => socket.ref(),
    unref: () => socket.unref(),
  };
}

/** Descriptor 4, or after a restart the connection that replaces it. */
export function openSocket(rejoinPort) {
  if (rejoinPort === undefined) return new net.Socket({ fd: 4, readable: true, writable: true });
  return net.connect({ host: "127.0.0.1", port: rejoinPort, noDelay: true });
}

export function errorFields(error) {
  return [
    [fields.errorType, String(error.errorType)],
    [fields.errorMessage, String(error.errorMessage).slice(0, messageCharactersMax)],
  ];
}

function readFrame(frame) {
  const metadataEnd = headerBytes + frame.readUInt32LE(12);
  const metadata = new Fields();
  const variables = {};
  for (let at = headerBytes; at < metadataEnd;) {
    const id = frame[at];
    const start = at + 5;
    at = start + frame.readUInt32LE(at + 1);
    const text = frame.utf8Slice(start, at);
    if (id !== fields.variable) metadata.add(id, text);
    else variables[text.slice(0, text.indexOf("="))] = text.slice(text.indexOf("=") + 1);
  }
  const number = frame.readUInt32LE(8);
  return { kind: frame[4], number, metadata, variables, body: frame.subarray(metadataEnd) };
}

/** The fields of one frame, each once. So few that looking through them is quicker than making a map of them. */
class Fields {
  #ids = [];
  #texts = [];

  add(id, text) {
    this.#ids.push(id);
    this.#texts.push(text);
  }

  has(id) {
    return this.#ids.includes(id);
  }

  /** Undefined when it is not there. */
  get(id) {
    return this.#texts[this.#ids.lastIndexOf(id)];
  }
}

const nothing = Buffer.alloc(0);
const slabBytes = 128 * 1024;
/** Larger bodies are written as they are; smaller ones are cheaper copied than written by themselves. */
const copiedBytesMax = 16 * 1024;

/**
 * Frames are written one behind the other into a slab, and what has gathered in a turn goes out with one
 * system call: for functions that answer in microseconds the calls are most of the cost.
 */
function createOutput(socket) {
  let slab = Buffer.allocUnsafeSlow(slabBytes);
  let start = 0;
  let end = 0;
  let isScheduled = false;

  const flush = () => {
    isScheduled = false;
    if (end === start) return;
    socket.write(slab.subarray(start, end));
    // When the kernel has taken all of it, the same bytes can be written over: they are still in the cache.
    if (socket.writableLength === 0) end = 0;
    start = end;
  };
  const schedule = () => {
    if (isScheduled) return;
    isScheduled = true;
    nextTick(flush);
  };
  const room = (bytes) => {
    if (end + bytes <= slab.length) return;
    flush();
    if (end + bytes <= slab.length) return;
    slab = Buffer.allocUnsafeSlow(Math.max(slabBytes, bytes));
    start = end = 0;
  };
  const field = (id, text) => {
    const length = slab.utf8Write(text, end + 5);
    slab[end] = id;
    slab.writeUInt32LE(length, end + 1);
    end += 5 + length;
  };
  return {
    flush,
    add(kind, number, metadata, body = nothing, isLast = false) {
      const isText = typeof body === "string";
      // Three bytes of UTF-8 at most for each unit of UTF-16: no second pass to measure.
      const bodyBytesMax = isText ? body.length * 3 : body.length;
      const isCopied = bodyBytesMax <= copiedBytesMax;
      let metadataBytesMax = 0;
      for (const [, text] of metadata) metadataBytesMax += 5 + text.length * 3;
      room(headerBytes + metadataBytesMax + (isCopied ? bodyBytesMax : 0));
      const at = end;
      end += headerBytes;
      for (const [id, text] of metadata) field(id, text);
      const metadataBytes = end - at - headerBytes;
      let bodyBytes = body.length;
      let separate;
      if (isCopied) {
        if (isText) bodyBytes = slab.utf8Write(body, end);
        else slab.set(body, end);
        end += bodyBytes;
      } else {
        separate = isText ? Buffer.from(body, "utf8") : body;
        bodyBytes = separate.length;
      }
      slab.writeUInt32LE(metadataBytes + bodyBytes, at);
      slab[at + 4] = kind;
      slab[at + 5] = isLast ? lastFlag : 0;
      slab.writeUInt16LE(0, at + 6);
      slab.writeUInt32LE(number, at + 8);
      slab.writeUInt32LE(metadataBytes, at + 12);
      if (separate === undefined) return schedule();
      flush();
      socket.write(separate);
    },
  };
}
