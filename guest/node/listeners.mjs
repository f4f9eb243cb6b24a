import net from "node:net";
import { isOnHost } from "./paths.mjs";

/**
 * Opens the loopback listeners the platform wants to serve, hands them out over the IPC pipe and
 * closes that pipe. Resolves with the ports really opened, by the port asked for. Messages are queued
 * behind each other's acknowledgement, so that booting goes on meanwhile.
 *
 * A network of its own has only the loopback, and nobody else on any port: there a bare socket is enough. A
 * server would load the half of Node that shares ports between processes, for two milliseconds of each start.
 */
export async function handOutListeners() {
  // Handles are acknowledged one by one; without a listener for messages nothing would wait for that.
  process.channel.ref();
  const ports = (process.env.SKERRY_LISTENERS ?? "").split(",").filter(Boolean).map(Number);
  const opened = await Promise.all(ports.map(open));
  const handed = opened.map((server, index) => {
    const message = { listener: ports[index] };
    if (isOnHost) message.port = server.address().port;
    return send(message, server);
  });
  await Promise.all(handed);
  const actual = new Map(
    opened.map((server, index) => [ports[index], isOnHost ? server.address().port : ports[index]]),
  );
  for (const server of opened) server.close();
  await send({ booted: true });
  process.disconnect();
  return actual;
}

function open(port) {
  if (!isOnHost) return bind(port);
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once("error", reject);
    server.listen({ host: "127.0.0.1", port: 0, backlog: 511 }, () => resolve(server));
  });
}

/** A socket of both families where there are two; it listens once the platform has it. */
function bind(port) {
  let handle = net._createServerHandle("::", port, 6);
  if (typeof handle === "number") handle = net._createServerHandle("0.0.0.0", port, 4);
  if (typeof handle === "number") throw new Error(`cannot bind port ${port}: ${handle}`);
  return handle;
}

function send(message, handle) {
  return new Promise((resolve, reject) => {
    process.send(message, handle, {}, (error) => (error ? reject(error) : resolve()));
  });
}
