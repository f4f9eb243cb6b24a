import type { Clock } from "#base/clock.ts";
import type { Logger } from "#base/context.ts";
import { ignore } from "#base/ignore.ts";
import type { Runtime } from "#functions/runtimes/runtimes.ts";
import type { SandboxDriver } from "#functions/sandbox/sandbox.ts";
import { boot, type Booted } from "./booted.ts";
import {
  genericFailuresMax,
  genericMemoryMiB,
  genericScratchMiB,
  kindInUseMs,
  refillPauseMs,
} from "./limits.ts";

interface Kind {
  readonly runtime: Runtime;
  /** Named by the operator: always in use. */
  preferred: boolean;
  usedAtMs: number;
  failures: number;
  readonly sandboxes: Generic[];
}

interface Generic {
  /** `undefined` when it could not be booted. */
  readonly booted: Promise<Booted | undefined>;
  /** `planned` ones have not begun: nothing is lost by giving one up. */
  state: "planned" | "booting" | "ready" | "given-up";
}

/** Sandboxes that have booted and belong to nobody yet, by runtime kind. */
export class GenericSandboxes implements AsyncDisposable {
  readonly #deps: { readonly driver: SandboxDriver; readonly clock: Clock; readonly log: Logger };
  readonly #signal: AbortSignal;
  readonly #changed: () => void;
  readonly #kinds = new Map<string, Kind>();
  readonly #ending = new Set<Promise<void>>();

  constructor(
    deps: { readonly driver: SandboxDriver; readonly clock: Clock; readonly log: Logger },
    signal: AbortSignal,
    changed: () => void,
  ) {
    this.#deps = deps;
    this.#signal = signal;
    this.#changed = changed;
  }

  /** Those with these identifiers are always in use; an identifier that is none is told in the log. */
  preferAll(runtimes: ReadonlyMap<string, Runtime>, identifiers: readonly string[]): void {
    for (const identifier of identifiers) {
      const runtime = runtimes.get(identifier);
      if (runtime) this.#kind(runtime).preferred = true;
      else this.#deps.log.event("pool.preboot-unknown", { level: "warn", runtime: identifier });
    }
  }

  /** Somebody needs this kind: it is worth keeping some, and worth trying again if booting failed. */
  use(runtime: Runtime): void {
    const kind = this.#kind(runtime);
    kind.usedAtMs = this.#deps.clock.monotonicMs();
    kind.failures = 0;
  }

  kindsInUse(): readonly string[] {
    const now = this.#deps.clock.monotonicMs();
    return [...this.#kinds]
      .filter(([, kind]) => kind.preferred || now - kind.usedAtMs < kindInUseMs)
      .filter(([, kind]) => kind.failures < genericFailuresMax)
      .map(([name]) => name);
  }

  supply(): readonly { readonly kind: string; readonly ready: number; readonly booting: number }[] {
    return [...this.#kinds].map(([kind, { sandboxes }]) => {
      const ready = sandboxes.filter((one) => one.state === "ready").length;
      return { kind, ready, booting: sandboxes.length - ready };
    });
  }

  counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.supply().map((row) => [row.kind, row.ready]));
  }

  reservedMiB(): number {
    const alive = [...this.#kinds.values()].reduce((sum, kind) => sum + kind.sandboxes.length, 0);
    return (alive + this.#ending.size) * genericMemoryMiB;
  }

  /**
   * Boots one after a moment: it is wanted because another was taken, and what that one was taken for
   * runs now and shall have the processors.
   */
  bootOne(name: string): void {
    const kind = this.#kinds.get(name);
    if (!kind || this.#signal.aborted) return;
    const generic: Generic = { state: "planned", booted: this.#boot(kind, () => generic) };
    kind.sandboxes.push(generic);
  }

  /**
   * Sets one aside, ready ones first, and gives a way to it: the first call answers with the sandbox
   * (`undefined` if it died), later calls with nothing. One that has not begun to boot is given up and
   * not given: whoever needs it is served sooner by a sandbox made for them.
   */
  take(name: string): (() => Promise<Booted | undefined>) | undefined {
    const sandboxes = this.#kinds.get(name)?.sandboxes;
    const chosen = sandboxes?.find((one) => one.state === "ready") ?? sandboxes?.[0];
    if (!sandboxes || !chosen) return undefined;
    sandboxes.splice(sandboxes.indexOf(chosen), 1);
    if (chosen.state === "planned") {
      chosen.state = "given-up";
      return undefined;
    }
    let given = false;
    return () => {
      if (given) return Promise.resolve(undefined);
      given = true;
      return chosen.booted;
    };
  }

  /** Ends one, ready or not; resolves when it is gone. */
  async endOne(name: string): Promise<void> {
    const taken = this.take(name);
    if (!taken) return;
    const ending = taken()
      .then((booted) => booted?.sandbox[Symbol.asyncDispose]())
      .finally(() => {
        this.#ending.delete(ending);
        this.#changed();
      });
    this.#ending.add(ending);
    await ending;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ends: Promise<void>[] = [];
    for (const [name, kind] of this.#kinds)
      for (let left = kind.sandboxes.length; left > 0; left--) ends.push(this.endOne(name));
    await Promise.allSettled([...ends, ...this.#ending]);
  }

  #kind(runtime: Runtime): Kind {
    const known = this.#kinds.get(runtime.kind);
    if (known) return known;
    const made = { runtime, preferred: false, usedAtMs: -Infinity, failures: 0, sandboxes: [] };
    this.#kinds.set(runtime.kind, made);
    return made;
  }

  async #boot(kind: Kind, self: () => Generic): Promise<Booted | undefined> {
    try {
      await this.#deps.clock.sleep(refillPauseMs, this.#signal);
      if (self().state === "given-up") return undefined;
      self().state = "booting";
      const booted = await boot(this.#deps, kind.runtime, {
        memoryMiB: genericMemoryMiB,
        scratchMiB: genericScratchMiB,
        isGeneric: true,
        signal: this.#signal,
      });
      self().state = "ready";
      kind.failures = 0;
      void booted.sandbox.exited.then(() => this.#drop(kind, self()));
      return booted;
    } catch (error) {
      kind.failures++;
      if (!this.#signal.aborted)
        this.#deps.log.event("generic.start-failed", {
          level: "warn",
          kind: kind.runtime.kind,
          error,
        });
      this.#drop(kind, self());
      return undefined;
    } finally {
      this.#changed();
    }
  }

  /** One that died while nobody had taken it. */
  #drop(kind: Kind, generic: Generic): void {
    const at = kind.sandboxes.indexOf(generic);
    if (at < 0) return;
    kind.sandboxes.splice(at, 1);
    const release = generic.booted.then((booted) => booted?.sandbox[Symbol.asyncDispose]());
    ignore(release, "it is gone already; this only frees what it held");
    this.#changed();
  }
}
