import { sampledOneIn, sampledPerSecond } from "./limits.ts";

/** Decides which new traces are recorded: the first of each second, and a share of the rest. */
export class Sampler {
  #second = -1;
  #count = 0;

  /** `nowMs` is wall time, epoch milliseconds. */
  decide(nowMs: number): boolean {
    const second = Math.floor(nowMs / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#count = 0;
    }
    const index = this.#count++;
    return index < sampledPerSecond || index % sampledOneIn === 0;
  }
}
