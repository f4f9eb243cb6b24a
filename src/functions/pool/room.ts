import { ignore } from "#base/ignore.ts";
import type { MemoryShare } from "./pool.ts";

/** The memory that sandboxes may reserve: all of the setting, or this process's share of it. */
export class Room {
  readonly #share: MemoryShare | undefined;
  readonly #settingMiB: number;
  /** Of sandboxes that are being ended to make room, and so still reserved. */
  #endingMiB = 0;

  constructor(share: MemoryShare | undefined, settingMiB: number) {
    this.#share = share;
    this.#settingMiB = settingMiB;
  }

  /** What is being ended is as good as free; whoever starts in its place waits for it. */
  limits(): { readonly memoryMiBMax: number; readonly mustFit: boolean } {
    const share = this.#share;
    return share
      ? { memoryMiBMax: share.grantedMiB + this.#endingMiB, mustFit: true }
      : { memoryMiBMax: this.#settingMiB, mustFit: false };
  }

  /** Until `made` settles, so much is ending; then `look` is called. */
  making(memoryMiB: number, made: Promise<unknown>, look: () => void): void {
    if (memoryMiB === 0) return;
    this.#endingMiB += memoryMiB;
    const done = Promise.allSettled([made]).finally(() => {
      this.#endingMiB -= memoryMiB;
      look();
    });
    ignore(done, "all settle");
  }

  /** After each plan has been carried out. */
  tell(reservedMiB: number, missingMiB: number): void {
    this.#share?.used({ reservedMiB, missingMiB, isMakingRoom: this.#endingMiB > 0 });
  }
}
