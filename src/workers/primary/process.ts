import { type ChildProcess, spawn } from "node:child_process";
import { Duplex } from "node:stream";
import { extname } from "node:path";
import { assert } from "#base/assert.ts";
import { type IncomingCall, Link } from "../link/link.ts";

/** A worker as a process: our own program again, never a customer's. */
export interface WorkerProcess {
  readonly pid: number | undefined;
  readonly link: Link;
  /** Resolves with what it ended by, in words; never rejects. */
  readonly exited: Promise<string>;
  kill(): void;
}

/** The descriptor of the socket on which worker and primary talk. */
export const primaryDescriptor = 3;

/**
 * Starts the program of a worker. Both learn of each other's end by the socket between them, however
 * it comes. A terminal's Ctrl-C reaches workers too; they leave the answer to the primary.
 */
export function startWorker(
  program: string,
  on: {
    readonly call: (call: IncomingCall) => void;
    readonly note: (name: string, meta: unknown) => void;
  },
): WorkerProcess {
  const conditions = extname(program) === ".ts" ? ["--conditions=source"] : [];
  const child: ChildProcess = spawn(process.execPath, [...conditions, program], {
    stdio: ["ignore", "ignore", "inherit", "pipe"],
  });
  const socket = child.stdio[primaryDescriptor];
  assert(socket instanceof Duplex, "Node makes a socket pair for a piped descriptor");
  const exited = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(signal ?? `exit code ${String(code)}`));
  });
  return {
    pid: child.pid,
    link: new Link({ socket, onCall: on.call, onNote: on.note }),
    exited,
    kill: () => void child.kill("SIGKILL"),
  };
}
