import { createServer } from "node:http";
import type { ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { uuid } from "#base/ids.ts";
import { systemRandom } from "#base/random.ts";
import type { RequestContext } from "#base/context.ts";
import type { Service } from "#protocol/service/service.ts";
import { chooseProtocol, explainMiss, toMatchable, toWireError } from "./wire.ts";
import type { WireRequest, WireResponse } from "./wire.ts";

/** One service behind a real socket: what the dispatcher does, without its authentication. For tests. */
export interface TestServer extends AsyncDisposable {
  readonly endpoint: string;
  /** The last request line and headers, to assert what the client really sent. */
  readonly seen: { method: string; path: string; headers: Readonly<Record<string, string>> }[];
}

export async function startTestServer(service: Service): Promise<TestServer> {
  const seen: TestServer["seen"] = [];
  const server = createServer((incoming, outgoing) => {
    const url = incoming.url ?? "/";
    const [path = "/", rawQuery = ""] = url.split("?");
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(incoming.headers)) headers[name] = String(value);
    const request = { method: incoming.method ?? "GET", path, rawQuery, headers, body: incoming };
    seen.push(request);
    respond(request, outgoing, service).catch((error: unknown) => outgoing.destroy(error as Error)); // only errors are thrown here
  });
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo; // a TCP server has one
  return {
    endpoint: `http://127.0.0.1:${port}`,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function respond(
  request: WireRequest,
  outgoing: ServerResponse,
  service: Service,
): Promise<void> {
  const { status, headers, body } = await answer(request, service);
  outgoing.writeHead(status, headers);
  if (body instanceof Uint8Array) {
    outgoing.end(body);
    return;
  }
  for await (const chunk of body) outgoing.write(chunk);
  outgoing.end();
}

/** Request in, response out; every failure is an answer. */
export async function answer(sent: WireRequest, service: Service): Promise<WireResponse> {
  const context = testContext();
  const protocol = chooseProtocol(sent, service);
  let operation;
  try {
    const request = await toMatchable(sent);
    const match = protocol.match(request, service);
    if (!match?.operation) {
      const error = await explainMiss(protocol, request, { service, match });
      return protocol.encodeError(error, undefined, service, context);
    }
    operation = match.operation;
    const input = await protocol.decode(request, match);
    const output = await operation.handle(input, context);
    return protocol.encode(output, operation, context);
  } catch (error) {
    return protocol.encodeError(toWireError(error), operation, service, context);
  }
}

export function testContext(): RequestContext {
  return {
    requestId: uuid(systemRandom),
    principal: { arn: "arn:aws:iam::123456789012:root", accountId: "123456789012" },
    region: "us-east-1",
    deadlineMs: Number.MAX_SAFE_INTEGER,
    signal: new AbortController().signal,
    trace: {
      traceId: "1-00000000-000000000000000000000000",
      spanId: undefined,
      sampled: false,
      hops: 0,
    },
    endpoint: "http://localhost",
    log: { event: () => undefined },
  };
}

/** Credentials and endpoint for any SDK client; retries are off so that errors arrive as they are. */
export function clientConfig(endpoint: string): {
  endpoint: string;
  region: string;
  maxAttempts: number;
  credentials: { accessKeyId: string; secretAccessKey: string };
} {
  return {
    endpoint,
    region: "us-east-1",
    maxAttempts: 1,
    credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" },
  };
}

export async function collect(body: WireResponse["body"]): Promise<Buffer> {
  if (body instanceof Uint8Array) return Buffer.from(body);
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}
