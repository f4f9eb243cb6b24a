import { createServer, type IncomingMessage } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { systemClock, type Clock } from "#base/clock.ts";
import { uuid } from "#base/ids.ts";
import { systemRandom } from "#base/random.ts";
import {
  createAuthenticator,
  type AuthenticationMode,
  type KeyStore,
} from "#protocol/auth/auth.ts";
import { createDispatcher } from "#protocol/dispatch/dispatch.ts";
import type { ServiceLoader } from "#protocol/protocol.ts";
import type { WireRequest, WireResponse } from "#protocol/wire/wire.ts";
import { createTelemetry } from "#telemetry/telemetry.ts";

/** Services behind a real socket on a free port, so that tests can use the real SDK clients. */
export async function serve(
  loaders: readonly ServiceLoader[],
  options: {
    readonly mode: AuthenticationMode;
    readonly keys: KeyStore;
    readonly clock?: Clock;
    /** Answers what is no AWS call, before the services are asked. */
    readonly before?: (request: WireRequest) => Promise<WireResponse | undefined>;
  },
): Promise<AsyncDisposable & { readonly endpoint: string }> {
  const telemetry = createTelemetry({
    clock: systemClock,
    random: systemRandom,
    logLevel: "error",
    write: () => undefined,
    otlpEndpoint: undefined,
  });
  const clock = options.clock ?? systemClock;
  const authenticator = createAuthenticator({
    ...options,
    clock,
    defaultAccountId: "000000000000",
  });
  const dispatcher = createDispatcher({
    authenticator,
    clock,
    telemetry,
    defaultRegion: "us-east-1",
    loaders,
  });
  const server = createServer((message, response) => {
    const gone = new AbortController();
    response.on("close", () => gone.abort(new Error("the caller hung up")));
    const answer = async (): Promise<void> => {
      const request = wireRequest(message);
      const result =
        (await options.before?.(request)) ??
        (await dispatcher.dispatch({
          request,
          requestId: uuid(systemRandom),
          endpoint,
          trace: telemetry.tracer.newTrace(),
          caller: gone,
          fromGuest: false,
        }));
      response.writeHead(result?.status ?? 404, { ...result?.headers });
      if (result?.body instanceof Uint8Array) return void response.end(result.body);
      for await (const piece of result?.body ?? []) {
        if (gone.signal.aborted) break;
        response.write(piece);
      }
      response.end();
    };
    answer().catch((error: unknown) => response.destroy(error as Error)); // the client sees a broken answer
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // listening on TCP
  return {
    endpoint,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await telemetry[Symbol.asyncDispose]();
    },
  };
}

function wireRequest(message: IncomingMessage): WireRequest {
  const [path = "/", rawQuery = ""] = (message.url ?? "/").split(/\?(.*)/s);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers)) headers[name] = String(value);
  return { method: message.method ?? "GET", path, rawQuery, headers, body: message };
}
