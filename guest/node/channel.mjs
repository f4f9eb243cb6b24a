import net from "node:net";

/** Frames as described in ../CHANNEL.md. */
export const kinds = {
  specialise: 1,
  invoke: 2,
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
  requestId: 10,
  functionArn: 11,
  deadlineMs: 12,
  traceHeader: 13,
  clientContext: 14,
  cognitoIdentity: 15,
  streaming: 16,
  errorType: 20,
  errorMessage: 21,
  contentType: 22,
  phase: 30,
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

const headerBytes = 16;
const lastFlag = 1;
/** Longest error message repeated in the metadata; the body has all of it. */
const messageCharactersMax = 64 * 1024;

/** The guest's end. `onFrame` is called for each frame in order; a closed channel ends the process. */
export function createChannel(socket, onFrame) {
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
  const end = () => process.exit(0);
  socket.on("error", end);
  socket.on("end", end);
  socket.on("close", end);

  return {
    /** False when the socket is full; `drained` tells when it is not. */
    send(kind, number, metadata = [], body, isLast = false) {
      const encoded = encodeMetadata(metadata);
      const header = Buffer.allocUnsafe(headerBytes);
      header.writeUInt32LE(encoded.length + (body?.length ?? 0), 0);
      header[4] = kind;
      header[5] = isLast ? lastFlag : 0;
      header.writeUInt16LE(0, 6);
      header.writeUInt32LE(number, 8);
      header.writeUInt32LE(encoded.length, 12);
      socket.cork();
      socket.write(header);
      if (encoded.length > 0) socket.write(encoded);
      const isTaken = body?.length > 0 ? socket.write(body) : !socket.writableNeedDrain;
      socket.uncork();
      return isTaken;
    },
    drained(callback) {
      socket.once("drain", callback);
    },
    /** Calls back when everything sent has left this process. */
    flush(callback) {
      socket.write(Buffer.alloc(0), callback);
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
  const metadata = new Map();
  const variables = {};
  for (let at = headerBytes; at < metadataEnd;) {
    const id = frame[at];
    const start = at + 5;
    at = start + frame.readUInt32LE(at + 1);
    const text = frame.toString("utf8", start, at);
    if (id !== fields.variable) metadata.set(id, text);
    else variables[text.slice(0, text.indexOf("="))] = text.slice(text.indexOf("=") + 1);
  }
  const number = frame.readUInt32LE(8);
  return { kind: frame[4], number, metadata, variables, body: frame.subarray(metadataEnd) };
}

const nothing = Buffer.alloc(0);

function encodeMetadata(metadata) {
  if (metadata.length === 0) return nothing;
  const parts = metadata.map(([id, text]) => {
    const bytes = Buffer.from(text, "utf8");
    const part = Buffer.allocUnsafe(5 + bytes.length);
    part[0] = id;
    part.writeUInt32LE(bytes.length, 1);
    bytes.copy(part, 5);
    return part;
  });
  return parts.length === 1 ? parts[0] : Buffer.concat(parts);
}
