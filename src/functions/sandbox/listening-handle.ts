import { Server } from "node:net";

/** A TCP socket as Node's IPC hands it over when it was sent without a server around it ("net.Native"). */
export interface TcpHandle {
  close(): void;
}

/**
 * Whether this is such a socket. Node gives its class no public name; what is no socket of TCP has another
 * constructor, and what came was sent by a boot program of ours or by the launcher.
 */
export function isTcpHandle(value: unknown): value is TcpHandle {
  return (
    typeof value === "object" &&
    value !== null &&
    value.constructor.name === "TCP" &&
    "close" in value &&
    typeof value.close === "function"
  );
}

/** The server for a listening socket that was handed over, in whichever form; undefined for anything else. */
export function toServer(handle: unknown): Server | undefined {
  if (handle instanceof Server) return handle;
  return isTcpHandle(handle) ? new Server().listen(handle) : undefined;
}
