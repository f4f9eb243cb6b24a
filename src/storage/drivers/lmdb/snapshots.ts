import type { Environment } from "./environment.ts";
import { EnvironmentReader } from "./reader.ts";

export interface Snapshots {
  /** Must be ended: it keeps old pages of the file in use. */
  open(): EnvironmentReader;
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
      return new EnvironmentReader(environment, environment.useReadTransaction());
    },
  };
}
