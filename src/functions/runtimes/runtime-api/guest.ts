import type { Clock } from "#base/clock.ts";
import { PlatformError } from "#base/errors.ts";
import type { Sandbox, SandboxExit } from "#functions/sandbox/sandbox.ts";
import { createChannel } from "../channel/channel.ts";
import type { Channel } from "../channel/channel.ts";
import { fields, findField, kinds, readFields } from "../channel/frames.ts";
import type { Field, Frame } from "../channel/frames.ts";
import { errorSettleMs, lastBreathMs, ports, readyTimeoutMs, supervisorMiB } from "../limits.ts";
import { endOfProcess, nameRequest } from "../extensions/errors.ts";
import { Extensions } from "../extensions/extensions.ts";
import { Latch } from "../latch.ts";
import { linkTrees } from "../link-trees.ts";
import { collectStream, streamResponse } from "../managed-stream.ts";
import type { StreamSource } from "../managed-stream.ts";
import type {
  Assignment,
  FunctionErrorBody,
  Guest,
  GuestRequest,
  GuestResponse,
  InitOutcome,
  InvocationReceiver,
} from "../runtimes.ts";
import { abortable, within } from "../waiting.ts";
import { createRuntimeApi } from "./server.ts";
import type { ApiAnswer, RuntimeApi } from "./server.ts";

export interface RuntimeApiGuestDeps {
  readonly clock: Clock;
  /** Loopback port inside sandboxes that `AWS_ENDPOINT_URL` names. */
  readonly endpointPort: number;
  /** An empty directory; what a function without layers sees at /opt. */
  readonly emptyTree: string;
}

/**
 * The platform's side of a guest that replaces itself by a program speaking the Lambda Runtime API:
 * custom runtimes, and languages whose client AWS publishes (Java). Errors: `sandbox.start-failed`
 * when the boot program dies or stays silent before it is ready.
 */
export async function attachRuntimeApi(
  sandbox: Sandbox,
  deps: RuntimeApiGuestDeps,
  signal: AbortSignal,
): Promise<Guest> {
  const listener = sandbox.listeners.get(ports.runtimeApi);
  if (!listener) throw startFailed("its Runtime API listener is missing");
  const channel = createChannel(sandbox.channel);
  const work = within(channel.next(), readyTimeoutMs, deps.clock);
  const frame = await abortable(work, signal).catch((error: unknown) => {
    if (signal.aborted) throw error;
    throw startFailed("it ended before it was ready");
  });
  if (frame?.kind !== kinds.ready) throw startFailed("it did not say that it was ready");
  const extensions = new Extensions(deps.clock, deps.endpointPort);
  const api = createRuntimeApi(listener, extensions);
  return new RuntimeApiGuest({ sandbox, deps, channel, api, extensions });
}

function startFailed(why: string): PlatformError {
  return new PlatformError("sandbox.start-failed", `The guest did not start: ${why}.`);
}

interface Parts {
  readonly sandbox: Sandbox;
  readonly deps: RuntimeApiGuestDeps;
  readonly channel: Channel;
  readonly api: RuntimeApi;
  readonly extensions: Extensions;
}

type Failed = { readonly kind: "error"; readonly error: FunctionErrorBody };
type Broken = { readonly kind: "broken"; readonly error: FunctionErrorBody };
type Abandoned = { readonly kind: "abandoned"; readonly reason: Error };
type Ended = { readonly kind: "exit"; readonly exit: SandboxExit };

class RuntimeApiGuest implements Guest {
  /** The Runtime API hands out one invocation at a time. */
  readonly inboxMax = 1;
  readonly marksOutput = false;
  readonly #sandbox: Sandbox;
  readonly #deps: RuntimeApiGuestDeps;
  readonly #channel: Channel;
  readonly #api: RuntimeApi;
  readonly extensions: Extensions;
  readonly #ended: Promise<Ended>;
  /** What ends an invocation from outside: the runtime's or the sandbox's end, a broken extension. */
  readonly #interrupted = new Latch<Ended | Broken>();
  readonly #abandoned = new Latch<Abandoned>();
  readonly #onAbandon = new Set<(reason: Error) => void>();

  constructor(parts: Parts) {
    this.#sandbox = parts.sandbox;
    this.#deps = parts.deps;
    this.#channel = parts.channel;
    this.#api = parts.api;
    this.extensions = parts.extensions;
    const gone = parts.sandbox.exited.then((exit): Ended => ({ kind: "exit", exit }));
    void gone.then(() => this.#api[Symbol.dispose]());
    void gone.then(() => this.extensions[Symbol.dispose]());
    this.#ended = Promise.race([
      gone,
      this.extensions.runtimeEnded.then((end): Ended => ({
        kind: "exit",
        exit: endOfProcess(end),
      })),
    ]);
    void this.#settled().then((end) => this.#interrupted.set(end));
    void this.extensions.broken.then((error) => this.#interrupted.set({ kind: "broken", error }));
  }

  async specialise(assignment: Assignment, signal: AbortSignal): Promise<InitOutcome> {
    const { clock, emptyTree } = this.#deps;
    const startedMs = clock.monotonicMs();
    this.extensions.assign(assignment);
    await abortable(linkTrees(this.#sandbox, assignment.trees, emptyTree), signal);
    const link = clock.monotonicMs() - startedMs;
    return abortable(this.#initialise(assignment, link), signal);
  }

  invoke(request: GuestRequest, receiver: InvocationReceiver): void {
    receiver.begun();
    this.#dispatch(request).then(
      (response) => receiver.answered(response),
      (error: unknown) => receiver.failed(error),
    );
  }

  /** Nothing waits behind the one invocation. */
  recall(): void {}

  abandon(reason: Error): void {
    this.#abandoned.set({ kind: "abandoned", reason });
    for (const tell of this.#onAbandon) tell(reason);
    this.#api[Symbol.dispose]();
  }

  async #dispatch(request: GuestRequest): Promise<GuestResponse> {
    this.#onAbandon.clear();
    this.extensions.invoke(request);
    const work = this.#interrupted.race(this.#api.dispatch(request));
    const answer = await this.#abandoned.race(work);
    if (answer.kind === "abandoned") throw answer.reason;
    if (answer.kind === "broken") {
      return { kind: "error", error: nameRequest(answer.error, request.requestId) };
    }
    if (answer.kind === "error") {
      // Many runtimes report a crash and then end; such a one must not be taken for usable.
      await within(Promise.race([this.#api.asked(), this.#ended]), errorSettleMs, this.#deps.clock);
    }
    if (answer.kind !== "stream") return answer;
    const source = this.#streamSource(request, answer);
    if (!request.streaming) return collectStream(source);
    return streamResponse(source, answer.contentType);
  }

  async #initialise(assignment: Assignment, link: number): Promise<InitOutcome> {
    const { clock } = this.#deps;
    const startedMs = clock.monotonicMs();
    const phases = (): Record<string, number> => ({
      link,
      bootstrap: clock.monotonicMs() - startedMs,
    });
    const variables = Object.entries(assignment.environment);
    const metadata = variables.map(([name, value]): Field => [fields.variable, `${name}=${value}`]);
    this.#channel.send(kinds.specialise, 0, metadata);
    const frame = await Promise.race([this.#channel.next(), this.#settled()]);
    if (frame.kind === "exit") return { ...frame, phases: phases() };
    if (frame.kind === kinds.initError) {
      const found = readFields(frame.metadata);
      await within(this.#ended, lastBreathMs, clock);
      const error = {
        errorType: findField(found, fields.errorType) ?? "",
        errorMessage: findField(found, fields.errorMessage) ?? "",
        payload: frame.body,
      };
      return { kind: "error", error, phases: phases() };
    }
    if (frame.kind === kinds.extensions) {
      const begun = await this.#beginExtensions(frame, assignment);
      if (begun) return { ...begun, phases: phases() };
    }
    // Whatever runs from here on is the customer's; where there are no extensions, the channel closed.
    const outcome = await Promise.race([
      this.#api.initialised.then(failed),
      this.extensions.broken.then(failed),
      this.#settled(),
    ]);
    if (outcome) return { ...outcome, phases: phases() };
    const beside = await Promise.race([this.extensions.ready().then(failed), this.#settled()]);
    return beside ? { ...beside, phases: phases() } : { kind: "ok", phases: phases() };
  }

  /** The boot program stays as supervisor; extensions come first, then it is told to start the runtime. */
  async #beginExtensions(
    frame: Frame,
    assignment: Assignment,
  ): Promise<Failed | Ended | undefined> {
    const memoryMiB = assignment.memoryMiB + supervisorMiB;
    await this.#sandbox.configure({ memoryMiB });
    const found = readFields(frame.metadata);
    const names = found.flatMap(([id, text]) => (id === fields.name ? [text] : []));
    const begun = this.extensions.begin(names, this.#channel);
    return Promise.race([begun.then(failed), this.#settled()]);
  }

  #streamSource(
    request: GuestRequest,
    answer: Extract<ApiAnswer, { readonly kind: "stream" }>,
  ): StreamSource {
    const { parts } = answer;
    return {
      requestId: request.requestId,
      onAbandon: (tell) => void this.#onAbandon.add(tell),
      next: async () => {
        try {
          const bytes = await this.#abandoned.race(parts.next());
          if (bytes && "kind" in bytes) throw bytes.reason;
          if (bytes) return { kind: "bytes", bytes };
          const error = parts.error();
          return error ? { kind: "error", error } : { kind: "end" };
        } catch (error) {
          if (this.#abandoned.value?.reason === error) throw error;
          const ended = await within(this.#ended, lastBreathMs, this.#deps.clock);
          if (ended) return ended;
          throw new PlatformError("channel.broken", "A runtime broke off its response.", {
            cause: error,
          });
        }
      },
      abandon: () => {
        parts.abandon();
        this.#api[Symbol.dispose]();
      },
    };
  }

  /** The end of the sandbox, once what it said before has been read. */
  async #settled(): Promise<Ended> {
    const ended = await this.#ended;
    await new Promise((resolve) => setImmediate(resolve));
    return ended;
  }
}

function failed(error: FunctionErrorBody | undefined): Failed | undefined {
  return error && { kind: "error", error };
}
