import type { Server } from "node:net";
import type { Clock } from "#base/clock.ts";
import { PlatformError } from "#base/errors.ts";
import type { Guest, Runtime } from "#functions/runtimes/runtimes.ts";
import type { Sandbox, SandboxDriver, SandboxExit } from "#functions/sandbox/sandbox.ts";
import { proxyPort } from "./limits.ts";

/** A sandbox whose boot program runs and is nobody's yet. */
export interface Booted {
  readonly sandbox: Sandbox;
  readonly guest: Guest;
  /** Milliseconds the driver took, and the boot program after it. */
  readonly sandboxMs: number;
  readonly bootMs: number;
}

/**
 * Makes a sandbox and waits for its guest. Errors: `sandbox.start-failed`, `sandbox.launcher-lost`.
 * Aborting kills what was begun.
 */
export async function boot(
  deps: { readonly driver: SandboxDriver; readonly clock: Clock },
  runtime: Runtime,
  options: {
    readonly memoryMiB: number;
    readonly scratchMiB: number;
    readonly isGeneric?: boolean;
    readonly signal: AbortSignal;
  },
): Promise<Booted> {
  const { clock } = deps;
  const startedMs = clock.monotonicMs();
  const spec = await runtime.sandboxSpec(options);
  const listeners = [...new Set([...spec.listeners, proxyPort])];
  const sandbox = await deps.driver.create({ ...spec, listeners }, options.signal);
  const createdMs = clock.monotonicMs();
  try {
    const guest = await runtime.attach(sandbox, options.signal);
    const readyMs = clock.monotonicMs();
    return { sandbox, guest, sandboxMs: createdMs - startedMs, bootMs: readyMs - createdMs };
  } catch (error) {
    await sandbox[Symbol.asyncDispose]();
    throw error;
  }
}

export function listenerOf(sandbox: Sandbox, port: number): Server {
  const server = sandbox.listeners.get(port);
  if (!server)
    throw new PlatformError("sandbox.start-failed", `sandbox ${sandbox.id} gave no port ${port}`);
  return server;
}

/** Where a process inside reaches the listener: another port than asked for where loopback is the host's. */
export function portInside(sandbox: Sandbox, port: number): number {
  const address = listenerOf(sandbox, port).address();
  return address !== null && typeof address === "object" ? address.port : port;
}

/** The error of whoever had work in a sandbox that ended with its launcher: not the function's fault. */
export function launcherLost(exit: SandboxExit): PlatformError | undefined {
  if (exit.cause !== "lost") return undefined;
  const what = "the process that makes sandboxes died, and what ran in them was broken off";
  return new PlatformError("sandbox.launcher-lost", what);
}

/** As the Lambda service words it: `Runtime exited with error: signal: killed` (or `exit status 1`). */
export function describeExit(exit: SandboxExit): string {
  if (exit.cause !== "exit" || exit.signal !== undefined)
    return `Runtime exited with error: signal: ${signalWord(exit.signal)}`;
  return exit.code === undefined || exit.code === 0
    ? "Runtime exited without providing a reason"
    : `Runtime exited with error: exit status ${exit.code}`;
}

/** Go's names for signals (syscall package, zerrors_linux), which is what the service prints. */
const signalWords: Readonly<Record<string, string>> = {
  SIGABRT: "aborted",
  SIGBUS: "bus error",
  SIGFPE: "floating point exception",
  SIGHUP: "hangup",
  SIGILL: "illegal instruction",
  SIGINT: "interrupt",
  SIGKILL: "killed",
  SIGSEGV: "segmentation fault",
  SIGSYS: "bad system call",
  SIGTERM: "terminated",
  SIGTRAP: "trace/breakpoint trap",
};

function signalWord(signal: string | undefined): string {
  return signal === undefined ? "killed" : (signalWords[signal] ?? signal);
}
