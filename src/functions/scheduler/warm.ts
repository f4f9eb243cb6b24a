/**
 * The environment used last serves next: its caches are hot, and the others grow old enough to be
 * ended. Provisioned ones come first, because they are paid for whether they are used or not ("Lambda
 * uses provisioned concurrency first"). Undefined when none is idle.
 */
export function pickWarm<
  Environment extends { readonly lastUsedMs: number; readonly isProvisioned: boolean },
>(idle: Iterable<Environment>): Environment | undefined {
  let best: Environment | undefined;
  for (const environment of idle) {
    if (best?.isProvisioned === true && !environment.isProvisioned) continue;
    const isPreferred = environment.isProvisioned && best?.isProvisioned === false;
    if (best === undefined || isPreferred || environment.lastUsedMs > best.lastUsedMs)
      best = environment;
  }
  return best;
}
