import { mkdir, rename, rm, utimes } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "#base/clock.ts";
import { isPlatformError } from "#base/errors.ts";
import { randomHex } from "#base/ids.ts";
import type { Random } from "#base/random.ts";
import { spareMs, treesRememberedMax, unpackingMax } from "./limits.ts";
import { createTurnstile } from "./turnstile.ts";

/** Directories that are made once and never change: by one caller here, by one process of several. */
export interface Trees {
  /** Path of the tree `name`, filled by `fill` if it is not there yet. Marks it as used now. */
  readonly once: (name: string, fill: (into: string) => Promise<void>) => Promise<string>;
}

export function createTrees(deps: {
  readonly root: string;
  /** On the same file system; a finished tree is renamed out of it. */
  readonly building: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Called after a tree has been made here and is in its place. */
  readonly made: (name: string, tookMs: number) => void;
}): Trees {
  const turnstile = createTurnstile(unpackingMax);
  const inFlight = new Map<string, Promise<string>>();
  /** When this process last marked a tree as used: for some time from then on nobody removes it. */
  const markedAtMs = new Map<string, number>();
  const mark = (name: string, nowMs: number): void => {
    markedAtMs.delete(name);
    markedAtMs.set(name, nowMs);
    if (markedAtMs.size <= treesRememberedMax) return;
    for (const oldest of markedAtMs.keys()) return void markedAtMs.delete(oldest);
  };

  const build = async (name: string, fill: (into: string) => Promise<void>): Promise<string> => {
    const path = join(deps.root, name);
    const nowMs = deps.clock.nowMs();
    const now = new Date(nowMs);
    // Touching says "used"; it fails when the tree is not there yet.
    const isThere = await utimes(path, now, now).then(
      () => true,
      () => false,
    );
    if (isThere) mark(name, nowMs);
    if (isThere) return path;
    const temporary = join(deps.building, `${process.pid}-${randomHex(deps.random, 8)}`);
    const startedMs = deps.clock.monotonicMs();
    try {
      await mkdir(temporary, { mode: 0o755 });
      await turnstile.pass(() => fill(temporary));
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { recursive: true, force: true });
      if (!isAlreadyThere(error)) throw error;
    }
    mark(name, nowMs);
    deps.made(name, deps.clock.monotonicMs() - startedMs);
    return path;
  };
  return {
    once(name, fill) {
      const sinceMarkedMs = deps.clock.nowMs() - (markedAtMs.get(name) ?? -Infinity);
      if (sinceMarkedMs >= 0 && sinceMarkedMs < spareMs / 2)
        return Promise.resolve(join(deps.root, name));
      const running = inFlight.get(name);
      if (running) return running;
      const made = build(name, fill).finally(() => inFlight.delete(name));
      inFlight.set(name, made);
      return made;
    },
  };
}

function isAlreadyThere(error: unknown): boolean {
  if (isPlatformError(error) || !(error instanceof Error) || !("code" in error)) return false;
  return error.code === "ENOTEMPTY" || error.code === "EEXIST";
}
