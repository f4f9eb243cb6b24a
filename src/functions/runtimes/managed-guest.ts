import type { Socket } from "node:net";
import { assert } from "#base/assert.ts";
import type { Clock } from "#base/clock.ts";
import { isPlatformError, PlatformError } from "#base/errors.ts";
import type { Sandbox, SandboxExit } from "#functions/sandbox/sandbox.ts";
import { Calls } from "./calls.ts";
import { createChannel } from "./channel/channel.ts";
import type { Channel } from "./channel/channel.ts";
import { fields, FrameError, kinds, readFields } from "./channel/frames.ts";
import type { Field, Frame } from "./channel/frames.ts";
import { readError } from "./error-body.ts";
import { inboxMax, lastBreathMs, ports, readyTimeoutMs, rejoinTimeoutMs } from "./limits.ts";
import { linkTrees } from "./link-trees.ts";
import type {
  Assignment,
  Guest,
  GuestRequest,
  InitOutcome,
  InvocationReceiver,
  StartPhases,
} from "./runtimes.ts";
import { abortable, within } from "./waiting.ts";

export interface ManagedGuestDeps {
  readonly clock: Clock;
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

type Heard = { readonly frame: Frame } | { readonly exit: SandboxExit };

class ManagedGuest implements Guest {
  readonly inboxMax = inboxMax;
  readonly marksOutput = true;
  readonly #sandbox: Sandbox;
  readonly #deps: ManagedGuestDeps;
  #channel: Channel;
  #calls: Calls | undefined;
  #hasBrokenProtocol = false;
  /** Set while a guest that replaced itself is expected back. */
  #rejoined: PromiseWithResolvers<Socket> | undefined;

  constructor(sandbox: Sandbox, deps: ManagedGuestDeps) {
    this.#sandbox = sandbox;
    this.#deps = deps;
    this.#channel = createChannel(sandbox.channel);
    sandbox.listeners.get(ports.rejoin)?.on("connection", (socket) => this.#onConnection(socket));
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
    await abortable(linkTrees(this.#sandbox, assignment.trees, emptyTree), signal);
    const link = clock.monotonicMs() - startedMs;
    try {
      const work = this.#initialise(assignment, { link });
      return await abortable(work, signal, () => this.#channel.close());
    } finally {
      // From here on nobody comes back.
      this.#sandbox.listeners.get(ports.rejoin)?.close();
    }
  }

  invoke(request: GuestRequest, receiver: InvocationReceiver): void {
    assert(this.#calls, "a guest is invoked after it has become a function");
    this.#calls.invoke(request, receiver);
  }

  recall(): void {
    this.#calls?.recall();
  }

  abandon(reason: Error): void {
    this.#calls?.abandon(reason);
  }

  async #initialise(assignment: Assignment, phases: StartPhases): Promise<InitOutcome> {
    const metadata = specialiseFields(assignment);
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
        this.#channel.send(kinds.specialise, 0, [...metadata, [fields.restarted, "1"]]);
        continue;
      }
      const found = readFields(frame.metadata);
      const all = { ...phases, ...readPhases(found) };
      if (frame.kind === kinds.initialised) {
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

  /** From here on the channel carries invocations and nothing else. */
  #takeCalls(): void {
    const { clock } = this.#deps;
    this.#calls = new Calls({
      sandbox: this.#sandbox,
      channel: this.#channel,
      clock,
      concurrency: 1,
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
      const ended = this.#sandbox.exited.then((exit) => ({ exit }));
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
    if (frame.isLast) await within(this.#sandbox.exited, lastBreathMs, this.#deps.clock);
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

function specialiseFields(assignment: Assignment): readonly Field[] {
  return [
    [fields.handler, assignment.handler],
    [fields.memoryMiB, String(assignment.memoryMiB)],
    [fields.timeoutMs, String(assignment.timeoutMs)],
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
