import type { IncomingMessage, ServerResponse } from "node:http";
import type { Server } from "node:net";
import type { Clock } from "#base/clock.ts";
import type { Random } from "#base/random.ts";
import type { Soon } from "#base/soon.ts";
import type { Invoker } from "#functions/invoker/invoker.ts";
import type { GuestIdentity } from "#functions/pool/pool.ts";
import type { FunctionReference, FunctionResolver } from "#functions/registry/registry.ts";
import type { Authenticator } from "#protocol/auth/auth.ts";
import type { Dispatcher } from "#protocol/protocol.ts";
import type { Telemetry } from "#telemetry/telemetry.ts";
import type { AdminRoute, Health } from "./admin.ts";
import type { BucketTable } from "./buckets.ts";
import { createListener } from "./listener.ts";
import type { ListenerTimes } from "./listener.ts";
import { createVisits } from "./visits.ts";

export { jsonAnswer } from "./answer.ts";
export type { AdminRoute } from "./admin.ts";

/** Listeners, Host and Origin checks, and the choice: AWS call, function URL, or the platform's own pages. */
export interface Gateway extends AsyncDisposable {
  /** Resolves when it accepts connections: at the port of its settings unless another is given. */
  listen(
    port?: number,
  ): Promise<{ readonly host: string; readonly port: number; readonly url: string }>;
  /** Serves what a sandbox connects to at its `AWS_ENDPOINT_URL`. */
  serve(server: Server, identity: () => GuestIdentity | undefined): Disposable;
  /** Stops accepting, lets running requests end, closes the rest after `timeoutMs`. */
  drain(timeoutMs: number): Promise<void>;
}

/** Function URLs by their id; `services/lambda` satisfies it. */
interface FunctionUrlTable {
  find(urlId: string, region: string): Soon<FunctionUrl | undefined>;
}

export interface FunctionUrl {
  readonly target: FunctionReference;
  readonly authType: "NONE" | "AWS_IAM";
  readonly invokeMode: "BUFFERED" | "RESPONSE_STREAM";
  readonly cors: FunctionUrlCors | undefined;
  /** Resource policy allows anyone (`lambda:InvokeFunctionUrl`, principal `*`). */
  readonly publicAllowed: boolean;
}

export interface FunctionUrlCors {
  readonly allowCredentials: boolean;
  readonly allowHeaders: readonly string[];
  readonly allowMethods: readonly string[];
  readonly allowOrigins: readonly string[];
  readonly exposeHeaders: readonly string[];
  /** Seconds, 0 … 86,400. */
  readonly maxAgeSeconds: number | undefined;
}

export interface GatewayDeps {
  readonly config: {
    readonly host: string;
    /** 0 picks a free port. */
    readonly port: number;
    /** Other processes listen there too, and the kernel spreads connections. */
    readonly reusePort?: boolean;
    readonly allowedHosts: readonly string[];
    readonly allowedOrigins: readonly string[];
    readonly defaultRegion: string;
    readonly connectionsMax: number;
    readonly connectionsPerAddressMax: number;
  };
  readonly dispatcher: Dispatcher;
  readonly functions: {
    readonly resolver: FunctionResolver;
    readonly invoker: Pick<Invoker, "invoke">;
  };
  readonly urls: FunctionUrlTable;
  /** Without it pages and forms have no buckets. */
  readonly buckets?: BucketTable | undefined;
  readonly authenticator: Authenticator;
  readonly telemetry: Pick<Telemetry, "log" | "tracer">;
  readonly clock: Clock;
  readonly random: Random;
  /** Pages below `/_skerry/`, for this machine only. */
  readonly admin: readonly AdminRoute[];
  readonly health: () => Health;
  /** Smaller numbers for tests; `limits.ts` otherwise. */
  readonly bounds?: Partial<GatewayBounds>;
}

export interface GatewayBounds extends ListenerTimes {
  /** Bytes of unfinished requests, and of answers that wait for slow readers. */
  readonly arrivingBytesMax: number;
  readonly unreadBytesMax: number;
}

/** Disposing closes every connection at once; `drain` first to be polite. */
export function createGateway(deps: GatewayDeps): Gateway {
  const { config, clock, telemetry } = deps;
  const guests = new WeakMap<object, () => GuestIdentity | undefined>();
  const visits = createVisits(deps);
  const listener = createListener({
    handle(message: IncomingMessage, response: ServerResponse, done) {
      const guest = guests.get(message.socket);
      void visits.handle({ message, response, guest, done });
    },
    clock,
    log: telemetry.log,
    caps: config,
    times: deps.bounds ?? {},
  });
  return {
    async listen(port = config.port) {
      const bound = await listener.listen({ ...config, port });
      const name = urlName(bound.host);
      return { ...bound, url: `http://${name}:${bound.port}` };
    },
    serve: (server, identity) =>
      listener.adopt(server, (socket) => void guests.set(socket, identity)),
    drain: (timeoutMs) => listener.drain(timeoutMs),
    [Symbol.asyncDispose]: () => listener.drain(0),
  };
}

/** How a client on this machine names the address that was bound. */
function urlName(host: string): string {
  if (host === "0.0.0.0" || host === "::" || host === "127.0.0.1") return "localhost";
  return host.includes(":") ? `[${host}]` : host;
}
