import { createHash } from "node:crypto";
import type { Clock } from "#base/clock.ts";
import type { Logger } from "#base/context.ts";
import type { Packages } from "#functions/packages/packages.ts";
import type { Revision } from "#functions/registry/registry.ts";
import type { Runtime } from "#functions/runtimes/runtimes.ts";
import type { SandboxDriver } from "#functions/sandbox/sandbox.ts";
import { compilePauseMs, compilesWaitingMax, proxyPort } from "./limits.ts";
import type { Credentials, GuestEndpoint } from "./pool.ts";
import { unpackTrees } from "./trees.ts";
import { functionVariables } from "./variables.ts";

export interface CompileCachesDeps {
  readonly driver: SandboxDriver;
  readonly runtimes: ReadonlyMap<string, Runtime>;
  readonly packages: Packages;
  readonly guestEndpoint: Pick<GuestEndpoint, "port">;
  readonly clock: Clock;
  readonly log: Logger;
  /** The pool stops. */
  readonly signal: AbortSignal;
  /** MiB that nothing has reserved. */
  readonly freeMiB: () => number;
  /** What is reserved here has changed. */
  readonly changed: () => void;
}

/**
 * Compile caches of functions: made once per function, code and settings, in a sandbox that loads this very
 * function and reaches nothing, and given read-only to its later environments. It is written by the function's
 * own process and may be any byte code, so nobody else is ever given it, and it is made where no event has been.
 * One at a time, and nobody waits for it: a start without one is slower, nothing else.
 */
export class CompileCaches {
  readonly #deps: CompileCachesDeps;
  readonly #keys = new WeakMap<Revision, string>();
  /** Made or tried here, the oldest first: one that could not be made is not tried for each start. */
  readonly #tried = new Set<string>();
  readonly #waiting: Revision[] = [];
  #work: Promise<void> | undefined;
  #reservedMiB = 0;

  constructor(deps: CompileCachesDeps) {
    this.#deps = deps;
  }

  /** Of the sandbox in which one is being made. */
  get reservedMiB(): number {
    return this.#reservedMiB;
  }

  /** The tree a start of this revision is given, if there is one. */
  find(revision: Revision): string | undefined {
    const key = this.#keyOf(revision);
    return key === undefined
      ? undefined
      : this.#deps.packages.caches.find(revision.codeSha256, key);
  }

  /** Makes one in a while, unless it is there, was tried, or is not worth it. */
  begin(revision: Revision): void {
    const key = this.#keyOf(revision);
    if (key === undefined || this.#tried.has(key) || this.#deps.signal.aborted) return;
    if (this.#waiting.length >= compilesWaitingMax) return;
    this.#tried.add(key);
    if (this.#tried.size > compilesWaitingMax) {
      for (const oldest of this.#tried) return void this.#tried.delete(oldest);
    }
    this.#waiting.push(revision);
    this.#work ??= this.#makeAll().finally(() => (this.#work = undefined));
  }

  /** An environment ended while it loaded with this cache: the next one does without, and so do all others. */
  async discard(revision: Revision): Promise<void> {
    const key = this.#keyOf(revision);
    if (key === undefined) return;
    this.#tried.add(key);
    await this.#deps.packages.caches.drop(revision.codeSha256, key);
  }

  /** Resolves when nothing is being made; after an abort soon. */
  async settled(): Promise<void> {
    await this.#work;
  }

  /** All that makes two functions, or two processes of one, compile or trust differently. */
  #keyOf(revision: Revision): string | undefined {
    const known = this.#keys.get(revision);
    if (known !== undefined) return known;
    const { compiler } = this.#deps.runtimes.get(revision.runtime) ?? {};
    const identity = compiler?.identity(revision.environment);
    if (identity === undefined || this.#deps.driver.isolation === "none") return undefined;
    const { accountId, functionArn, codeSha256, handler, memoryMiB, capacity, egress } = revision;
    const layers = revision.layers.map((layer) => layer.codeSha256);
    const variables = Object.entries(revision.environment).toSorted(([a], [b]) => (a < b ? -1 : 1));
    const whose = [accountId, functionArn, codeSha256, layers, identity];
    const how = [handler, memoryMiB, capacity?.concurrency ?? 1, egress, variables];
    const text = JSON.stringify([...whose, ...how]);
    const key = createHash("sha256").update(text).digest("hex");
    this.#keys.set(revision, key);
    return key;
  }

  async #makeAll(): Promise<void> {
    const { clock, log, signal } = this.#deps;
    for (let revision = this.#waiting.shift(); revision; revision = this.#waiting.shift()) {
      try {
        // Whoever deploys a function often calls it at once, and shall have the processors.
        await clock.sleep(compilePauseMs, signal);
        await this.#make(revision);
      } catch (error) {
        if (signal.aborted) return;
        log.event("compile-cache.failed", { level: "debug", function: revision.name, error });
      }
    }
  }

  async #make(revision: Revision): Promise<void> {
    const { runtimes, packages, clock, log, changed, freeMiB } = this.#deps;
    const key = this.#keyOf(revision);
    const runtime = runtimes.get(revision.runtime);
    if (key === undefined || !runtime?.compiler || this.find(revision) !== undefined) return;
    const trees = await unpackTrees(packages, revision);
    if (!(await runtime.compiler.isWorthIt(trees["task"] ?? ""))) return;
    if (revision.memoryMiB > freeMiB()) return void this.#tried.delete(key);
    this.#reservedMiB = revision.memoryMiB;
    const startedMs = clock.monotonicMs();
    try {
      const files = await this.#compile(revision, runtime, trees);
      if (files.size === 0) return;
      await packages.caches.keep(revision.codeSha256, key, files);
      const durationMs = clock.monotonicMs() - startedMs;
      log.event("compile-cache.made", { function: revision.name, files: files.size, durationMs });
    } finally {
      this.#reservedMiB = 0;
      changed();
    }
  }

  async #compile(
    revision: Revision,
    runtime: Runtime,
    trees: Readonly<Record<string, string>>,
  ): Promise<ReadonlyMap<string, Uint8Array>> {
    const { driver, signal, packages } = this.#deps;
    const { memoryMiB, scratchMiB, timeoutMs, handler, accountId, capacity } = revision;
    if (!runtime.compiler) return new Map();
    await using held = new AsyncDisposableStack();
    for (const path of Object.values(trees)) held.use(await packages.hold(path));
    const spec = await runtime.sandboxSpec({ memoryMiB, scratchMiB });
    const sandbox = held.use(await driver.create(spec, signal));
    const onAbort = (): void => void sandbox[Symbol.asyncDispose]();
    signal.addEventListener("abort", onAbort, { once: true });
    held.defer(() => signal.removeEventListener("abort", onAbort));
    return await runtime.compiler.compile(sandbox, {
      accountId,
      handler,
      memoryMiB,
      timeoutMs,
      ...(capacity && { concurrency: capacity.concurrency }),
      environment: functionVariables(revision, noCredentials, {
        logStream: "",
        initializationType: "on-demand",
        endpointPort: this.#deps.guestEndpoint.port,
        proxyPort,
      }),
      trees,
    });
  }
}

/** Of the right form, and nobody's: nothing in there reaches anyone who would look at them. */
const noCredentials: Credentials = {
  accessKeyId: "ASIAXXXXXXXXXXXXXXXX",
  secretAccessKey: "none",
  sessionToken: "none",
  expiresAtMs: 0,
};
