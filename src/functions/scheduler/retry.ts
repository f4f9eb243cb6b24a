import { retryDelaysMs } from "./limits.ts";

/**
 * How long a start that nobody waits for is left alone after it has failed this often in a row (1 is the
 * first time). A function that crashes in its init would else be started again for ever, as fast as
 * sandboxes can be made. This holds for provisioned environments; starts that callers wait for have
 * shorter pauses, during which callers are told at once (`init-failures.ts`).
 */
export function retryDelayMs(failureCount: number): number {
  const last = retryDelaysMs.length - 1;
  return retryDelaysMs[Math.min(last, Math.max(0, failureCount - 1))] ?? 0;
}
