import { type AddressInfo, createServer, type Server } from "node:net";

/**
 * The port that all workers will listen on, each by itself, with the kernel spreading connections over
 * them (SO_REUSEPORT, socket(7)). A wanted port is tried without sharing first, so that another
 * server there is noticed, and then let go: a client that comes early must not find a listener that never
 * answers. A free one is held until `release`, because nobody knows it yet.
 * Errors: the operating system's, of `listen`.
 */
export async function reservePort(
  host: string,
  port: number,
): Promise<{ readonly port: number; release(): Promise<void> }> {
  const held = await listen({ host, port, reusePort: port === 0 });
  const bound = held.address() as AddressInfo; // a TCP server that listens
  if (port === 0) return { port: bound.port, release: () => close(held) };
  await close(held);
  return { port, release: async () => undefined };
}

function listen(options: {
  readonly host: string;
  readonly port: number;
  readonly reusePort: boolean;
}): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", reject);
    server.listen(options, () => resolve(server));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
