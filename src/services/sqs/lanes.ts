import type { Clock } from "#base/clock.ts";
import type { Store } from "#storage/storage.ts";
import { Lane } from "./lane.ts";
import type { QueueAddress } from "./records.ts";

/** The way to each queue's messages; a lane lives while somebody is in it. */
export interface Lanes extends AsyncDisposable {
  of(address: QueueAddress): Lane;
  /** Something else than the queue's own lane may have made messages visible. */
  wake(address: QueueAddress): void;
}

/** Disposing lets those who wait go with nothing. */
export function createLanes(deps: {
  readonly store: Store;
  readonly clock: Clock;
  readonly isShared: boolean;
}): Lanes {
  const lanes = new Map<string, Lane>();
  const nameOf = ({ accountId, region, name }: QueueAddress): string =>
    `${accountId} ${region} ${name}`;
  const wake = (address: QueueAddress): void => lanes.get(nameOf(address))?.wake();
  return {
    of(address) {
      const name = nameOf(address);
      let lane = lanes.get(name);
      if (!lane) {
        const onEmpty = (): void => void lanes.delete(name);
        lane = new Lane({ ...deps, address, wakeOther: wake, onEmpty });
        lanes.set(name, lane);
      }
      return lane;
    },
    wake,
    async [Symbol.asyncDispose]() {
      await Promise.all([...lanes.values()].map((lane) => lane.close()));
    },
  };
}
