import { assert } from "#base/assert.ts";
import type { Logger } from "#base/context.ts";
import { PlatformError } from "#base/errors.ts";
import type { Invocation, InvocationResult, Placement } from "#functions/invoker/invoker.ts";
import type { FunctionResolver } from "#functions/registry/registry.ts";
import { answerInvocation, invokeThrough } from "../invocations/invocations.ts";
import { placesRememberedMax } from "../limits.ts";
import type { IncomingCall, Link } from "../link/link.ts";

export interface WorkerPlacementDeps {
  /** Of this worker. */
  readonly id: number;
  readonly findLink: (id: number) => Link | undefined;
  /** Asks the primary; `lostId` could not be reached. Errors: `server.stopping`, `worker.lost`. */
  readonly askOwner: (functionArn: string, lostId: number | undefined) => Promise<number>;
  readonly resolver: FunctionResolver;
  readonly log: Logger;
}

/**
 * Every function lives in one worker, its owner: all its environments, its reserved concurrency and
 * its waiting line are there. The primary names the owner once; it stays until it dies.
 */
export class WorkerPlacement implements Placement {
  readonly #deps: WorkerPlacementDeps;
  readonly #owners = new Map<string, number>();
  readonly #asking = new Map<string, Promise<number>>();
  #here: ((invocation: Invocation) => Promise<InvocationResult>) | undefined;

  constructor(deps: WorkerPlacementDeps) {
    this.#deps = deps;
  }

  serve(here: (invocation: Invocation) => Promise<InvocationResult>): void {
    this.#here = here;
  }

  /**
   * The worker a function lives in; it is alive as far as this one knows. Rejects when `signal` aborts while
   * the last one's remains are waited for.
   */
  async ownerOf(functionArn: string, signal?: AbortSignal): Promise<number> {
    let lostId: number | undefined;
    for (;;) {
      const owner = this.#owners.get(functionArn) ?? (await this.#find(functionArn, lostId));
      if (owner === this.#deps.id || this.#deps.findLink(owner)?.isClosed === false) return owner;
      signal?.throwIfAborted();
      this.#owners.delete(functionArn);
      lostId = owner;
    }
  }

  async invoke(invocation: Invocation): Promise<InvocationResult> {
    const { functionArn } = invocation.target.revision;
    if (this.#owners.get(functionArn) === this.#deps.id) return this.#atHome(invocation);
    const owner = await this.ownerOf(functionArn, invocation.context.signal);
    if (owner === this.#deps.id) return this.#atHome(invocation);
    const link = this.#deps.findLink(owner);
    if (!link) throw new PlatformError("worker.lost", `worker ${owner} has just ended: try again`);
    return invokeThrough(link, invocation);
  }

  /** Runs here what another worker was asked for; this worker owns the function. Never rejects. */
  answer(call: IncomingCall): Promise<void> {
    const { resolver, log } = this.#deps;
    return answerInvocation({ resolver, log, here: (one) => this.#atHome(one) }, call);
  }

  #atHome(invocation: Invocation): Promise<InvocationResult> {
    assert(this.#here, "an invoker has said how it runs an invocation");
    return this.#here(invocation);
  }

  /** One question for everybody who waits for the answer. */
  #find(functionArn: string, lostId: number | undefined): Promise<number> {
    const running = this.#asking.get(functionArn);
    if (running) return running;
    const asking = this.#ask(functionArn, lostId).finally(() => this.#asking.delete(functionArn));
    this.#asking.set(functionArn, asking);
    return asking;
  }

  async #ask(functionArn: string, lostId: number | undefined): Promise<number> {
    const owner = await this.#deps.askOwner(functionArn, lostId);
    if (this.#owners.size >= placesRememberedMax) this.#owners.clear();
    this.#owners.set(functionArn, owner);
    return owner;
  }
}
