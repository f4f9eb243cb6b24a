import { createServer } from "#base/node-http.ts";
import type { IncomingMessage, Server as HttpServer, ServerResponse } from "node:http";
import type { Server, Socket } from "node:net";
import { PlatformError } from "#base/errors.ts";
import { postedError, responseTooLarge } from "../error-body.ts";
import {
  errorBytesMax,
  responseBytesMax,
  runtimeApiConnectionsMax,
  runtimeApiHeaderBytesMax,
} from "../limits.ts";
import type { FunctionErrorBody, GuestRequest } from "../runtimes.ts";
import { readBody, reply } from "./http.ts";
import { decide } from "./state.ts";
import type { ApiEvent, ApiState, Refusal } from "./state.ts";

/** What a runtime said, in the words of the guest interface. */
export type ApiAnswer =
  | { readonly kind: "payload"; readonly payload: Uint8Array }
  | { readonly kind: "error"; readonly error: FunctionErrorBody }
  | {
      readonly kind: "stream";
      readonly contentType: string | undefined;
      readonly parts: ApiStream;
    };

interface ApiStream {
  /** Undefined at the end; then `error()` is what the trailers said. Rejects when the connection broke. */
  next(): Promise<Uint8Array | undefined>;
  error(): FunctionErrorBody | undefined;
  /** The rest is not wanted. */
  abandon(): void;
}

/**
 * The Lambda Runtime API of one sandbox, served on the listener it handed out: whoever connects is
 * that sandbox. (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html)
 */
export interface RuntimeApi extends Disposable {
  /** Settles when init is over: asked for the first event, or reported an error. */
  readonly initialised: Promise<FunctionErrorBody | undefined>;
  /**
   * Gives the event to the runtime as soon as it asks; resolves with its answer. Errors:
   * `channel.broken` once this has been disposed.
   */
  dispatch(request: GuestRequest): Promise<ApiAnswer>;
  /** Resolves when the runtime asks for the next event, at once if it already has. */
  asked(): Promise<void>;
}

/** Serves what on the same port belongs to extensions; false for what does not. */
export interface ExtensionRoutes {
  serve(route: string, request: IncomingMessage, response: ServerResponse): Promise<void> | false;
  /** The runtime asked for its first event. */
  runtimeReady(): void;
}

export function createRuntimeApi(listener: Server, extensions: ExtensionRoutes): RuntimeApi {
  return new Api(listener, extensions);
}

interface Pending {
  readonly request: GuestRequest;
  readonly answer: PromiseWithResolvers<ApiAnswer>;
}

const versionPath = "/2018-06-01/runtime";

class Api implements RuntimeApi {
  readonly #http: HttpServer;
  readonly #extensions: ExtensionRoutes;
  /** Connections on which the runtime spoke; the others are extensions'. */
  readonly #ofRuntime = new Set<Socket>();
  readonly #init = Promise.withResolvers<FunctionErrorBody | undefined>();
  #state: ApiState = { name: "starting" };
  #hanging: ServerResponse | undefined;
  #pending: Pending | undefined;
  #connections = 0;
  #asked = Promise.withResolvers<void>();
  #isDisposed = false;

  constructor(listener: Server, extensions: ExtensionRoutes) {
    this.#extensions = extensions;
    // A runtime asks for work and waits for hours: only its headers are on the clock.
    this.#http = createServer(
      { requestTimeout: 0, headersTimeout: 60_000, maxHeaderSize: runtimeApiHeaderBytesMax },
      (request, response) => void this.#serve(request, response),
    );
    this.#http.keepAliveTimeout = 0;
    listener.on("connection", (socket) => this.#accept(socket));
  }

  get initialised(): Promise<FunctionErrorBody | undefined> {
    return this.#init.promise;
  }

  asked(): Promise<void> {
    return this.#asked.promise;
  }

  dispatch(request: GuestRequest): Promise<ApiAnswer> {
    if (this.#isDisposed) return Promise.reject(hungUp());
    this.#pending = { request, answer: Promise.withResolvers<ApiAnswer>() };
    this.#deliver();
    return this.#pending.answer.promise;
  }

  [Symbol.dispose](): void {
    // Extensions are still to be told of the end; only what belongs to the runtime is closed.
    this.#isDisposed = true;
    for (const socket of this.#ofRuntime) socket.destroy();
    this.#hanging = undefined;
  }

  #accept(socket: Socket): void {
    if (this.#connections >= runtimeApiConnectionsMax) {
      socket.destroy();
      return;
    }
    this.#connections += 1;
    socket.once("close", () => {
      this.#connections -= 1;
      this.#ofRuntime.delete(socket);
    });
    this.#http.emit("connection", socket);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#route(request, response);
    } catch {
      // The runtime hung up in the middle of what it said; whoever waits hears of it there.
      response.destroy();
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? "/", "http://runtime").pathname;
    const route = `${request.method} ${path}`;
    const served = this.#extensions.serve(route, request, response);
    if (served !== false) return served;
    if (this.#isDisposed) return void request.socket.destroy();
    this.#ofRuntime.add(request.socket);
    if (route === `GET ${versionPath}/invocation/next`) return this.#next(response);
    if (route === `POST ${versionPath}/init/error`) return this.#initError(request, response);
    const found = /^POST \/2018-06-01\/runtime\/invocation\/([^/]+)\/(response|error)$/.exec(route);
    const [, requestId, kind] = found ?? [];
    if (requestId === undefined) return void response.writeHead(404).end();
    if (kind === "response")
      return this.#response(decodeURIComponent(requestId), request, response);
    return this.#error(decodeURIComponent(requestId), request, response);
  }

  #next(response: ServerResponse): void {
    const wasStarting = this.#state.name === "starting";
    const refusal = this.#step({ kind: "next" });
    if (refusal) return refuse(response, refusal);
    this.#hanging?.destroy();
    this.#hanging = response;
    this.#asked.resolve();
    response.on("close", () => {
      if (this.#hanging === response) this.#hanging = undefined;
    });
    if (wasStarting) {
      this.#extensions.runtimeReady();
      this.#init.resolve(undefined);
    }
    this.#deliver();
  }

  #deliver(): void {
    const response = this.#hanging;
    const request = this.#pending?.request;
    if (!response || !request || this.#state.name !== "ready") return;
    this.#step({ kind: "dispatch", requestId: request.requestId });
    this.#hanging = undefined;
    this.#asked = Promise.withResolvers<void>();
    response.writeHead(200, invocationHeaders(request));
    response.end(request.payload);
  }

  async #response(
    requestId: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const pending = this.#pending;
    const refusal = this.#step({ kind: "response", requestId });
    if (refusal || !pending) return refuse(response, refusal ?? noInvocation, request);
    const mode = request.headers["lambda-runtime-function-response-mode"];
    if (mode === "streaming") return this.#stream(pending, request, response);
    if (mode !== undefined) {
      this.#take(pending, {
        kind: "error",
        error: postedError(Buffer.alloc(0), "Runtime.InvalidResponseModeHeader"),
      });
      return reply(response, 400, {
        errorMessage: "Invalid function response mode",
        errorType: "InvalidFunctionResponseMode",
      });
    }
    const body = await readBody(request, responseBytesMax).catch((error: unknown) => {
      this.#take(pending, { kind: "error", error: truncated() });
      throw error;
    });
    if (!body) {
      this.#take(pending, { kind: "error", error: responseTooLarge() });
      return reply(response, 413, {
        errorMessage: `Exceeded maximum allowed payload size (${responseBytesMax} bytes).`,
        errorType: "RequestEntityTooLarge",
      });
    }
    this.#take(pending, { kind: "payload", payload: body });
    reply(response, 202, { status: "OK" });
  }

  #stream(pending: Pending, request: IncomingMessage, response: ServerResponse): void {
    const parts = createApiStream(request, () => {
      this.#step({ kind: "taken" });
      reply(response, 202, { status: "OK" });
    });
    this.#pending = undefined;
    pending.answer.resolve({ kind: "stream", contentType: request.headers["content-type"], parts });
  }

  async #error(
    requestId: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const pending = this.#pending;
    const refusal = this.#step({ kind: "error", requestId });
    if (refusal || !pending) return refuse(response, refusal ?? noInvocation, request);
    const body = (await readBody(request, errorBytesMax)) ?? Buffer.alloc(0);
    this.#take(pending, { kind: "error", error: postedError(body, errorType(request)) });
    reply(response, 202, { status: "OK" });
  }

  async #initError(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refusal = this.#step({ kind: "init-error" });
    if (refusal) return refuse(response, refusal, request);
    const body = (await readBody(request, errorBytesMax)) ?? Buffer.alloc(0);
    this.#init.resolve(postedError(body, errorType(request)));
    reply(response, 202, { status: "OK" });
  }

  #take(pending: Pending, answer: ApiAnswer): void {
    this.#step({ kind: "taken" });
    this.#pending = undefined;
    pending.answer.resolve(answer);
  }

  #step(event: ApiEvent): Refusal | undefined {
    const decision = decide(this.#state, event);
    if (!decision.accepted) return decision.refusal;
    this.#state = decision.state;
    return undefined;
  }
}

function hungUp(): PlatformError {
  return new PlatformError("channel.broken", "The Runtime API of this sandbox has been closed.");
}

const noInvocation: Refusal = {
  status: 400,
  errorType: "InvalidRequestID",
  errorMessage: "Invalid request ID",
};

function invocationHeaders(request: GuestRequest): Record<string, string> {
  const headers: Record<string, string> = {
    "Content-Type": "application/json",
    "Lambda-Runtime-Aws-Request-Id": request.requestId,
    "Lambda-Runtime-Deadline-Ms": String(request.deadlineMs),
    "Lambda-Runtime-Invoked-Function-Arn": request.functionArn,
    "Content-Length": String(request.payload.byteLength),
  };
  if (request.traceHeader !== "") headers["Lambda-Runtime-Trace-Id"] = request.traceHeader;
  if (request.clientContext !== undefined) {
    headers["Lambda-Runtime-Client-Context"] = toHeader(request.clientContext);
  }
  if (request.cognitoIdentity !== undefined) {
    headers["Lambda-Runtime-Cognito-Identity"] = toHeader(request.cognitoIdentity);
  }
  return headers;
}

/** JSON in a header: what HTTP cannot carry is escaped the way JSON allows. */
function toHeader(json: string): string {
  return json.replaceAll(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function createApiStream(request: IncomingMessage, onEnd: () => void): ApiStream {
  const chunks = request.iterator({ destroyOnReturn: false });
  return {
    async next() {
      const step = await chunks.next();
      if (!step.done) return step.value as Uint8Array; // a request without setEncoding yields Buffers
      onEnd();
      return undefined;
    },
    error() {
      const type = request.trailers["lambda-runtime-function-error-type"];
      if (type === undefined) return undefined;
      const body = request.trailers["lambda-runtime-function-error-body"] ?? "";
      return postedError(Buffer.from(body, "base64"), type);
    },
    abandon: () => void request.socket.destroy(),
  };
}

function truncated(): FunctionErrorBody {
  return postedError(
    Buffer.from(JSON.stringify({ errorType: "Runtime.TruncatedResponse", errorMessage: "" })),
    undefined,
  );
}

function errorType(request: IncomingMessage): string | undefined {
  const value = request.headers["lambda-runtime-function-error-type"];
  return typeof value === "string" ? value : undefined;
}

function refuse(response: ServerResponse, refusal: Refusal, request?: IncomingMessage): void {
  request?.resume();
  const { errorMessage, errorType } = refusal;
  reply(response, refusal.status, { errorMessage, errorType });
}
