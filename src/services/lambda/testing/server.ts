import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LambdaClient } from "@aws-sdk/client-lambda";
import yazl from "yazl";
import { systemClock } from "#base/clock.ts";
import { createSeededRandom, systemRandom } from "#base/random.ts";
import { uuid } from "#base/ids.ts";
import type { Invocation, InvocationResult } from "#functions/invoker/invoker.ts";
import { createPackages } from "#functions/packages/packages.ts";
import { createRegistry, type FunctionRegistry } from "#functions/registry/registry.ts";
import { createAuthenticator } from "#protocol/auth/auth.ts";
import { createDispatcher } from "#protocol/dispatch/dispatch.ts";
import type { WireResponse } from "#protocol/wire/wire.ts";
import { openBlobStore } from "#storage/blobs/blobs.ts";
import { createMemoryStore } from "#storage/drivers/memory/memory.ts";
import type { Store } from "#storage/storage.ts";
import { createTelemetry } from "#telemetry/telemetry.ts";
import type { LambdaDeps } from "../dependencies.ts";
import { createLambda, type Lambda } from "../lambda.ts";

/** The Lambda API alone behind a real socket: real store, packages and protocol, no sandboxes. */
export interface LambdaServer extends AsyncDisposable {
  readonly endpoint: string;
  /** Another account is another 12-digit key id. */
  client(accountId?: string, region?: string): LambdaClient;
  readonly lambda: Lambda;
  readonly registry: FunctionRegistry;
  readonly store: Store;
  /** What reached the engine, in order. */
  readonly invocations: Invocation[];
  /** How the engine answers; a test replaces it. */
  answer: (invocation: Invocation) => Promise<InvocationResult>;
  /** ARNs whose idle environments were to end, in order. */
  readonly retired: string[];
}

export const role = "arn:aws:iam::000000000000:role/test";

export async function startLambdaServer(
  overrides: Partial<LambdaDeps> = {},
): Promise<LambdaServer> {
  const directory = await mkdtemp(join(tmpdir(), "skerry-lambda-"));
  const telemetry = createTelemetry({
    clock: systemClock,
    random: systemRandom,
    logLevel: "error",
    write: () => undefined,
    otlpEndpoint: undefined,
  });
  const { log } = telemetry;
  const store = overrides.store ?? createMemoryStore();
  const blobs = await openBlobStore({ directory: join(directory, "blobs") });
  const shared = { store, blobs, clock: systemClock, random: createSeededRandom(11), log };
  const packages = await createPackages({ ...shared, workDir: join(directory, "packages") });
  const registry = createRegistry(shared);
  const state: Pick<LambdaServer, "invocations" | "answer" | "retired"> = {
    invocations: [],
    retired: [],
    answer: async ({ payload, target }) => echoed(payload, target.revision.version),
  };
  const lambda = createLambda({
    ...shared,
    packages,
    registry,
    runtimes: new Map(
      ["nodejs24.x", "python3.13", "provided.al2023"].map((name) => [name, availableRuntime]),
    ),
    pool: { expect: () => undefined, retire: (arn) => void state.retired.push(arn) },
    invoker: {
      invoke: (invocation) => {
        state.invocations.push(invocation);
        return server.answer(invocation);
      },
      enqueue: async (invocation) => void state.invocations.push(invocation),
    },
    accountConcurrency: 1000,
    ...overrides,
  });
  const dispatcher = createDispatcher({
    loaders: [
      {
        name: "lambda",
        signingName: "lambda",
        endpointPrefix: "lambda",
        load: async () => lambda.service,
      },
    ],
    authenticator: createAuthenticator({
      mode: "open",
      keys: { find: async () => undefined },
      clock: systemClock,
      defaultAccountId: "000000000000",
    }),
    clock: systemClock,
    telemetry,
    defaultRegion: "us-east-1",
  });
  const http = createServer((request, response) => {
    void respond({ request, response, dispatcher, lambda });
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const endpoint = `http://localhost:${(http.address() as AddressInfo).port}`; // listens on TCP
  const server: LambdaServer = Object.assign(state, {
    endpoint,
    lambda,
    registry,
    store,
    client: (accountId = "000000000000", region = "us-east-1") =>
      new LambdaClient({
        endpoint,
        region,
        credentials: { accessKeyId: accountId, secretAccessKey: "x" },
        maxAttempts: 1,
      }),
    async [Symbol.asyncDispose]() {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
      await lambda[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    },
  });
  return server;
}

const availableRuntime = { probe: async () => ({ usable: true, reason: "" }) };

function echoed(payload: Uint8Array, executedVersion: string): InvocationResult {
  return {
    payload,
    contentType: undefined,
    outcome: Promise.resolve({ kind: "ok", durationMs: 1 }),
    logTail: Promise.resolve(Buffer.from("END\n")),
    executedVersion,
  };
}

async function respond(exchange: {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly dispatcher: ReturnType<typeof createDispatcher>;
  readonly lambda: Lambda;
}): Promise<void> {
  const { request, response, dispatcher, lambda } = exchange;
  const [path = "/", rawQuery = ""] = (request.url ?? "/").split(/\?(.*)/s);
  const method = request.method ?? "GET";
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
  );
  const wire = { method, path, rawQuery, headers, body: request };
  const answered: WireResponse | undefined =
    (await lambda.codeLinks.serve(wire)) ??
    (await dispatcher.dispatch({
      request: wire,
      requestId: uuid(systemRandom),
      endpoint: `http://${headers["host"]}`,
      trace: { traceId: "1-0-0", spanId: undefined, sampled: false, hops: 0 },
      signal: new AbortController().signal,
      fromGuest: false,
    }));
  if (!answered) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(answered.status, { ...answered.headers });
  if (answered.body instanceof Uint8Array) {
    response.end(answered.body);
    return;
  }
  for await (const part of answered.body) response.write(part);
  response.end();
}

/** A zip with these files. */
export async function zipOf(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const zip = new yazl.ZipFile();
  for (const [name, content] of Object.entries(files)) {
    zip.addBuffer(Buffer.from(content), name, { mtime: new Date(0) });
  }
  zip.end();
  const parts: Buffer[] = [];
  for await (const part of zip.outputStream) parts.push(Buffer.from(part as Buffer)); // yazl's stream is untyped
  return Buffer.concat(parts);
}
