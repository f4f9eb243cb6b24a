import { createHash } from "node:crypto";

/**
 * Which worker owns which function. Who is asked first decides nothing: of the workers there are, a
 * function goes to the one its name and the worker's hash to (rendezvous hashing), so that functions
 * spread evenly. From then on it stays until its owner is gone.
 */
export class Directory {
  readonly #owners = new Map<string, number>();

  find(functionArn: string): number | undefined {
    return this.#owners.get(functionArn);
  }

  /** `workers` is not empty. */
  assign(functionArn: string, workers: readonly number[]): number {
    const [owner = 0] = workers.toSorted(
      (a, b) => compare(weight(functionArn, b), weight(functionArn, a)) || a - b,
    );
    this.#owners.set(functionArn, owner);
    return owner;
  }

  /** Nothing of it is left: its functions may be owned anew. */
  gone(worker: number): void {
    for (const [functionArn, owner] of this.#owners)
      if (owner === worker) this.#owners.delete(functionArn);
  }
}

function weight(functionArn: string, worker: number): string {
  return createHash("sha256").update(`${worker} ${functionArn}`).digest("hex");
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
