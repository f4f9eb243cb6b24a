import type { Server, Socket } from "node:net";

/**
 * Where customer code runs. The only module that creates processes. A driver makes a sandbox whose
 * first process is *our* boot program; customer code enters later, through the channel.
 *
 * Nothing crosses the boundary by name: the channel and the output streams are inherited socket
 * pairs, and each loopback listener was opened by the boot program inside the sandbox's own network
 * namespace and handed out. Which socket something arrives on is the identity of the sandbox.
 */
export interface SandboxDriver extends AsyncDisposable {
  readonly name: "bubblewrap" | "process";
  readonly isolation: "shared-kernel" | "none";
  /** `false` where every sandbox runs under the same host uid. */
  readonly multiTenant: boolean;
  /** Whether this host can run the driver; the reason in words, with the command that repairs it. Never throws. */
  probe(): Promise<{ readonly usable: boolean; readonly reason: string }>;
  /** Which limits this host can enforce on a sandbox; what is false is advisory. Never throws. */
  limits(): Promise<SandboxLimits>;
  /** Checks every property from inside a sandbox; what `skerry doctor` prints. */
  selfTest(): Promise<readonly SandboxProperty[]>;
  /**
   * Resolves when the boot program runs and all `listeners` have been handed out.
   * Errors: `sandbox.start-failed`, `sandbox.launcher-lost`. Aborting kills what was begun.
   */
  create(spec: SandboxSpec, signal: AbortSignal): Promise<Sandbox>;
}

export interface SandboxLimits {
  readonly memory: boolean;
  readonly cpu: boolean;
  readonly processes: boolean;
  /** Whether a sandbox can be made to stand still (`configure({ frozen })`). */
  readonly freeze: boolean;
}

export interface SandboxProperty {
  /** Stable name, e.g. `uid`, `capabilities`, `proc-sys-read-only`, `memory-limit`. */
  readonly name: string;
  readonly holds: boolean;
  /** What was seen from inside, in words. */
  readonly detail: string;
  /** False for what a host may lack without functions being refused (named risk shown instead). */
  readonly required: boolean;
}

export interface SandboxSpec {
  /** Read-only directories or files of the host, at the places where the sandbox sees them. */
  readonly mounts: readonly { readonly source: string; readonly target: string }[];
  /** Symbolic links made inside, e.g. `/var/task` → `/var/slot/task`. */
  readonly links: readonly { readonly target: string; readonly path: string }[];
  /** The boot program. It finds the channel on file descriptor 4 and Node's IPC channel on 3. */
  readonly command: readonly string[];
  /** The whole environment of the boot program; never a customer's. */
  readonly environment: Readonly<Record<string, string>>;
  readonly memoryMiB: number;
  /** 1000 = one core. */
  readonly cpuMilli: number;
  /** Size of /tmp. */
  readonly scratchMiB: number;
  readonly pidsMax: number;
  /** Loopback ports the boot program opens inside and hands out. */
  readonly listeners: readonly number[];
}

export interface Sandbox extends AsyncDisposable {
  /** Opaque, unique for the life of the driver. */
  readonly id: string;
  /** Settles once, when the last process inside is gone; never rejects. */
  readonly exited: Promise<SandboxExit>;
  readonly channel: Socket;
  readonly stdout: Socket;
  readonly stderr: Socket;
  /** Accepts what processes inside connect to, by port. */
  readonly listeners: ReadonlyMap<number, Server>;
  /**
   * Makes the read-only tree `source` appear at `/var/slot/<name>` inside, by linking, without
   * copying bytes. `source` stays untouched; names are used once.
   */
  link(name: string, source: string): Promise<void>;
  configure(change: SandboxChange): Promise<void>;
  /** Highest memory use so far. */
  memoryPeakMiB(): Promise<number>;
}

export interface SandboxChange {
  readonly memoryMiB?: number;
  readonly cpuMilli?: number;
  /** Its processes stand still until it is thawed; killing works all the same. */
  readonly frozen?: boolean;
}

export interface SandboxExit {
  readonly code: number | undefined;
  readonly signal: string | undefined;
  /** `lost`: the platform's fault, the process that makes sandboxes died and all of them with it. */
  readonly cause: "exit" | "out-of-memory" | "killed" | "lost";
}
