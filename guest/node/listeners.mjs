import net from "node:net";
import { isOnHost } from "./paths.mjs";

/**
 * Opens the loopback listeners the platform wants to serve, hands them out over the IPC pipe and
 * closes that pipe. Resolves with the ports really opened, by the port asked for. Messages are queued
 * behind each other's acknowledgement, so that booting goes on meanwhile.
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
  const actual = new Map(opened.map((server, index) => [ports[index], server.address().port]));
  for (const server of opened) server.close();
  await send({ booted: true });
  process.disconnect();
  return actual;
}

function open(port) {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once("error", reject);
    const listening = () => resolve(server);
    if (isOnHost) server.listen({ host: "127.0.0.1", port: 0, backlog: 511 }, listening);
    // A network of its own has only the loopback. Naming its address would load the resolver (3 ms).
    else server.listen({ port, exclusive: true, backlog: 511 }, listening);
  });
}

function send(message, handle) {
  return new Promise((resolve, reject) => {
    process.send(message, handle, {}, (error) => (error ? reject(error) : resolve()));
  });
}
