/** Host uids handed to one sandbox at a time, in a circle so that a freed one rests the longest. */
export interface UidPool {
  /** Undefined when all are taken. */
  take(): number | undefined;
  /** Only after the last process of that uid is gone. */
  give(uid: number): void;
  readonly takenCount: number;
}

export function createUidPool(range: {
  readonly first: number;
  readonly count: number;
  readonly start: number;
}): UidPool {
  const taken = new Set<number>();
  let next = range.start % range.count;
  return {
    take() {
      for (let tries = 0; tries < range.count; tries++) {
        const uid = range.first + next;
        next = (next + 1) % range.count;
        if (taken.has(uid)) continue;
        taken.add(uid);
        return uid;
      }
      return undefined;
    },
    give: (uid) => void taken.delete(uid),
    get takenCount() {
      return taken.size;
    },
  };
}
