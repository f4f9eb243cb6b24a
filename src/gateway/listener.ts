import { createServer } from "#base/node-http.ts";
import type { IncomingMessage, Server, ServerOptions, ServerResponse } from "node:http";
import type { Server as NetServer, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock } from "#base/clock.ts";
import type { Logger } from "#base/context.ts";
import { Connections } from "./connections.ts";
import type { ConnectionCaps } from "./connections.ts";
import {
  connectionsCheckMs,
  droppedLogMs,
  guestConnectionsMax,
  headBytesMax,
  headersTimeoutMs,
  keepAliveTimeoutMs,
  requestTimeoutMs,
} from "./limits.ts";
import { watchLastBytes } from "./readers.ts";

/** Node's own timeouts; tests shorten them. */
export interface ListenerTimes {
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly connectionsCheckMs: number;
  readonly keepAliveTimeoutMs: number;
}

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
  readonly reusePort?: boolean;
}

/** The HTTP/1.1 server with settings for senders who mean no good. */
export interface Listener {
  readonly server: Server;
  /** Hands a connection that came another way (out of a sandbox) to the same server. */
  adopt(from: NetServer, onConnection: (socket: Duplex) => void): Disposable;
  listen(at: ListenAddress): Promise<{ readonly host: string; readonly port: number }>;
  /** Stops accepting and waits until the requests now running have been answered, or until the time is over. */
  drain(timeoutMs: number): Promise<void>;
}

export function createListener(deps: {
  /** Calls `done` once, when the answer has been handed over or never will be. */
  readonly handle: (message: IncomingMessage, response: ServerResponse, done: () => void) => void;
  readonly clock: Clock;
  readonly log: Logger;
  readonly caps: ConnectionCaps;
  readonly times: Partial<ListenerTimes>;
}): Listener {
  const connections = new Connections(deps.caps, deps.clock);
  let runningCount = 0;
  let isDraining = false;
  let whenIdle: (() => void) | undefined;
  const server = createServer(serverOptions(deps.times), accept);
  guard(server, deps.log);
  const adopted = capConnections(server, connections, deps);

  function accept(message: IncomingMessage, response: ServerResponse): void {
    runningCount++;
    const connection = connections.begin(message);
    if (isDraining) response.setHeader("connection", "close");
    let isHandled = false;
    let isClosed = false;
    // The answer has been handed over when it is handled; its last bytes may still be on their way.
    const over = (): void => {
      if (!isHandled || !isClosed) return;
      connections.end(connection, message);
      runningCount--;
      if (runningCount === 0) whenIdle?.();
    };
    response.on("close", () => {
      isClosed = true;
      over();
    });
    deps.handle(message, response, () => {
      isHandled = true;
      watchLastBytes(response, deps.clock);
      over();
    });
  }

  return {
    server,
    adopt: (from, onConnection) =>
      adopt(server, from, (socket) => {
        adopted.add(socket);
        onConnection(socket);
      }),
    listen: (at) => listen(server, at),
    async drain(timeoutMs) {
      isDraining = true;
      const stopped = new Promise<void>((resolve) => {
        if (server.listening) server.close(() => resolve());
        else resolve();
      });
      server.closeIdleConnections();
      if (runningCount > 0 && timeoutMs > 0) {
        await new Promise<void>((resolve) => {
          const timer = deps.clock.timer(timeoutMs, resolve);
          whenIdle = () => {
            timer[Symbol.dispose]();
            resolve();
          };
        });
      }
      server.closeAllConnections();
      await stopped;
    },
  };
}

function serverOptions(shortened: Partial<ListenerTimes>): ServerOptions {
  const times = {
    headersTimeoutMs,
    requestTimeoutMs,
    connectionsCheckMs,
    keepAliveTimeoutMs,
    ...shortened,
  };
  return {
    headersTimeout: times.headersTimeoutMs,
    requestTimeout: times.requestTimeoutMs,
    connectionsCheckingInterval: times.connectionsCheckMs,
    keepAliveTimeout: times.keepAliveTimeoutMs,
    maxHeaderSize: headBytesMax,
    requireHostHeader: true,
    insecureHTTPParser: false,
    noDelay: true,
    // A request without a body is not put through the life of a stream: a tenth of what Node does for it.
    optimizeEmptyRequests: true,
  };
}

/**
 * Caps for what comes from outside. Answers with the set of connections out of sandboxes, which have a
 * cap of their own.
 */
function capConnections(
  server: Server,
  connections: Connections,
  deps: { readonly clock: Clock; readonly log: Logger },
): WeakSet<object> {
  const adopted = new WeakSet<object>();
  const tellDropped = createTeller(deps, connections);
  server.on("connection", (socket: Socket) => {
    if (adopted.has(socket)) return;
    if (connections.admit(socket, socket.remoteAddress ?? "")) return;
    socket.end(busy, () => socket.destroy());
    tellDropped();
  });
  return adopted;
}

/** Says at once that a connection was dropped, then how many more, once per `droppedLogMs`. */
function createTeller(
  deps: { readonly clock: Clock; readonly log: Logger },
  connections: Connections,
): () => void {
  let count = 0;
  let isQuiet = false;
  const tell = (): void => {
    if (isQuiet || count === 0) return;
    deps.log.event("http.dropped", { level: "warn", count, held: connections.count });
    count = 0;
    isQuiet = true;
    deps.clock.timer(droppedLogMs, () => {
      isQuiet = false;
      tell();
    });
  };
  return () => {
    count++;
    tell();
  };
}

const busy =
  "HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/** One plain answer for each connection whose bytes are not HTTP. */
function guard(server: Server, log: Logger): void {
  server.maxHeadersCount = 0; // the size of the head bounds them; Node would drop the rest silently
  const refused = new WeakSet<Duplex>();
  server.on("clientError", (error: Error & { code?: string }, socket) => {
    if (refused.has(socket)) return;
    refused.add(socket);
    refuseMalformed(error, socket, log);
  });
}

function listen(
  server: Server,
  { host, port, reusePort = false }: ListenAddress,
): Promise<{ readonly host: string; readonly port: number }> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host, reusePort }, () => {
      server.off("error", reject);
      const address = server.address();
      resolve({ host, port: typeof address === "object" && address ? address.port : port });
    });
  });
}

function adopt(
  server: Server,
  from: NetServer,
  onConnection: (socket: Duplex) => void,
): Disposable {
  const sockets = new Set<Socket>();
  const onSocket = (socket: Socket): void => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    onConnection(socket);
    server.emit("connection", socket);
  };
  from.maxConnections = guestConnectionsMax;
  from.on("connection", onSocket);
  return {
    [Symbol.dispose]() {
      from.off("connection", onSocket);
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** What Node's parser will not take is answered by the bare protocol, and the connection ends. */
function refuseMalformed(error: Error & { code?: string }, socket: Duplex, log: Logger): void {
  const code = error.code ?? "unknown";
  const status = statusOf(code);
  log.event("http.refused", { status: status.slice(0, 3), code });
  if (!socket.writable || code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`, () =>
    socket.destroy(),
  );
}

function statusOf(code: string): string {
  if (code === "HPE_HEADER_OVERFLOW") return "431 Request Header Fields Too Large";
  if (code === "HPE_CHUNK_EXTENSIONS_OVERFLOW") return "413 Payload Too Large";
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return "408 Request Timeout";
  return "400 Bad Request";
}
