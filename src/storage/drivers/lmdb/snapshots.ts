import { assert } from "#base/assert.ts";
import type { Reader } from "../../storage.ts";
import type { Environment } from "./environment.ts";
import { createReader } from "./reader.ts";

export interface Snapshot extends Disposable {
  readonly reader: Reader;
}

export interface Snapshots {
  open(): Snapshot;
}

/**
 * The library renews its read transaction by timer, so up to a millisecond may pass before commits of
 * other processes are seen, long enough to miss what a message from them was about. Messages arrive
 * between turns of the event loop; so the transaction is renewed once after every run of microtasks.
 */
export function createSnapshots(environment: Environment): Snapshots {
  let isFresh = false;
  const expire = (): void => void (isFresh = false);
  return {
    open() {
      if (!isFresh) {
        environment.resetReadTxn();
        isFresh = true;
        queueMicrotask(expire);
      }
      const transaction = environment.useReadTransaction();
      let ended = false;
      const reader = createReader(environment, transaction, () =>
        assert(!ended, "a reader is not used after its callback has ended"),
      );
      return {
        reader,
        [Symbol.dispose]() {
          if (ended) return;
          ended = true;
          transaction.done();
        },
      };
    },
  };
}
