import type { S3Deps } from "./deps.ts";
import type { Saving } from "./versions.ts";

/** Made outside the transaction, which may run again. */
export function randomVersion(deps: Pick<S3Deps, "clock" | "random">): Saving {
  return { nowMs: deps.clock.nowMs(), random: Uint8Array.from(deps.random.bytes(17)) };
}
