import type { Clock } from "#base/clock.ts";
import type { MemoryShare } from "#functions/pool/pool.ts";
import { memoryRetryMs } from "../limits.ts";
import type { FromWorker, ToWorker } from "../permits/arbiter.ts";

/** The one budget of the host. */
const scope = "host";
const pool = "";

export interface MemoryLeaseDeps {
  readonly clock: Clock;
  readonly send: (message: FromWorker) => void;
}

/**
 * This worker's part of the memory that all sandboxes together may reserve. It begins with an even
 * share; what waiting invocations lack is asked for, and what others lack is given back: at once what is
 * not in use, then what idle environments free by ending.
 */
export class MemoryLease implements MemoryShare {
  readonly #deps: MemoryLeaseDeps;
  #heldMiB = 0;
  #grantedMiB = 0;
  #reservedMiB = 0;
  #missingMiB = 0;
  #isAsking = false;
  /** MiB that others lack and that are being made free. */
  #owedMiB = 0;
  #retry: Disposable | undefined;
  #look: () => void = () => undefined;

  constructor(deps: MemoryLeaseDeps) {
    this.#deps = deps;
  }

  get grantedMiB(): number {
    return this.#grantedMiB;
  }

  bind(look: () => void): void {
    this.#look = look;
  }

  /** Asks for the share to begin with. */
  begin(shareMiB: number): void {
    this.#ask(shareMiB);
  }

  used(told: Parameters<MemoryShare["used"]>[0]): void {
    this.#reservedMiB = told.reservedMiB;
    this.#missingMiB = told.missingMiB;
    if (this.#owedMiB > 0 && !told.isMakingRoom) this.#giveBack();
    else if (told.missingMiB > 0 && !this.#retry) this.#ask(told.missingMiB);
  }

  receive(message: ToWorker): void {
    if (message.kind === "grant") return this.#granted(message.count);
    this.#owedMiB = message.count;
    if (this.#heldMiB - this.#reservedMiB >= message.count) return this.#giveBack();
    // Idle environments end until this fits; `used` says when there are none left.
    this.#grantedMiB = Math.max(0, this.#heldMiB - message.count);
    this.#look();
  }

  #ask(count: number): void {
    if (this.#isAsking) return;
    this.#isAsking = true;
    this.#deps.send({ kind: "ask", scope, pool, count });
  }

  #granted(count: number): void {
    this.#isAsking = false;
    this.#heldMiB += count;
    this.#grantedMiB += count;
    // Where it was not enough, there is more only when somebody ends.
    if (count < this.#missingMiB) this.#askLater();
    if (count > 0) this.#look();
  }

  #askLater(): void {
    this.#retry ??= this.#deps.clock.timer(memoryRetryMs, () => {
      this.#retry = undefined;
      if (this.#missingMiB > 0) this.#ask(this.#missingMiB);
    });
  }

  #giveBack(): void {
    const unusedMiB = Math.max(0, this.#heldMiB - this.#reservedMiB);
    const count = Math.min(this.#owedMiB, unusedMiB);
    this.#owedMiB = 0;
    this.#heldMiB -= count;
    this.#grantedMiB = this.#heldMiB;
    this.#deps.send({ kind: "give", scope, pool, count, isAnswer: true });
    if (this.#missingMiB > 0) this.#askLater();
  }
}
