/**
 * The environment used last serves next: its caches are hot, and the others grow old enough to be
 * ended. Undefined when none is idle.
 */
export function pickWarm<Environment extends { readonly lastUsedMs: number }>(
  idle: Iterable<Environment>,
): Environment | undefined {
  let best: Environment | undefined;
  for (const environment of idle)
    if (best === undefined || environment.lastUsedMs > best.lastUsedMs) best = environment;
  return best;
}
