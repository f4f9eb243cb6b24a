import type { GuestEndpoint } from "#functions/pool/pool.ts";

/**
 * Sandboxes are served by the gateway, which is made after the pool; one that starts in between (an
 * event left by an earlier process) is handed over as soon as there is a gateway.
 */
export function createLateEndpoint(
  port: number,
): GuestEndpoint & { bind(gateway: Pick<GuestEndpoint, "serve">): void } {
  let bound: Pick<GuestEndpoint, "serve"> | undefined;
  const early = new Set<() => void>();
  return {
    port,
    bind(gateway) {
      bound = gateway;
      for (const serve of early) serve();
      early.clear();
    },
    serve(server, identity) {
      if (bound) return bound.serve(server, identity);
      let served: Disposable | undefined;
      const serve = (): void => void (served = bound?.serve(server, identity));
      early.add(serve);
      return {
        [Symbol.dispose]() {
          early.delete(serve);
          served?.[Symbol.dispose]();
        },
      };
    },
  };
}
