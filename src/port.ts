import { once } from "node:events";
import { createServer } from "node:net";
import type { Config } from "#config/config.ts";
import type { Gateway } from "#gateway/gateway.ts";

/**
 * The port the platform will listen at. Where any will do, one that is free now: sandboxes are made before the
 * platform listens, and listen at the same number inside.
 */
export async function settlePort({ host, port }: Config): Promise<number> {
  if (port !== 0) return port;
  const server = createServer().listen(0, host);
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address ? address.port : 0;
}

/** Listens there, or at any port when somebody else was quicker and any will do. */
export async function listenAt(
  gateway: Gateway,
  { port, isAnyPort }: { readonly port: number; readonly isAnyPort: boolean },
): ReturnType<Gateway["listen"]> {
  try {
    return await gateway.listen(port);
  } catch (error) {
    const isInUse = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
    if (!isAnyPort || !isInUse) throw error;
    return gateway.listen(0);
  }
}
