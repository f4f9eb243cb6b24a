import net from "node:net";
import { isOnHost } from "./paths.mjs";

/**
 * Opens the loopback listeners the platform wants to serve, hands them out over the IPC pipe and
 * closes that pipe. Resolves with the ports really opened, by the port asked for.
 */
export async function handOutListeners() {
  // Handles are acknowledged one by one; without a listener for messages nothing would wait for that.
  process.channel.ref();
  const ports = (process.env.SKERRY_LISTENERS ?? "").split(",").filter(Boolean).map(Number);
  const opened = await Promise.all(ports.map(open));
  for (const [index, server] of opened.entries()) {
    const port = ports[index];
    await send({ listener: port, ...(isOnHost && { port: server.address().port }) }, server);
  }
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
    server.listen({ host: "127.0.0.1", port: isOnHost ? 0 : port, backlog: 511 }, () => {
      resolve(server);
    });
  });
}

function send(message, handle) {
  return new Promise((resolve, reject) => {
    process.send(message, handle, {}, (error) => (error ? reject(error) : resolve()));
  });
}
