import type { IncomingMessage } from "node:http";
import type { WholeBody, WireRequest } from "#protocol/wire/wire.ts";
import type { OwnBytes } from "./arriving-bytes.ts";
import type { HostBook, HostEntry } from "./hosts.ts";

/** A request whose shape is beyond doubt: one Host, one target, nothing interpreted. */
export interface Incoming {
  readonly request: WireRequest;
  readonly hasBody: boolean;
  /** As sent, with port. */
  readonly host: string;
  readonly hostEntry: HostEntry;
  /** Scheme, host and port the caller used. */
  readonly endpoint: string;
  readonly remoteAddress: string;
}

/** What the headers of a request say, and the connection it came on. */
interface Head extends Omit<Incoming, "request"> {
  readonly raw: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Reads requests whose shape is beyond doubt. Requests of one connection mostly repeat their headers: the
 * last ones of each are remembered as read.
 */
export class IncomingReader {
  readonly #hosts: HostBook;
  readonly #heads = new WeakMap<object, Head>();

  constructor(hosts: HostBook) {
    this.#hosts = hosts;
  }

  /**
   * A sentence for the sender when the shape of its request is in doubt. Two Host headers, or a target whose
   * authority is another than the Host, mean that two readers could see two requests.
   * https://www.rfc-editor.org/rfc/rfc9112#section-3.2
   * `body` is told of the body's bytes as they are read; what it throws ends the reading.
   */
  read(message: IncomingMessage, body: OwnBytes): Incoming | string {
    const head = this.#head(message);
    if (typeof head === "string") return head;
    const { headers, host, hostEntry, hasBody, endpoint, remoteAddress } = head;
    const target = readTarget(message.url ?? "", host);
    if (typeof target === "string") return target;
    return {
      request: {
        method: message.method ?? "GET",
        path: target.path,
        rawQuery: target.rawQuery,
        headers,
        body: hasBody ? new ArrivingBody(message, body) : nothing,
        arriving: body,
      },
      hasBody,
      host,
      hostEntry,
      endpoint,
      remoteAddress,
    };
  }

  #head({ rawHeaders, socket }: IncomingMessage): Head | string {
    const known = this.#heads.get(socket);
    if (known && isSame(known.raw, rawHeaders)) return known;
    const head = this.#readHead(rawHeaders, socket.remoteAddress);
    if (typeof head !== "string") this.#heads.set(socket, head);
    return head;
  }

  #readHead(raw: readonly string[], remoteAddress = "127.0.0.1"): Head | string {
    const headers = readHeaders(raw);
    if (!headers) return "A request must have exactly one Host header.";
    const host = headers["host"] ?? "";
    const hostEntry = this.#hosts.read(host);
    if (!hostEntry) return "The Host header is not a host name with an optional port.";
    const hasBody =
      headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
    const endpoint = `http://${host}`;
    return { raw, headers, host, hostEntry, hasBody, endpoint, remoteAddress };
  }
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

/** Undefined unless there is exactly one Host. */
function readHeaders(raw: readonly string[]): Readonly<Record<string, string>> | undefined {
  const headers: Record<string, string> = Object.create(null) as Record<string, string>; // no prototype: names come from outside
  let hostCount = 0;
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = (raw[at] ?? "").toLowerCase();
    const value = raw[at + 1] ?? "";
    if (name === "host") hostCount++;
    const before = headers[name];
    if (before === undefined) headers[name] = value;
    else headers[name] = `${before}${name === "cookie" ? "; " : ","}${value}`;
  }
  return hostCount === 1 ? headers : undefined;
}

function readTarget(url: string, host: string): { path: string; rawQuery: string } | string {
  let target = url;
  const absolute = target.startsWith("/")
    ? null
    : /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)(.*)$/i.exec(url);
  if (absolute) {
    if (absolute[1]?.toLowerCase() !== host.toLowerCase()) {
      return "The request target names another host than the Host header.";
    }
    target = absolute[2]?.startsWith("/") ? absolute[2] : `/${absolute[2] ?? ""}`;
  }
  if (!target.startsWith("/")) return "The request target is not a path.";
  const mark = target.indexOf("?");
  if (mark < 0) return { path: target, rawQuery: "" };
  return { path: target.slice(0, mark), rawQuery: target.slice(mark + 1) };
}

/** A body that is not read to its end leaves the connection usable: `swallowRest` reads on. */
class ArrivingBody implements WholeBody {
  readonly #message: IncomingMessage;
  readonly #own: OwnBytes;

  constructor(message: IncomingMessage, own: OwnBytes) {
    this.#message = message;
    this.#own = own;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    const pieces = this.#message.iterator({ destroyOnReturn: false });
    for await (const piece of pieces as AsyncIterable<Uint8Array>) {
      this.#own.add(piece.byteLength); // a request without setEncoding yields Buffers
      yield piece;
    }
  }

  whole(bytesMax: number): Promise<Uint8Array | undefined> {
    return new Promise((resolve, reject) => {
      collect(this.#message, this.#own, { bytesMax, resolve, reject });
    });
  }
}

function collect(
  message: IncomingMessage,
  own: OwnBytes,
  wish: {
    readonly bytesMax: number;
    readonly resolve: (bytes: Uint8Array | undefined) => void;
    readonly reject: (reason: unknown) => void;
  },
): void {
  const pieces: Buffer[] = [];
  let byteCount = 0;
  const onData = (piece: Buffer): void => {
    byteCount += piece.byteLength;
    try {
      own.add(piece.byteLength);
    } catch (error) {
      leave();
      return wish.reject(error);
    }
    pieces.push(piece);
    if (byteCount <= wish.bytesMax) return;
    leave();
    wish.resolve(undefined);
  };
  const onEnd = (): void => {
    stopListening();
    wish.resolve(pieces.length === 1 ? pieces[0] : Buffer.concat(pieces, byteCount));
  };
  const onError = (error: unknown): void => {
    stopListening();
    wish.reject(error);
  };
  /** Neither ended nor failed, as far as anybody was told. */
  const onClose = (): void => onError(message.errored ?? new HangUp());
  const stopListening = (): void => {
    message.off("data", onData);
    message.off("end", onEnd);
    message.off("error", onError);
    message.off("close", onClose);
  };
  const leave = (): void => {
    stopListening();
    message.pause();
  };
  if (message.readableEnded) return wish.resolve(new Uint8Array()); // read before
  if (message.errored || message.destroyed) return onClose();
  message.on("data", onData);
  message.on("end", onEnd);
  message.on("error", onError);
  message.on("close", onClose);
}

/** As Node says it of a connection that broke off. */
class HangUp extends Error {
  readonly code = "ECONNRESET";

  constructor() {
    super("the caller hung up in the middle of its request");
  }
}

const nothing: AsyncIterable<Uint8Array> = {
  [Symbol.asyncIterator]: () => ({ next: async () => ({ done: true, value: undefined }) }),
};
