import { once } from "node:events";
import { connect } from "node:net";
import { GetCallerIdentity$ } from "@aws-sdk/client-sts";
import type * as Sts from "@aws-sdk/client-sts";
import { systemClock } from "#base/clock.ts";
import type { Clock } from "#base/clock.ts";
import type { RequestContext } from "#base/context.ts";
import { systemRandom } from "#base/random.ts";
import type { Invocation, InvocationResult, Outcome, Payload } from "#functions/invoker/invoker.ts";
import type { Revision } from "#functions/registry/registry.ts";
import { createAuthenticator } from "#protocol/auth/auth.ts";
import type { AuthenticationMode, SigningKey } from "#protocol/auth/auth.ts";
import { createDispatcher } from "#protocol/dispatch/dispatch.ts";
import type { ServiceLoader } from "#protocol/protocol.ts";
import { defineService } from "#protocol/service/service.ts";
import { createTelemetry } from "#telemetry/telemetry.ts";
import type { AdminRoute, FunctionUrl, GatewayBounds } from "../gateway.ts";
import { createGateway, jsonAnswer } from "../gateway.ts";

export const accountId = "000000000000";

export interface GatewayOptions {
  readonly mode?: AuthenticationMode;
  readonly url?: Partial<FunctionUrl>;
  readonly invoke?: (invocation: Invocation) => Promise<InvocationResult>;
  readonly keys?: Readonly<Record<string, SigningKey>>;
  readonly allowedHosts?: readonly string[];
  readonly allowedOrigins?: readonly string[];
  readonly bounds?: Partial<GatewayBounds>;
  readonly caps?: { readonly connectionsMax: number; readonly connectionsPerAddressMax: number };
  readonly clock?: Clock;
  /** Besides `sts`. */
  readonly loaders?: readonly ServiceLoader[];
  /** Runs inside GetCallerIdentity. */
  readonly onCall?: (context: RequestContext) => Promise<void>;
}

/** A gateway on a free port with a real dispatcher; the invoker is the test's own. */
export async function startGateway(options: GatewayOptions = {}) {
  const clock = options.clock ?? systemClock;
  const lines: string[] = [];
  const telemetry = createTelemetry({
    clock,
    random: systemRandom,
    logLevel: "info",
    write: (line) => void lines.push(line),
    otlpEndpoint: undefined,
  });
  const authenticator = createAuthenticator({
    mode: options.mode ?? "open",
    keys: { find: async (id) => options.keys?.[id] },
    clock,
    defaultAccountId: accountId,
  });
  const calls: RequestContext[] = [];
  const dispatcher = createDispatcher({
    loaders: [
      ...(options.loaders ?? []),
      {
        name: "sts",
        signingName: "sts",
        endpointPrefix: "sts",
        load: async () =>
          defineService<typeof Sts>(
            {
              sdkId: "STS",
              signingName: "sts",
              endpointPrefix: "sts",
              protocols: ["awsQuery"],
              apiVersion: "2011-06-15",
              xmlNamespace: "https://sts.amazonaws.com/doc/2011-06-15/",
            },
            {
              GetCallerIdentity: [
                GetCallerIdentity$,
                async (_, context) => {
                  calls.push(context);
                  await options.onCall?.(context);
                  return { Account: context.principal.accountId, Arn: context.principal.arn };
                },
              ],
            },
          ),
      },
    ],
    authenticator,
    clock,
    telemetry,
    defaultRegion: "us-east-1",
  });
  const admin: AdminRoute[] = [
    {
      method: "GET",
      path: "/_skerry/functions",
      handle: async () => jsonAnswer(200, { functions: [] }),
    },
    {
      method: "GET",
      path: "/_skerry/code/",
      isOpen: true,
      handle: async ({ path }) => jsonAnswer(200, { path }),
    },
  ];
  const gateway = createGateway({
    config: {
      host: "127.0.0.1",
      port: 0,
      allowedHosts: options.allowedHosts ?? [],
      allowedOrigins: options.allowedOrigins ?? [],
      defaultRegion: "us-east-1",
      ...(options.caps ?? { connectionsMax: 4096, connectionsPerAddressMax: 1024 }),
    },
    dispatcher,
    functions: {
      resolver: {
        resolve: async () => ({ revision, qualifier: undefined, reservedConcurrency: undefined }),
      },
      invoker: { invoke: options.invoke ?? (async () => result("{}")) },
    },
    urls: {
      find: async (urlId) => (urlId === "abc123" ? { ...publicUrl, ...options.url } : undefined),
    },
    authenticator,
    telemetry,
    clock,
    random: systemRandom,
    admin,
    health: () => ({ version: "0.0.0", status: "running", services: ["sts"] }),
    ...(options.bounds && { bounds: options.bounds }),
  });
  const { port } = await gateway.listen();
  return { gateway, port, lines, calls, telemetry };
}

const publicUrl: FunctionUrl = {
  target: { accountId, region: "us-east-1", name: "shop", qualifier: undefined },
  authType: "NONE",
  invokeMode: "BUFFERED",
  cors: undefined,
  publicAllowed: true,
};

export const revision: Revision = {
  revisionId: "1",
  functionArn: `arn:aws:lambda:us-east-1:${accountId}:function:shop`,
  accountId,
  region: "us-east-1",
  name: "shop",
  version: "$LATEST",
  description: "",
  runtime: "nodejs24.x",
  handler: "index.handler",
  roleArn: `arn:aws:iam::${accountId}:role/shop`,
  codeSha256: "0".repeat(64),
  codeByteCount: 1,
  memoryMiB: 128,
  timeoutMs: 3_000,
  scratchMiB: 512,
  environment: {},
  layers: [],
  architecture: "x86_64",
  deadLetterArn: undefined,
  tracingMode: "PassThrough",
  logging: {
    format: "Text",
    applicationLevel: undefined,
    systemLevel: undefined,
    group: "/aws/lambda/shop",
  },
  egress: "platform",
  state: {
    state: "Active",
    reason: undefined,
    reasonCode: undefined,
    lastUpdate: "Successful",
    lastUpdateReason: undefined,
    lastUpdateReasonCode: undefined,
  },
  lastModifiedMs: 0,
};

/** What an invocation gave; text stands for its bytes. */
export function result(
  payload: string | Payload,
  fields: { readonly contentType?: string; readonly outcome?: Outcome } = {},
): InvocationResult {
  return {
    payload: typeof payload === "string" ? Buffer.from(payload) : payload,
    contentType: fields.contentType,
    outcome: Promise.resolve(fields.outcome ?? { kind: "ok", durationMs: 1 }),
    logTail: undefined,
    executedVersion: "$LATEST",
  };
}

/** Writes raw bytes and resolves with everything that came back when the server closes the connection. */
export async function exchangeRaw(port: number, bytes: string | Buffer): Promise<string> {
  const socket = connect({ port, host: "127.0.0.1" });
  socket.on("error", () => undefined); // a reset is one of the expected ends
  let text = "";
  socket.on("data", (piece: Buffer) => void (text += piece.toString("latin1")));
  socket.write(bytes);
  await once(socket, "close");
  return text;
}

export interface RawAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** One HTTP/1.1 request with exactly these headers, on a connection of its own. */
export async function ask(
  port: number,
  request: {
    readonly method?: string;
    readonly target?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string | Buffer;
  } = {},
): Promise<RawAnswer> {
  const body = Buffer.from(request.body ?? "");
  const headers: Record<string, string> = {
    host: `localhost:${port}`,
    ...(body.byteLength > 0 && { "content-length": String(body.byteLength) }),
    ...request.headers,
    connection: "close",
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `${request.method ?? "GET"} ${request.target ?? "/"} HTTP/1.1\r\n${lines.join("")}\r\n`;
  return parseAnswer(await exchangeRaw(port, Buffer.concat([Buffer.from(head, "latin1"), body])));
}

export function parseAnswer(text: string): RawAnswer {
  const at = text.indexOf("\r\n\r\n");
  const head = at < 0 ? text : text.slice(0, at);
  const body = at < 0 ? "" : text.slice(at + 4);
  const isChunked = /^transfer-encoding: chunked/im.test(head);
  return {
    status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1] ?? 0),
    head: head.toLowerCase(),
    body: isChunked ? unchunk(body) : body,
  };
}

function unchunk(text: string): string {
  let rest = text;
  let body = "";
  for (;;) {
    const at = rest.indexOf("\r\n");
    const size = Number.parseInt(rest.slice(0, at), 16);
    if (!(size > 0)) return body;
    body += rest.slice(at + 2, at + 2 + size);
    rest = rest.slice(at + 4 + size);
  }
}
