import { randomFillSync } from "node:crypto";
import { statfsSync } from "node:fs";
import { open, rm, stat } from "node:fs/promises";
import path from "node:path";
import type { Room } from "../../fullness.ts";
import { type Environment, environmentStatus } from "./environment.ts";

/**
 * How much the store may still grow: the nearer of its own limit and the end of the disk (where pages
 * of the file that are free again count as free). `ballast` is a file that does nothing but occupy
 * space; when a commit meets the real end of the disk it is deleted, because in LMDB even a deletion
 * first writes new pages.
 */
export interface Space {
  measure(): Room & { readonly usedBytes: number };
  /** Deletes the ballast; false when there was none. */
  dropBallast(): Promise<boolean>;
  /** Makes the ballast again if it is missing and there is plenty of room. Never fails; one at a time. */
  restoreBallast(): Promise<void>;
}

const ballastBytesMax = 4 * 1024 * 1024;

export function createSpace(deps: {
  readonly environment: Environment;
  readonly directory: string;
  readonly bytesMax: number;
  readonly reserveBytes: number;
}): Space {
  const { environment, directory, bytesMax, reserveBytes } = deps;
  const ballast = path.join(directory, "ballast");
  const ballastBytes = Math.min(ballastBytesMax, Math.floor(reserveBytes / 2));
  let hasBallast = false;
  let restoring = Promise.resolve();

  const measure: Space["measure"] = () => {
    const { usedBytes, reusableBytes } = environmentStatus(environment);
    const { bavail, bsize } = statfsSync(directory);
    const leftBytes = Math.min(bytesMax - usedBytes, bavail * bsize + reusableBytes);
    return { leftBytes, reserveBytes, usedBytes };
  };
  const restore = async (): Promise<void> => {
    if (hasBallast || measure().leftBytes < 2 * reserveBytes + ballastBytes) return;
    hasBallast = true; // also if writing it fails: not again until the next time it is dropped
    try {
      if ((await sizeOf(ballast)) !== ballastBytes) await fill(ballast, ballastBytes);
    } catch {
      await rm(ballast, { force: true });
    }
  };
  return {
    measure,
    async dropBallast() {
      const existed = (await sizeOf(ballast)) !== undefined;
      await rm(ballast, { force: true });
      hasBallast = false;
      return existed;
    },
    restoreBallast: () => (restoring = restoring.then(restore)),
  };
}

/** With random bytes, which no file system stores in less space. */
async function fill(file: string, byteCount: number): Promise<void> {
  await using handle = await open(file, "w", 0o600);
  await handle.writeFile(randomFillSync(new Uint8Array(byteCount)));
  await handle.sync();
}

async function sizeOf(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).size;
  } catch {
    return undefined;
  }
}
