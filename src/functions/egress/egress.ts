import { lookup } from "node:dns/promises";
import { connect, isIP, type Server, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import type { Clock } from "#base/clock.ts";
import type { Logger } from "#base/context.ts";
import { ignore } from "#base/ignore.ts";
import type { EgressProxy, GuestIdentity } from "#functions/pool/pool.ts";
import { canonical, refusalOf } from "./addresses.ts";
import {
  addressesMax,
  bufferBytesMax,
  connectionsMax,
  connectionsPerSandboxMax,
  connectTimeoutMs,
  headBytesMax,
  headTimeoutMs,
  idleTimeoutMs,
  refusalTimeoutMs,
  resolveTimeoutMs,
} from "./limits.ts";
import { isLocalName, readRequestHead, type ProxyRequest } from "./request-head.ts";

/** Answers with the addresses of a name; the system's resolver unless a test brings its own. */
export type Resolve = (host: string) => Promise<readonly string[]>;

export interface EgressDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly resolve?: Resolve;
  /** Tests only: addresses and ports that may be reached although they are not public. */
  readonly allow?: (address: string, port: number) => boolean;
}

/**
 * The way from a sandbox to the internet: an HTTP proxy (CONNECT, and absolute-form requests) on the
 * loopback port the sandbox handed out. Names are resolved here and the address that was checked is the
 * one connected to, so a name cannot change its mind in between. Functions whose setting does not allow
 * the internet get 403 for everything.
 */
export function createEgressProxy(deps: EgressDeps): EgressProxy {
  let connectionCount = 0;
  return {
    serve(server: Server, identity: () => GuestIdentity | undefined): Disposable {
      const open = new Set<Socket>();
      const accept = (client: Socket): void => {
        if (open.size >= connectionsPerSandboxMax || connectionCount >= connectionsMax)
          return refuse(deps.clock, client, [503, "too many connections"]);
        open.add(client);
        connectionCount++;
        client.once("close", () => {
          open.delete(client);
          connectionCount--;
        });
        client.on("error", () => client.destroy());
        ignore(handle(deps, client, identity), "every failure has been answered to the client");
      };
      server.on("connection", accept);
      return {
        [Symbol.dispose]() {
          server.off("connection", accept);
          for (const client of open) client.destroy();
        },
      };
    },
  };
}

async function handle(
  deps: EgressDeps,
  client: Socket,
  identity: () => GuestIdentity | undefined,
): Promise<void> {
  using _late = deps.clock.timer(headTimeoutMs, () =>
    refuse(deps.clock, client, [408, "the request is late"]),
  );
  const received = await readHead(deps, client);
  if (received === undefined) return;
  _late[Symbol.dispose]();
  const request = readRequestHead(received.head);
  if (!request) return refuse(deps.clock, client, [400, "this is no request to a proxy"]);
  const who = identity();
  if (who?.revision.egress !== "internet")
    return refuse(deps.clock, client, [403, "this function's setting does not allow the internet"]);
  const origin = await reach(deps, request).catch((error: unknown) => String(error));
  if (typeof origin === "string") {
    const { name } = who.revision;
    deps.log.event("egress.refused", {
      level: "debug",
      function: name,
      host: request.host,
      reason: origin,
    });
    return refuse(deps.clock, client, [origin.startsWith("refused") ? 403 : 502, origin]);
  }
  if (request.kind === "tunnel") client.write("HTTP/1.1 200 Connection Established\r\n\r\n");
  else origin.write(request.head);
  if (received.rest.length > 0) origin.write(received.rest);
  join(deps.clock, client, origin);
}

/** The head without its final empty line, and what came behind it. Undefined: already answered. */
function readHead(
  deps: Pick<EgressDeps, "clock">,
  client: Socket,
): Promise<{ readonly head: string; readonly rest: Buffer } | undefined> {
  return new Promise((resolve) => {
    let held = Buffer.alloc(0);
    const settle = (value: { readonly head: string; readonly rest: Buffer } | undefined): void => {
      client.off("data", onData);
      if (value) client.pause();
      resolve(value);
    };
    const onData = (chunk: Buffer): void => {
      held = Buffer.concat([held, chunk]);
      const end = held.indexOf("\r\n\r\n");
      if (end >= 0 && end <= headBytesMax)
        return settle({
          head: held.subarray(0, end).toString("latin1"),
          rest: held.subarray(end + 4),
        });
      if (held.length <= headBytesMax) return;
      refuse(deps.clock, client, [431, "the request's head is too large"]);
      settle(undefined);
    };
    client.on("data", onData);
    client.once("close", () => resolve(undefined));
  });
}

/** Connects, or says in words why not; words that begin with "refused" are a decision, not a failure. */
async function reach(deps: EgressDeps, request: ProxyRequest): Promise<Socket | string> {
  const { host, port } = request;
  const isAllowed = (address: string): boolean => deps.allow?.(address, port) ?? false;
  if (isLocalName(host) && !deps.resolve) return `refused: ${host} is a local name`;
  const addresses = isIP(host) === 0 ? await resolveName(deps, host) : [host];
  if (addresses.length === 0) return `no address is known for ${host}`;
  const own = ownAddresses();
  let reason = "";
  for (const address of addresses.slice(0, addressesMax)) {
    const refusal = isAllowed(address) ? undefined : refusalOf(address, own);
    if (refusal !== undefined) {
      // One forbidden address condemns the name: a mixture is what rebinding looks like.
      return `refused: ${address} ${refusal}`;
    }
  }
  for (const address of addresses.slice(0, addressesMax)) {
    const socket = await connectTo(deps.clock, address, port);
    if (typeof socket !== "string") return socket;
    reason = socket;
  }
  return reason;
}

async function resolveName(deps: EgressDeps, host: string): Promise<readonly string[]> {
  const system: Resolve = async (name) =>
    (await lookup(name, { all: true, order: "ipv4first" })).map((entry) => entry.address);
  const late = Promise.withResolvers<readonly string[]>();
  using _timer = deps.clock.timer(resolveTimeoutMs, () => late.resolve([]));
  const found = (deps.resolve ?? system)(host).catch((): readonly string[] => []);
  return await Promise.race([found, late.promise]); // awaited: `using` ends with the function
}

function connectTo(clock: Clock, host: string, port: number): Promise<Socket | string> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, noDelay: true });
    const timer = clock.timer(connectTimeoutMs, () => {
      socket.destroy();
      resolve(`${host} did not answer in time`);
    });
    socket.once("connect", () => {
      timer[Symbol.dispose]();
      resolve(socket);
    });
    socket.once("error", (error) => {
      timer[Symbol.dispose]();
      resolve(`${host} could not be reached: ${error.message}`);
    });
  });
}

/** Joins the two sides until both have ended or nothing passes any more; bytes wait in the kernel. */
function join(clock: Clock, client: Socket, origin: Socket): void {
  let seenBytes = -1;
  const check = (): void => {
    const bytes = client.bytesRead + client.bytesWritten;
    if (bytes === seenBytes) {
      client.destroy();
      origin.destroy();
    }
    seenBytes = bytes;
    timer = clock.timer(idleTimeoutMs, check);
  };
  let timer = clock.timer(idleTimeoutMs, check);
  client.once("close", () => timer[Symbol.dispose]());
  pass(client, origin);
  pass(origin, client);
}

function pass(from: Socket, to: Socket): void {
  from.on("data", (chunk: Buffer) => {
    if (!to.write(chunk) && to.writableLength > bufferBytesMax) {
      from.pause();
      to.once("drain", () => from.resume());
    }
  });
  from.once("end", () => to.end());
  from.once("error", () => to.destroy());
  from.once("close", () => (from.readableEnded ? undefined : to.destroy()));
  from.resume();
}

function refuse(
  clock: Clock,
  client: Socket,
  [status, reason]: readonly [status: number, reason: string],
): void {
  if (client.destroyed || client.writableEnded) return;
  const phrases: Readonly<Record<number, string>> = {
    400: "Bad Request",
    403: "Forbidden",
    408: "Request Timeout",
    431: "Request Header Fields Too Large",
    502: "Bad Gateway",
    503: "Service Unavailable",
  };
  const body = `${reason}\n`;
  // What still comes in is read and dropped: closing over unread bytes would take the answer back.
  client.on("error", () => client.destroy());
  const timer = clock.timer(refusalTimeoutMs, () => client.destroy());
  client.once("close", () => timer[Symbol.dispose]());
  client.resume();
  client.end(
    `HTTP/1.1 ${status} ${phrases[status] ?? "Error"}\r\nContent-Type: text/plain; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

/** Asked each time: interfaces come and go. */
function ownAddresses(): ReadonlySet<string> {
  const all = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
  return new Set(all.map((entry) => canonical(entry.address)));
}
