import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "#base/clock.ts";
import { uuid } from "#base/ids.ts";
import { systemRandom } from "#base/random.ts";
import type { Channel } from "../channel/channel.ts";
import { extensionBodyBytesMax, extensionsMax, shutdownMs } from "../limits.ts";
import { readBody, reply } from "../runtime-api/http.ts";
import type { ExtensionRoutes } from "../runtime-api/server.ts";
import type {
  Assignment,
  ExtensionListener,
  FunctionErrorBody,
  GuestExtensions,
  GuestRequest,
  ShutdownReason,
  TelemetryEvent,
} from "../runtimes.ts";
import { within } from "../waiting.ts";
import {
  alive,
  areReady,
  areRegistered,
  decide,
  findExtension,
  initialExtensions,
} from "./state.ts";
import type { ExtensionFailure, ExtensionRefusal, ExtensionsEvent } from "./state.ts";
import { parseSubscription } from "./subscription.ts";
import type { SubscriptionApi } from "./subscription.ts";
import { Supervisor } from "./supervisor.ts";
import type { ProcessEnd } from "./supervisor.ts";
import { Telemetry } from "./telemetry.ts";

const prefix = "/2020-01-01/extension";
const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * The Extensions, Telemetry and Logs API of one sandbox, and the order in which its processes begin and
 * end. Everything said there comes from the sandbox and is bounded; who lies harms only itself.
 */
export class Extensions implements GuestExtensions, ExtensionRoutes, Disposable {
  readonly #clock: Clock;
  readonly #endpointPort: number;
  readonly #telemetry: Telemetry;
  readonly #broken = Promise.withResolvers<FunctionErrorBody>();
  /** The question of each that waits for its next event. */
  readonly #hanging = new Map<string, ServerResponse>();
  #waiters: { readonly isDue: () => boolean; readonly resolve: () => void }[] = [];
  #state = initialExtensions;
  #event: object = {};
  #assignment: Assignment | undefined;
  #supervisor: Supervisor | undefined;
  #listener: ExtensionListener | undefined;
  #runtimeEnd = Promise.withResolvers<ProcessEnd>();
  #isRuntimeStarted = false;
  #isInitOver = false;
  #shutdown: Promise<void> | undefined;

  /** `endpointPort`: where the platform is inside of the sandbox; nothing else can be there. */
  constructor(clock: Clock, endpointPort: number) {
    this.#clock = clock;
    this.#endpointPort = endpointPort;
    this.#telemetry = new Telemetry({
      clock,
      deliver: (to, body) => this.#supervisor?.deliver(to, body) ?? Promise.resolve(false),
    });
  }

  get isInUse(): boolean {
    return this.#state.extensions.length > 0;
  }

  get broken(): Promise<FunctionErrorBody> {
    return this.#broken.promise;
  }

  /** How the runtime ended, where it runs beside extensions; before, it is the sandbox that ends. */
  get runtimeEnded(): Promise<ProcessEnd> {
    return this.#runtimeEnd.promise;
  }

  get wantsTelemetry(): boolean {
    return this.#telemetry.isWanted;
  }

  publish(event: TelemetryEvent): void {
    this.#telemetry.publish(event);
  }

  listen(listener: ExtensionListener): void {
    this.#listener = listener;
  }

  /** Whose extensions these are; before anything of the function runs. */
  assign(assignment: Assignment): void {
    this.#assignment = assignment;
  }

  /**
   * Starts the external ones, now that their registration can be told from an internal one's. Resolves
   * when they have registered and the runtime was told to start.
   */
  async begin(names: readonly string[], channel: Channel): Promise<FunctionErrorBody | undefined> {
    this.#step({ kind: "launched", names: names.slice(0, extensionsMax) });
    const surplus = names[extensionsMax];
    if (surplus !== undefined) {
      this.#step({ kind: "launch-failed", name: surplus, reason: "TooManyExtensions" });
    }
    this.#supervisor = new Supervisor(channel, this.#clock, {
      ended: (end) => this.#ended(end),
      output: (name, stream, bytes) => this.#listener?.output(name, stream, bytes),
    });
    for (const name of names.slice(0, extensionsMax)) this.#supervisor.launch(name);
    await this.#until(() => areRegistered(this.#state));
    if (this.#state.failure) return this.#tell(this.#state.failure);
    this.#isRuntimeStarted = true;
    this.#supervisor.launch();
    return undefined;
  }

  async settled(): Promise<FunctionErrorBody | undefined> {
    await this.#until(() => areReady(this.#state));
    return this.#state.failure && errorOf(this.#state.failure);
  }

  /** The last part of init; also where there are none. Until then they may subscribe. */
  async ready(): Promise<FunctionErrorBody | undefined> {
    const error = await this.settled();
    this.#isInitOver = true;
    this.#telemetry.close();
    for (const { name, state, events } of this.#state.extensions)
      this.#show({ name, state, events });
    return error;
  }

  runtimeReady(): void {
    this.#step({ kind: "runtime-ready" });
  }

  /** An invocation begins: those that want it are told. */
  invoke(request: GuestRequest): void {
    if (!this.isInUse) return;
    this.#event = {
      eventType: "INVOKE",
      deadlineMs: request.deadlineMs,
      requestId: request.requestId,
      invokedFunctionArn: request.functionArn,
      tracing: { type: "X-Amzn-Trace-Id", value: request.traceHeader },
    };
    this.#step({ kind: "invoke" });
  }

  shutDown(reason: ShutdownReason): Promise<void> {
    this.#shutdown ??= this.#shutDown(reason);
    return this.#shutdown;
  }

  [Symbol.dispose](): void {
    this.#telemetry[Symbol.dispose]();
    for (const response of this.#hanging.values()) response.destroy();
    this.#hanging.clear();
  }

  serve(route: string, request: IncomingMessage, response: ServerResponse): Promise<void> | false {
    if (route === `POST ${prefix}/register`) return this.#register(request, response);
    if (route === `GET ${prefix}/event/next`) return this.#next(request, response);
    if (route === `POST ${prefix}/init/error`) return this.#report("init-error", request, response);
    if (route === `POST ${prefix}/exit/error`) return this.#report("exit-error", request, response);
    if (/^PUT \/2022-07-01\/telemetry\/?$/.test(route)) {
      return this.#subscribe("telemetry", request, response);
    }
    if (/^PUT \/2020-08-15\/logs\/?$/.test(route))
      return this.#subscribe("logs", request, response);
    return false;
  }

  async #register(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request, extensionBodyBytesMax);
    const events = body && parseEvents(body.toString("utf8"));
    if (!events) {
      const errorMessage = "the body must be a JSON object with a list of events";
      return forbid(response, { errorType: "InvalidRequestFormat", errorMessage });
    }
    const name = header(request, "lambda-extension-name");
    const id = uuid(systemRandom);
    const refusal = this.#step({ kind: "register", id, name, events });
    if (refusal) return forbid(response, refusal);
    const assignment = this.#assignment;
    const features = header(request, "lambda-extension-accept-feature").split(",");
    const wantsAccount = features.some((feature) => feature.trim() === "accountId");
    response.setHeader("Lambda-Extension-Identifier", id);
    reply(response, 200, {
      functionName: assignment?.environment["AWS_LAMBDA_FUNCTION_NAME"] ?? "",
      functionVersion: assignment?.environment["AWS_LAMBDA_FUNCTION_VERSION"] ?? "",
      handler: assignment?.handler ?? "",
      ...(wantsAccount && { accountId: assignment?.accountId ?? "" }),
    });
  }

  async #next(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const id = identify(request, response);
    if (id === undefined) return;
    // Asking again while a question hangs replaces it.
    this.#hanging.get(id)?.destroy();
    this.#hanging.set(id, response);
    response.on("close", () => {
      if (this.#hanging.get(id) === response) this.#hanging.delete(id);
    });
    const refusal = this.#step({ kind: "next", id });
    if (!refusal) return;
    this.#hanging.delete(id);
    forbid(response, refusal);
  }

  async #report(
    kind: "init-error" | "exit-error",
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const id = identify(request, response);
    if (id === undefined) return;
    await readBody(request, extensionBodyBytesMax);
    const errorType = header(request, "lambda-extension-function-error-type").slice(0, 1024);
    if (errorType === "") {
      const errorMessage = "Lambda-Extension-Function-Error-Type not found";
      return forbid(response, { errorType: "Extension.MissingHeader", errorMessage });
    }
    const refusal = this.#step({ kind, id, errorType });
    if (refusal) return forbid(response, refusal);
    reply(response, 202, { status: "OK" });
  }

  async #subscribe(
    api: SubscriptionApi,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const id = identify(request, response);
    if (id === undefined) return;
    const body = await readBody(request, extensionBodyBytesMax);
    const extension = findExtension(this.#state, id);
    if (!extension) {
      const errorMessage = `Unknown extension ${id}`;
      return forbid(response, { errorType: "Extension.UnknownExtensionIdentifier", errorMessage });
    }
    const title = api === "logs" ? "Logs" : "Telemetry";
    if (this.#isInitOver) {
      const errorMessage = `${title} API subscription is closed already`;
      return forbid(response, { errorType: `${title}.SubscriptionClosed`, errorMessage });
    }
    if (!this.#supervisor) {
      // Nothing of ours is in the sandbox then that could reach its ports.
      const errorMessage = `${title} API is not supported for an internal extension without an external one beside it`;
      return reply(response, 202, { errorType: `${title}.NotSupported`, errorMessage });
    }
    const parsed = parseSubscription(api, body?.toString("utf8"), this.#endpointPort);
    if (typeof parsed === "string") {
      return reply(response, 400, { errorType: "ValidationError", errorMessage: parsed });
    }
    this.#telemetry.subscribe(extension.name, parsed);
    response.writeHead(200, { "Content-Type": "text/plain" }).end("OK");
    const record = { name: extension.name, state: "Subscribed", types: parsed.types };
    this.#publishNow(`platform.${api}Subscription`, record);
  }

  #ended(end: ProcessEnd): void {
    if (end.name === "") return this.#runtimeEnd.resolve(end);
    if (end.launchError === undefined) {
      this.#step({ kind: "exited", name: end.name, status: statusOf(end) });
      return;
    }
    this.#show({ name: end.name, state: "LaunchError", events: [], errorType: end.launchError });
    this.#step({ kind: "launch-failed", name: end.name, reason: end.launchError });
  }

  async #shutDown(reason: ShutdownReason): Promise<void> {
    const supervisor = this.#supervisor;
    if (!supervisor) return;
    const startedMs = this.#clock.monotonicMs();
    const leftMs = (): number =>
      Math.max(0, shutdownMs.all - (this.#clock.monotonicMs() - startedMs));
    const deadlineMs = this.#clock.nowMs() + shutdownMs.all;
    if (this.#isRuntimeStarted) {
      supervisor.terminate("");
      const hasInternal = this.#state.extensions.some((extension) => !extension.isExternal);
      const limitMs = hasInternal ? shutdownMs.runtimeWithInternal : shutdownMs.runtime;
      if (!(await within(this.runtimeEnded, limitMs, this.#clock))) supervisor.kill("");
    }
    await within(this.#telemetry.flush(), leftMs(), this.#clock);
    this.#event = { eventType: "SHUTDOWN", shutdownReason: reason, deadlineMs };
    this.#step({ kind: "shutdown" });
    for (const { name, events } of alive(this.#state)) {
      if (!events.includes("SHUTDOWN")) supervisor.kill(name);
    }
    await within(
      this.#until(() => alive(this.#state).length === 0),
      leftMs(),
      this.#clock,
    );
    for (const { name } of alive(this.#state)) supervisor.kill(name);
  }

  #step(event: ExtensionsEvent): ExtensionRefusal | undefined {
    const decision = decide(this.#state, event);
    if (!decision.accepted) return decision.refusal;
    const before = this.#state;
    this.#state = decision.state;
    for (const id of decision.deliver) this.#deliver(id);
    const { failure } = decision.state;
    if (failure && !before.failure) this.#broken.resolve(errorOf(failure));
    const due = this.#waiters.filter((waiter) => waiter.isDue());
    this.#waiters = this.#waiters.filter((waiter) => !due.includes(waiter));
    for (const waiter of due) waiter.resolve();
    return undefined;
  }

  #deliver(id: string): void {
    const response = this.#hanging.get(id);
    // It hung up while waiting: that event is lost to it, as it would be there.
    if (!response) return;
    this.#hanging.delete(id);
    response.setHeader("Lambda-Extension-Event-Identifier", uuid(systemRandom));
    reply(response, 200, this.#event);
  }

  /** Resolves when it holds, or when something broke outside of the end. */
  #until(holds: () => boolean): Promise<void> {
    const isDue = (): boolean =>
      holds() || (this.#state.failure !== undefined && !this.#state.isShuttingDown);
    if (isDue()) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ isDue, resolve }));
  }

  #tell(failure: ExtensionFailure): FunctionErrorBody {
    for (const { name, state, events } of this.#state.extensions) {
      if (state !== "LaunchError") this.#show({ name, state, events });
    }
    return errorOf(failure);
  }

  #show(record: Parameters<ExtensionListener["registered"]>[0]): void {
    this.#listener?.registered(record);
    this.#publishNow("platform.extension", record);
  }

  #publishNow(type: string, record: object): void {
    this.publish({ time: new Date(this.#clock.nowMs()).toISOString(), type, record });
  }
}

function statusOf(end: ProcessEnd): string | undefined {
  if (end.signal !== undefined) return `signal: ${end.signal}`;
  return end.code === 0 ? undefined : `exit status ${end.code ?? "unknown"}`;
}

/** The invoker and the pool put the request id before the message. */
function errorOf(failure: ExtensionFailure): FunctionErrorBody {
  const { errorType } = failure;
  const errorMessage = `Error: ${failure.name}: ${failure.reason}`;
  const payload = Buffer.from(JSON.stringify({ errorType, errorMessage }), "utf8");
  return { errorType, errorMessage, payload };
}

function identify(request: IncomingMessage, response: ServerResponse): string | undefined {
  const id = header(request, "lambda-extension-identifier");
  if (uuidPattern.test(id)) return id;
  request.resume();
  const isMissing = id === "";
  forbid(response, {
    errorType: `Extension.${isMissing ? "Missing" : "Invalid"}ExtensionIdentifier`,
    errorMessage: isMissing
      ? "Missing Lambda-Extension-Identifier header"
      : "Invalid Lambda-Extension-Identifier",
  });
  return undefined;
}

function parseEvents(text: string): readonly string[] | undefined {
  try {
    const value: unknown = JSON.parse(text === "" ? "{}" : text);
    if (typeof value !== "object" || value === null) return undefined;
    const events: unknown = "events" in value ? (value.events ?? []) : [];
    if (!Array.isArray(events) || events.length > 16) return undefined;
    return events.every((event) => typeof event === "string") ? events : undefined;
  } catch {
    return undefined;
  }
}

function header(request: IncomingMessage, name: string): string {
  const value = request.headers[name];
  return typeof value === "string" ? value : "";
}

function forbid(response: ServerResponse, refusal: ExtensionRefusal): void {
  const { errorMessage, errorType } = refusal;
  reply(response, 403, { errorMessage, errorType });
}
