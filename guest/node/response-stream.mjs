import { Writable } from "node:stream";
import { fields, kinds } from "./channel.mjs";
import { runtimeError } from "./errors.mjs";

/** Larger writes leave in pieces, so that a caller sees the first bytes of a big one early. */
const pieceBytesMax = 256 * 1024;
const httpContentType = "application/vnd.awslambda.http-integration-response";

/** What a streaming handler writes to. Bytes leave as STREAM_DATA; a full channel holds the writer. */
export class ResponseStream extends Writable {
  #channel;
  #number;
  #contentType = "application/octet-stream";
  #isBegun = false;
  /** Called once before the first byte with a function that writes; how a prelude gets in front. */
  _onBeforeFirstWrite;

  constructor(channel, number, highWaterMark) {
    super({ decodeStrings: true, ...(highWaterMark && { highWaterMark }) });
    this.#channel = channel;
    this.#number = number;
  }

  setContentType(contentType) {
    if (this.#isBegun) {
      throw runtimeError("InvalidStreamingOperation", "Cannot set content-type, too late.");
    }
    this.#contentType = contentType;
  }

  get isBegun() {
    return this.#isBegun;
  }

  /** Objects are written as JSON, as AWS's stream does. */
  write(chunk, encoding, callback) {
    const isBytes = typeof chunk === "string" || chunk instanceof Uint8Array;
    return super.write(isBytes ? chunk : JSON.stringify(chunk), encoding, callback);
  }

  begin() {
    if (this.#isBegun) return;
    this.#isBegun = true;
    this.#channel.send(kinds.streamBegin, this.#number, [[fields.contentType, this.#contentType]]);
    this._onBeforeFirstWrite?.((chunk) => this.#send(Buffer.from(chunk)));
  }

  _write(chunk, _encoding, callback) {
    this.begin();
    if (this.#send(chunk)) callback();
    else {
      // The handler may have nothing else to do: the socket must keep the process alive.
      this.#channel.ref();
      this.#channel.drained(() => {
        this.#channel.unref();
        callback();
      });
    }
  }

  _final(callback) {
    this.begin();
    callback();
  }

  #send(bytes) {
    let isTaken = true;
    for (let at = 0; at < bytes.length; at += pieceBytesMax) {
      const piece = bytes.subarray(at, at + pieceBytesMax);
      isTaken = this.#channel.send(kinds.streamData, this.#number, [], piece);
    }
    return isTaken;
  }
}

/** `awslambda.HttpResponseStream`: puts status and headers, then eight NULs, before the body. */
export const HttpResponseStream = {
  from(stream, prelude) {
    stream.setContentType(httpContentType);
    const text = JSON.stringify(prelude);
    stream._onBeforeFirstWrite = (write) => {
      write(text);
      write(new Uint8Array(8));
    };
    return stream;
  },
};
