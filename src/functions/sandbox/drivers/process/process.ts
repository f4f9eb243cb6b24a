import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { Server, Socket } from "node:net";
import { join } from "node:path";
import type { Clock } from "#base/clock.ts";
import { PlatformError } from "#base/errors.ts";
import { ignore } from "#base/ignore.ts";
import { randomHex } from "#base/ids.ts";
import type { Random } from "#base/random.ts";
import { isPath, isSlotName, parseBootMessage } from "../../launcher/messages.ts";
import { startTimeoutMs } from "../../limits.ts";
import { isTcpHandle } from "../../listening-handle.ts";
import { LiveSandbox, startFailed } from "../../live-sandbox.ts";
import type {
  Sandbox,
  SandboxDriver,
  SandboxLimits,
  SandboxProperty,
  SandboxSpec,
} from "../../sandbox.ts";
import { linkSmallTree, linkTree } from "../../slot.ts";
import { hostEnvironment, hostPaths, rewrite } from "./paths.ts";

export interface ProcessDriverDeps {
  /** Existing directory on the file system of the unpacked code. */
  readonly workDir: string;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * The same interface without isolation: plain child processes with the platform's own rights, for a
 * developer's own code on a host that cannot make sandboxes. Chosen only by an explicit flag.
 * Memory, CPU, process and scratch limits are not enforced; `configure` changes nothing and
 * `memoryPeakMiB` answers 0. How paths are mapped: `paths.ts`.
 */
export function createProcessDriver(deps: ProcessDriverDeps): SandboxDriver {
  return new ProcessDriver(deps);
}

class ProcessDriver implements SandboxDriver {
  readonly name = "process";
  readonly isolation = "none";
  readonly multiTenant = false;
  readonly #deps: ProcessDriverDeps;
  readonly #directory: string;
  readonly #live = new Set<LiveSandbox>();
  #isClosed = false;

  constructor(deps: ProcessDriverDeps) {
    this.#deps = deps;
    this.#directory = join(deps.workDir, `process-${randomHex(deps.random, 6)}`);
  }

  probe(): Promise<{ readonly usable: boolean; readonly reason: string }> {
    return Promise.resolve({
      usable: true,
      reason: "functions run as ordinary processes of this user, without isolation",
    });
  }

  limits(): Promise<SandboxLimits> {
    return Promise.resolve({ memory: false, cpu: false, processes: false, freeze: false });
  }

  selfTest(): Promise<readonly SandboxProperty[]> {
    const detail = "the process driver isolates nothing; use bubblewrap for code you do not trust";
    return Promise.resolve([{ name: "isolation", holds: false, detail, required: true }]);
  }

  async create(spec: SandboxSpec, signal: AbortSignal): Promise<Sandbox> {
    signal.throwIfAborted();
    if (this.#isClosed) throw startFailed("the sandbox driver is closed");
    const id = randomHex(this.#deps.random, 16);
    const root = join(this.#directory, id);
    const places = { root, slot: join(root, "slot"), scratch: join(root, "tmp") };
    mkdirSync(places.slot, { recursive: true });
    mkdirSync(places.scratch);
    const child = launch(spec, places);
    const sandbox = this.#track({ id, spec, child, places });
    receiveFrom(child, sandbox, spec);
    await this.#booted(sandbox, signal);
    return sandbox;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#live].map((each) => each[Symbol.asyncDispose]()));
    await rm(this.#directory, { recursive: true, force: true });
  }

  #track(begun: {
    readonly id: string;
    readonly spec: SandboxSpec;
    readonly child: ChildProcess;
    readonly places: { readonly root: string; readonly slot: string };
  }): LiveSandbox {
    const { child, places } = begun;
    const sandbox = new LiveSandbox(begun.id, {
      clock: this.#deps.clock,
      listeners: begun.spec.listeners,
      kill: () => killGroup(child),
      link: (name, source) => linkInto(places.slot, name, source),
      configure: () => Promise.resolve(),
      memoryPeakMiB: () => Promise.resolve(0),
      cleanUp: async () => {
        this.#live.delete(sandbox);
        killGroup(child);
        await rm(places.root, { recursive: true, force: true });
      },
    });
    this.#live.add(sandbox);
    return sandbox;
  }

  async #booted(sandbox: LiveSandbox, signal: AbortSignal): Promise<void> {
    const given = Promise.withResolvers<never>();
    const onAbort = (): void => given.reject(signal.reason as Error);
    signal.addEventListener("abort", onAbort, { once: true });
    const timer = this.#deps.clock.timer(startTimeoutMs, () =>
      given.reject(startFailed(`not ready after ${startTimeoutMs} ms`)),
    );
    try {
      await Promise.race([sandbox.booted, given.promise]);
    } catch (error) {
      ignore(sandbox[Symbol.asyncDispose](), "the start has already failed for another reason");
      throw error;
    } finally {
      timer[Symbol.dispose]();
      signal.removeEventListener("abort", onAbort);
    }
  }
}

function launch(
  spec: SandboxSpec,
  places: { readonly root: string; readonly slot: string; readonly scratch: string },
): ChildProcess {
  const map = hostPaths(spec, places);
  const [program, ...rest] = spec.command.map((argument) => rewrite(argument, map));
  if (program === undefined) throw startFailed("the specification has no command");
  return spawn(program, rest, {
    cwd: places.root,
    env: hostEnvironment(spec, map, places),
    // A group of its own, so that what it starts can be ended with it.
    detached: true,
    stdio: ["ignore", "pipe", "pipe", "ipc", "pipe"],
    serialization: "json",
  });
}

function receiveFrom(child: ChildProcess, sandbox: LiveSandbox, spec: SandboxSpec): void {
  const { id } = sandbox;
  const streams = [
    { name: "stdout", handle: child.stdout },
    { name: "stderr", handle: child.stderr },
    { name: "channel", handle: child.stdio[4] },
  ] as const;
  for (const { name, handle } of streams) sandbox.receive({ type: "stream", id, name }, handle);
  let count = 0;
  child.on("message", (value, handle) => {
    const message = parseBootMessage(value, count++);
    const isListening = handle instanceof Server || isTcpHandle(handle);
    if (message?.kind === "listener" && isListening) {
      if (spec.listeners.includes(message.port)) {
        return sandbox.receive({ type: "listener", id, port: message.port }, handle);
      }
    }
    if (handle instanceof Socket) handle.destroy();
    else if (isListening) handle.close();
    if (message?.kind === "listener") return;
    child.removeAllListeners("message");
    if (child.connected) child.disconnect();
    if (message?.kind === "booted") sandbox.receive({ type: "booted", id }, undefined);
  });
  child.once("error", (error) => {
    sandbox.receive({ type: "failed", id, message: error.message }, undefined);
    if (child.pid === undefined) report(null, null);
  });
  const report = (code: number | null, signal: string | null): void => {
    const measured = { outOfMemory: false, memoryPeakMiB: 0 };
    sandbox.receive({ type: "exit", id, code, signal, ...measured }, undefined);
  };
  child.once("exit", report);
}

async function linkInto(slot: string, name: string, source: string): Promise<void> {
  if (!isSlotName(name) || !isPath(source)) {
    throw new PlatformError("sandbox.start-failed", `Cannot link ${source} as ${name}.`);
  }
  if (!linkSmallTree(source, slot, name)) await linkTree(source, slot, name);
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // Nobody is left in the group.
  }
}
