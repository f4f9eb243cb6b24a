import { assert } from "#base/assert.ts";
import type { Logger } from "#base/context.ts";
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

  /** The worker a function lives in, as far as this one knows; the supervisor is asked if it does not. */
  async ownerOf(functionArn: string): Promise<number> {
    return this.#owners.get(functionArn) ?? this.#find(functionArn, undefined);
  }

  async invoke(invocation: Invocation): Promise<InvocationResult> {
    const { functionArn } = invocation.target.revision;
    let lostId: number | undefined;
    for (;;) {
      const owner = this.#owners.get(functionArn) ?? (await this.#find(functionArn, lostId));
      if (owner === this.#deps.id) return this.#atHome(invocation);
      const link = this.#deps.findLink(owner);
      if (link && !link.isClosed) return invokeThrough(link, invocation);
      // It died before it was asked, so nothing has run: whoever owns the function now is asked.
      invocation.context.signal.throwIfAborted();
      this.#owners.delete(functionArn);
      lostId = owner;
    }
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
