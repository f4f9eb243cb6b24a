import type { Clock } from "#base/clock.ts";
import { PlatformError } from "#base/errors.ts";
import type { Sandbox, SandboxExit } from "#functions/sandbox/sandbox.ts";
import { createChannel } from "../channel/channel.ts";
import type { Channel } from "../channel/channel.ts";
import { fields, findField, kinds, readFields } from "../channel/frames.ts";
import type { Field } from "../channel/frames.ts";
import { errorSettleMs, lastBreathMs, ports, readyTimeoutMs } from "../limits.ts";
import { linkTrees } from "../link-trees.ts";
import { collectStream, streamResponse } from "../managed-stream.ts";
import type { StreamSource } from "../managed-stream.ts";
import type { Assignment, Guest, GuestRequest, GuestResponse, InitOutcome } from "../runtimes.ts";
import { abortable, within } from "../waiting.ts";
import { createRuntimeApi } from "./server.ts";
import type { ApiAnswer, RuntimeApi } from "./server.ts";

export interface RuntimeApiGuestDeps {
  readonly clock: Clock;
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
  return new RuntimeApiGuest({ sandbox, deps, channel, api: createRuntimeApi(listener) });
}

function startFailed(why: string): PlatformError {
  return new PlatformError("sandbox.start-failed", `The guest did not start: ${why}.`);
}

interface Parts {
  readonly sandbox: Sandbox;
  readonly deps: RuntimeApiGuestDeps;
  readonly channel: Channel;
  readonly api: RuntimeApi;
}

type Ended = { readonly kind: "exit"; readonly exit: SandboxExit };

class RuntimeApiGuest implements Guest {
  readonly #sandbox: Sandbox;
  readonly #deps: RuntimeApiGuestDeps;
  readonly #channel: Channel;
  readonly #api: RuntimeApi;
  readonly #ended: Promise<Ended>;

  constructor(parts: Parts) {
    this.#sandbox = parts.sandbox;
    this.#deps = parts.deps;
    this.#channel = parts.channel;
    this.#api = parts.api;
    this.#ended = parts.sandbox.exited.then((exit) => ({ kind: "exit", exit }));
    void this.#ended.then(() => this.#api[Symbol.dispose]());
  }

  async specialise(assignment: Assignment, signal: AbortSignal): Promise<InitOutcome> {
    const { clock, emptyTree } = this.#deps;
    const startedMs = clock.monotonicMs();
    await abortable(linkTrees(this.#sandbox, assignment.trees, emptyTree), signal);
    const link = clock.monotonicMs() - startedMs;
    return abortable(this.#initialise(assignment, link), signal);
  }

  async invoke(request: GuestRequest): Promise<GuestResponse> {
    request.signal.throwIfAborted();
    const work = Promise.race([this.#api.dispatch(request), this.#settled()]);
    const answer = await abortable(work, request.signal, () => this.#api[Symbol.dispose]());
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
    // Whatever runs from here on is the customer's; the channel closed with our own program.
    const outcome = await Promise.race([
      this.#api.initialised.then((error) => ({ kind: "initialised" as const, error })),
      this.#settled(),
    ]);
    if (outcome.kind === "exit") return { ...outcome, phases: phases() };
    if (!outcome.error) return { kind: "ok", phases: phases() };
    return { kind: "error", error: outcome.error, phases: phases() };
  }

  #streamSource(
    request: GuestRequest,
    answer: Extract<ApiAnswer, { readonly kind: "stream" }>,
  ): StreamSource {
    const { parts } = answer;
    return {
      requestId: request.requestId,
      signal: request.signal,
      next: async () => {
        try {
          const bytes = await parts.next();
          if (bytes) return { kind: "bytes", bytes };
          const error = parts.error();
          return error ? { kind: "error", error } : { kind: "end" };
        } catch (error) {
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
