import type { Socket } from "node:net";
import { assert } from "#base/assert.ts";
import type { Clock } from "#base/clock.ts";
import { isPlatformError, PlatformError } from "#base/errors.ts";
import type { Sandbox, SandboxExit } from "#functions/sandbox/sandbox.ts";
import { Calls } from "./calls.ts";
import { createChannel } from "./channel/channel.ts";
import type { Channel } from "./channel/channel.ts";
import { fields, findField, FrameError, kinds, readFields } from "./channel/frames.ts";
import type { Field, Frame } from "./channel/frames.ts";
import { readError } from "./error-body.ts";
import {
  inboxMax,
  lastBreathMs,
  ports,
  readyTimeoutMs,
  rejoinTimeoutMs,
  supervisorMiB,
} from "./limits.ts";
import { endOfProcess, nameRequest } from "./extensions/errors.ts";
import { Extensions } from "./extensions/extensions.ts";
import { linkTrees } from "./link-trees.ts";
import { createRuntimeApi } from "./runtime-api/server.ts";
import type {
  Assignment,
  FunctionErrorBody,
  Guest,
  GuestRequest,
  InitOutcome,
  InvocationReceiver,
  StartPhases,
} from "./runtimes.ts";
import { abortable, within } from "./waiting.ts";

export interface ManagedGuestDeps {
  readonly clock: Clock;
  /** Loopback port inside sandboxes that `AWS_ENDPOINT_URL` names. */
  readonly endpointPort: number;
  /** An empty directory; what a function without layers sees at /opt. */
  readonly emptyTree: string;
}

/**
 * The platform's side of guest/CHANNEL.md for runtimes whose guest is ours (Node, Python).
 * Errors: `sandbox.start-failed` when the guest dies or stays silent before it is ready.
 */
export async function attachManaged(
  sandbox: Sandbox,
  deps: ManagedGuestDeps,
  signal: AbortSignal,
): Promise<Guest> {
  const guest = new ManagedGuest(sandbox, deps);
  await abortable(guest.ready(), signal);
  return guest;
}

type InitFailure =
  | { readonly kind: "error"; readonly error: FunctionErrorBody }
  | { readonly kind: "exit"; readonly exit: SandboxExit };
type Heard = { readonly frame: Frame } | { readonly exit: SandboxExit };

class ManagedGuest implements Guest {
  readonly extensions: Extensions;
  /** Of the guest's process; beside extensions a supervisor outlives it. */
  readonly #exited: Promise<SandboxExit>;
  /** Answers the running invocation when an extension broke. */
  #onBroken: ((error: FunctionErrorBody) => void) | undefined;
  readonly #sandbox: Sandbox;
  readonly #deps: ManagedGuestDeps;
  #channel: Channel;
  #calls: Calls | undefined;
  #hasBrokenProtocol = false;
  #concurrency = 1;
  /** Set while a guest that replaced itself is expected back. */
  #rejoined: PromiseWithResolvers<Socket> | undefined;

  constructor(sandbox: Sandbox, deps: ManagedGuestDeps) {
    this.#sandbox = sandbox;
    this.#deps = deps;
    this.#channel = createChannel(sandbox.channel);
    this.extensions = new Extensions(deps.clock, deps.endpointPort);
    this.#exited = Promise.race([
      sandbox.exited,
      this.extensions.runtimeEnded.then((end) => endOfProcess(end)),
    ]);
    void this.extensions.broken.then((error) => this.#onBroken?.(error));
    void sandbox.exited.then(() => this.extensions[Symbol.dispose]());
    sandbox.listeners.get(ports.rejoin)?.on("connection", (socket) => this.#onConnection(socket));
    const refuse = (socket: Socket): void => {
      if (!this.extensions.isInUse) socket.destroy();
    };
    sandbox.listeners.get(ports.runtimeApi)?.on("connection", refuse);
    // What the guest said last may still be on its way; then the channel has nothing more.
    void sandbox.exited.then(() => deps.clock.timer(lastBreathMs, () => this.#channel.close()));
  }

  async ready(): Promise<void> {
    const heard = await within(this.#hear(), readyTimeoutMs, this.#deps.clock);
    if (heard && "frame" in heard && heard.frame.kind === kinds.ready) return;
    this.#channel.close();
    throw new PlatformError("sandbox.start-failed", `The guest did not start: ${describe(heard)}.`);
  }

  async specialise(assignment: Assignment, signal: AbortSignal): Promise<InitOutcome> {
    const { clock, emptyTree } = this.#deps;
    const startedMs = clock.monotonicMs();
    this.extensions.assign(assignment);
    this.#concurrency = assignment.concurrency ?? 1;
    await abortable(linkTrees(this.#sandbox, assignment.trees, emptyTree), signal);
    const link = clock.monotonicMs() - startedMs;
    try {
      const work = this.#initialise(assignment, { link });
      return await abortable(work, signal, () => this.#channel.close());
    } finally {
      // From here on nobody comes back, and without extensions nobody has anything to say there.
      this.#sandbox.listeners.get(ports.rejoin)?.close();
      if (!this.extensions.isInUse) this.#sandbox.listeners.get(ports.runtimeApi)?.close();
    }
  }

  /** Extensions are told of one invocation at a time. */
  get inboxMax(): number {
    if (this.extensions.isInUse) return 1;
    return this.#concurrency > 1 ? this.#concurrency : inboxMax;
  }

  /** What is printed side by side cannot be told apart by how much it is. */
  get marksOutput(): boolean {
    return this.#concurrency === 1;
  }

  invoke(request: GuestRequest, receiver: InvocationReceiver): void {
    assert(this.#calls, "a guest is invoked after it has become a function");
    if (!this.extensions.isInUse) return this.#calls.invoke(request, receiver);
    this.extensions.invoke(request);
    let isAnswered = false;
    const answered: InvocationReceiver["answered"] = (response) => {
      if (!isAnswered) receiver.answered(response);
      isAnswered = true;
    };
    this.#onBroken = (error) =>
      answered({ kind: "error", error: nameRequest(error, request.requestId) });
    this.#calls.invoke(request, {
      begun: () => receiver.begun(),
      answered,
      failed: (error) => receiver.failed(error),
    });
  }

  recall(): void {
    this.#calls?.recall();
  }

  abandon(reason: Error): void {
    this.#calls?.abandon(reason);
  }

  async #initialise(assignment: Assignment, phases: StartPhases): Promise<InitOutcome> {
    let metadata = specialiseFields(assignment);
    this.#channel.send(kinds.specialise, 0, metadata);
    let isRestarted = false;
    for (;;) {
      const heard = await this.#hear();
      if ("exit" in heard) return { kind: "exit", exit: heard.exit, phases };
      const { frame } = heard;
      if (frame.kind === kinds.restart && !isRestarted) {
        isRestarted = true;
        const exit = await this.#rejoin();
        if (exit) return { kind: "exit", exit, phases };
        if (findField(readFields(frame.metadata), fields.name) !== undefined) {
          metadata = [...metadata, this.#apiField()];
          const failed = await this.#beginExtensions(assignment, metadata);
          if (failed) return { ...failed, phases };
        }
        this.#channel.send(kinds.specialise, 0, [...metadata, [fields.restarted, "1"]]);
        continue;
      }
      const found = readFields(frame.metadata);
      const all = { ...phases, ...readPhases(found) };
      if (frame.kind === kinds.initialised) {
        const failed = await this.#readyBeside();
        if (failed) return { ...failed, phases: all };
        this.#takeCalls();
        return { kind: "ok", phases: all };
      }
      if (frame.kind !== kinds.initError) throw this.#cut(`frame ${frame.kind} during init`);
      await this.#lastBreath(frame);
      return { kind: "error", error: readError(found, frame), phases: all };
    }
  }

  /** Waits for the guest's second life; answers with the exit if there was none. */
  async #rejoin(): Promise<SandboxExit | undefined> {
    // A guest that inherited its channel (Python) says READY on it; one that lost it connects.
    this.#rejoined = Promise.withResolvers<Socket>();
    const back = this.#hear(this.#rejoined.promise);
    const heard = await within(back, rejoinTimeoutMs, this.#deps.clock);
    this.#rejoined = undefined;
    if (heard && "exit" in heard) return heard.exit;
    if (heard?.frame.kind === kinds.ready) return undefined;
    throw this.#cut("the guest restarted and did not come back");
  }

  /**
   * The guest has been replaced by a supervisor. It starts the extensions, and when all have registered a
   * second life of the guest, which connects as one that restarted does.
   */
  async #beginExtensions(
    assignment: Assignment,
    metadata: readonly Field[],
  ): Promise<InitFailure | undefined> {
    const listener = this.#sandbox.listeners.get(ports.runtimeApi);
    if (!listener) throw this.#cut("the sandbox gave no port for extensions");
    createRuntimeApi(listener, this.extensions);
    await this.#sandbox.configure({ memoryMiB: assignment.memoryMiB + supervisorMiB });
    this.#channel.send(kinds.specialise, 0, metadata);
    const heard = await this.#hear();
    if ("exit" in heard) return { kind: "exit", exit: heard.exit };
    if (heard.frame.kind !== kinds.extensions) throw this.#cut("a supervisor named no extensions");
    const found = readFields(heard.frame.metadata);
    const names = found.flatMap(([id, text]) => (id === fields.name ? [text] : []));
    const joined = Promise.withResolvers<Socket>();
    this.#rejoined = joined;
    const begun = this.extensions.begin(names, this.#channel);
    const broken = await Promise.race([begun, this.#exit()]);
    if (broken) return "errorType" in broken ? { kind: "error", error: broken } : broken;
    const back = within(joined.promise, rejoinTimeoutMs, this.#deps.clock);
    const socket = await Promise.race([back, this.#exit()]);
    if (socket && "exit" in socket) return socket;
    if (!socket) throw this.#cut("the guest did not start beside its extensions");
    this.#channel = createChannel(socket);
    const first = await this.#hear();
    if ("exit" in first) return { kind: "exit", exit: first.exit };
    if (first.frame.kind !== kinds.ready) throw this.#cut("the guest was not ready");
    return undefined;
  }

  /** Where loopback is the host's, the port is another one than asked for. */
  #apiField(): Field {
    const address = this.#sandbox.listeners.get(ports.runtimeApi)?.address();
    const port = typeof address === "object" ? address?.port : undefined;
    return [fields.variable, `AWS_LAMBDA_RUNTIME_API=127.0.0.1:${port ?? ports.runtimeApi}`];
  }

  /** Extensions have their part of init too. */
  async #readyBeside(): Promise<InitFailure | undefined> {
    this.extensions.runtimeReady();
    const broken = await Promise.race([this.extensions.ready(), this.#exit()]);
    if (!broken) return undefined;
    return "errorType" in broken ? { kind: "error", error: broken } : broken;
  }

  async #exit(): Promise<{ readonly kind: "exit"; readonly exit: SandboxExit }> {
    return { kind: "exit", exit: await this.#exited };
  }

  /** From here on the channel carries invocations and nothing else. */
  #takeCalls(): void {
    const { clock } = this.#deps;
    this.#calls = new Calls({
      sandbox: { exited: this.#exited },
      channel: this.#channel,
      clock,
      concurrency: this.#concurrency,
    });
    this.#channel.pass(this.#calls);
  }

  /**
   * The next frame, or how the sandbox ended. `replacement` is a connection that takes the channel's
   * place when the guest closes it. Errors: `channel.broken` when a guest that still runs hung up or
   * broke the protocol.
   */
  async #hear(replacement?: Promise<Socket>): Promise<Heard> {
    try {
      return { frame: await this.#channel.next() };
    } catch (error) {
      if (!isPlatformError(error, "channel.broken")) throw error;
      if (error.cause instanceof FrameError && !this.#hasBrokenProtocol) {
        this.#hasBrokenProtocol = true; // told once; afterwards there is only the end to tell
        throw error;
      }
      const ended = this.#exited.then((exit) => ({ exit }));
      const joined = replacement?.then((socket) => {
        this.#channel = createChannel(socket);
        return this.#hear();
      });
      if (joined) return Promise.race([ended, joined]);
      const heard = await within(ended, lastBreathMs, this.#deps.clock);
      if (heard) return heard;
      throw error;
    }
  }

  /** Only who is expected is let in; what customers open here by themselves is closed. */
  #onConnection(socket: Socket): void {
    socket.on("error", () => undefined);
    if (!this.#rejoined) return void socket.destroy();
    socket.setNoDelay(true);
    this.#rejoined.resolve(socket);
    this.#rejoined = undefined;
  }

  /** A guest that answered and is about to end must not be taken for one that can be used again. */
  async #lastBreath(frame: Frame): Promise<void> {
    if (frame.isLast) await within(this.#exited, lastBreathMs, this.#deps.clock);
  }

  #cut(why: string): PlatformError {
    this.#channel.close();
    return new PlatformError("channel.broken", `A guest broke the protocol: ${why}.`);
  }
}

function describe(heard: Heard | undefined): string {
  if (!heard) return `silent for ${readyTimeoutMs} ms`;
  if ("frame" in heard) return `it said ${heard.frame.kind} instead of ready`;
  return `it ended with ${heard.exit.signal ?? heard.exit.code ?? heard.exit.cause}`;
}

/** What SPECIALISE says of a function. */
export function specialiseFields(assignment: Assignment): readonly Field[] {
  return [
    [fields.handler, assignment.handler],
    [fields.memoryMiB, String(assignment.memoryMiB)],
    [fields.timeoutMs, String(assignment.timeoutMs)],
    ...(assignment.concurrency === undefined
      ? []
      : [[fields.concurrency, String(assignment.concurrency)] satisfies Field]),
    ...(assignment.trees["cache"] === undefined
      ? []
      : [[fields.compileCache, "use"] satisfies Field]),
    ...Object.entries(assignment.environment).map(([name, value]): Field => [
      fields.variable,
      `${name}=${value}`,
    ]),
  ];
}

function readPhases(found: readonly Field[]): StartPhases {
  const phases: Record<string, number> = {};
  for (const [id, text] of found) {
    if (id !== fields.phase) continue;
    const [name = "", value = ""] = text.split("=", 2);
    const ms = Number(value);
    if (/^[a-z]{1,32}$/.test(name) && Number.isFinite(ms)) phases[name] = ms;
  }
  return phases;
}
