import { spawn } from "node:child_process";
import type { ChildProcess, SendHandle } from "node:child_process";
import { writeFileSync } from "node:fs";
import { Server, Socket } from "node:net";
import type { Readable, Writable } from "node:stream";
import type { Clock } from "#base/clock.ts";
import { bubblewrapArguments, encodeArguments } from "../drivers/bubblewrap/arguments.ts";
import type { SystemTree } from "../drivers/bubblewrap/arguments.ts";
import type { Cgroup, CgroupTree } from "../drivers/bubblewrap/cgroup-files.ts";
import { cutArguments } from "../drivers/bubblewrap/omissions.ts";
import type { Cut } from "../drivers/bubblewrap/omissions.ts";
import { firstWordTimeoutMs } from "../limits.ts";
import { isTcpHandle, type TcpHandle } from "../listening-handle.ts";
import { parseBootMessage } from "./messages.ts";
import type { CreateRequest, LauncherReport } from "./messages.ts";
import type { OpenMounts } from "./mounts.ts";
import { endProcessesOf } from "./orphans.ts";
import type { UidPool } from "./uids.ts";

export interface RunningDeps {
  readonly bubblewrap: string;
  readonly system: SystemTree;
  readonly mounts: OpenMounts;
  readonly cgroups: CgroupTree;
  readonly uids: UidPool | undefined;
  readonly seccomp: Buffer;
  /** What tests of the attacks leave out of the arguments. */
  readonly cuts: readonly Cut[] | undefined;
  readonly clock: Clock;
  /** Resolves when the message has left; a handle is then no longer ours. */
  readonly report: (message: LauncherReport, handle?: SendHandle | TcpHandle) => Promise<void>;
}

/** Descriptors of bubblewrap: 0–2 standard, 3 boot IPC, 4 channel; the rest is closed before ours run. */
const descriptors = { arguments: 5, seccomp: 6, info: 7, block: 8 } as const;
/** Names of the variable Node reads its IPC descriptor from, and the only one bubblewrap itself gets. */
const bootChannel = { NODE_CHANNEL_FD: "3" };

/** One sandbox, from the request to the moment its last process is gone and its uid is free again. */
export class RunningSandbox {
  readonly #deps: RunningDeps;
  readonly #request: CreateRequest;
  readonly #attached: string[] = [];
  #child: ChildProcess | undefined;
  #exited: Promise<Exit> | undefined;
  #cgroup: Cgroup | undefined;
  #uid: number | undefined;
  #initPid: number | undefined;
  /** Its control group holds the first process, so killing the group kills everything. */
  #isPlaced = false;
  #isKilled = false;
  #isSettling = false;
  #bootMessageCount = 0;
  #listenerCount = 0;
  /** Settles when everything is released. */
  readonly done: Promise<void>;

  constructor(request: CreateRequest, deps: RunningDeps) {
    this.#request = request;
    this.#deps = deps;
    this.done = this.#run();
  }

  /** Ends every process; what follows is reported by the exit. Repeating it is harmless. */
  kill(): void {
    this.#isKilled = true;
    if (this.#cgroup?.kill() && this.#isPlaced) return;
    this.#killInit();
  }

  async attach(name: string, source: string): Promise<boolean> {
    const attached = await this.#deps.mounts.attach(source, this.#request.id, name);
    // What came too late would keep the slot directory from being removed.
    if (attached && this.#isSettling) await this.#deps.mounts.detach(this.#request.id, [name]);
    else if (attached) this.#attached.push(name);
    return attached;
  }

  async #run(): Promise<void> {
    try {
      const exit = await this.#start();
      await this.#settle(exit);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      await this.#deps.report({ type: "failed", id: this.#request.id, message });
      this.kill();
      await this.#exited?.catch(() => undefined);
      await this.#settle({ code: null, signal: null });
    }
  }

  async #start(): Promise<Exit> {
    const { mounts, cgroups, uids } = this.#deps;
    const request = this.#request;
    const { system } = this.#deps;
    const [open, usr, etc, empty] = await Promise.all([
      openAll(mounts, request.mounts),
      openAll(mounts, system.mounts),
      mounts.open(system.etc),
      mounts.open(system.empty),
    ]);
    if (this.#isKilled) return { code: null, signal: "SIGKILL" };
    this.#uid = uids?.take();
    if (uids && this.#uid === undefined) throw new Error("every sandbox uid is in use");
    this.#cgroup = cgroups.create(request.id, {
      memoryMiB: request.memoryMiB,
      cpuMilli: request.cpuMilli,
      pidsMax: request.pidsMax,
    });
    // Not earlier: whoever makes a group waits for whoever waits to move a process.
    cgroups.expectMove();
    const values = bubblewrapArguments({
      mounts: open,
      links: request.links,
      system: { ...system, mounts: usr, etc, empty },
      slot: mounts.slot(request.id),
      environment: { ...request.environment, ...bootChannel },
      scratchMiB: request.scratchMiB,
      descriptors,
    });
    return this.#spawn(encodeArguments(cutArguments(values, this.#deps.cuts)));
  }

  async #spawn(argumentBytes: Buffer): Promise<Exit> {
    const { bubblewrap, seccomp } = this.#deps;
    const child = spawn(
      bubblewrap,
      ["--args", String(descriptors.arguments), "--", ...this.#request.command],
      {
        ...(this.#uid === undefined ? {} : { uid: this.#uid, gid: this.#uid }),
        cwd: "/",
        env: {},
        stdio: ["ignore", "pipe", "pipe", "ipc", "pipe", "pipe", "pipe", "pipe", "pipe"],
        serialization: "json",
      },
    );
    this.#child = child;
    const exited = exitOf(child);
    this.#exited = exited;
    child.on("error", () => undefined);
    child.on("message", (message, handle) => this.#onBoot(message, handle));
    const streams = this.#handOver(child);
    writable(child, descriptors.arguments).end(argumentBytes);
    writable(child, descriptors.seccomp).end(seccomp);
    const pid = await Promise.race([initPid(readable(child, descriptors.info)), exited]);
    if (typeof pid === "number") {
      this.#initPid = pid;
      if (!(await this.#place(pid))) return exited;
      preferForOutOfMemory(pid);
      // A kill that came before found the group empty.
      if (this.#isKilled) this.kill();
      // Node reads from a pipe it holds: released before the hand-over, first bytes could be lost.
      await Promise.race([streams, exited]);
      writable(child, descriptors.block).end("1");
    }
    return exited;
  }

  /** False when the process has ended meanwhile; its exit says why. */
  async #place(pid: number): Promise<boolean> {
    try {
      await this.#cgroup?.add(pid);
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ESRCH") return false;
      throw error;
    }
    this.#isPlaced = this.#cgroup?.isUsable ?? false;
    return true;
  }

  async #handOver(child: ChildProcess): Promise<void> {
    const { report } = this.#deps;
    const { id } = this.#request;
    await Promise.all(
      (
        [
          ["channel", 4],
          ["stdout", 1],
          ["stderr", 2],
        ] as const
      ).map(([name, descriptor]) => {
        const socket = child.stdio[descriptor];
        if (!(socket instanceof Socket)) throw new Error(`no pipe for ${name}`);
        socket.on("error", () => undefined);
        return report({ type: "stream", id, name }, socket);
      }),
    );
  }

  /** Our boot program speaks before any customer code is in; its pipe is closed with its last word. */
  #onBoot(value: unknown, handle: SendHandle | TcpHandle | undefined): void {
    const { report } = this.#deps;
    const { id, listeners } = this.#request;
    const message = parseBootMessage(value, this.#bootMessageCount++);
    if (message?.kind === "listener" && (handle instanceof Server || isTcpHandle(handle))) {
      if (listeners.includes(message.port) && this.#listenerCount++ < listeners.length) {
        void report({ type: "listener", id, port: message.port }, handle).then(() =>
          handle.close(),
        );
        return;
      }
    }
    if (handle && "close" in handle) handle.close();
    if (handle instanceof Socket) handle.destroy();
    if (message?.kind === "listener") return;
    this.#child?.removeAllListeners("message");
    if (this.#child?.connected) this.#child.disconnect();
    if (message?.kind === "booted") void report({ type: "booted", id });
  }

  /**
   * The first process inside takes all others with it. Until bubblewrap has said which one it is, there
   * is nothing to end that would not leave that process behind: it is ended as soon as it is known, and
   * bubblewrap itself only when it never says so.
   */
  #killInit(): void {
    try {
      if (this.#initPid !== undefined) process.kill(this.#initPid, "SIGKILL");
      else if (this.#child) this.#deps.clock.timer(firstWordTimeoutMs, () => this.#killSilent());
    } catch {
      // It ended by itself.
    }
  }

  #killSilent(): void {
    if (this.#initPid === undefined && !this.#isSettling) this.#child?.kill("SIGKILL");
  }

  async #settle(exit: Exit): Promise<void> {
    const { clock, mounts, report, uids } = this.#deps;
    const cgroup = this.#cgroup;
    this.#isSettling = true;
    this.#initPid = undefined; // the number may soon be another's
    const isEmpty = await this.#emptied();
    const outOfMemory = !this.#isKilled && (cgroup?.outOfMemoryCount() ?? 0) > 0;
    const memoryPeakMiB = cgroup?.memoryPeakMiB() ?? 0;
    if (this.#child?.connected) this.#child.disconnect();
    await mounts.detach(this.#request.id, this.#attached);
    await cgroup?.remove(clock);
    if (isEmpty && this.#uid !== undefined) uids?.give(this.#uid);
    const { id } = this.#request;
    await report({ type: "exit", id, ...exit, outOfMemory, memoryPeakMiB });
  }

  /** Waits for the last process; what was never in the group is found by its uid. */
  async #emptied(): Promise<boolean> {
    const { clock } = this.#deps;
    const isGroupEmpty = (await this.#cgroup?.emptied(clock)) ?? true;
    if (this.#isPlaced || this.#uid === undefined) return isGroupEmpty;
    return (await endProcessesOf({ first: this.#uid, count: 1 }, clock)) && isGroupEmpty;
  }
}

interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
}

function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve, reject) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
    child.once("error", (error) => {
      if (child.pid === undefined) reject(error);
    });
  });
}

async function openAll(
  mounts: OpenMounts,
  wanted: readonly { readonly source: string; readonly target: string }[],
): Promise<readonly { readonly source: string; readonly target: string }[]> {
  return Promise.all(
    wanted.map(async (mount) => ({ ...mount, source: await mounts.open(mount.source) })),
  );
}

/** `{ "child-pid": 123 … }`, possibly in pieces; complete with its closing brace. */
async function initPid(info: Readable): Promise<number | undefined> {
  let text = "";
  for await (const chunk of info) {
    text += String(chunk);
    if (text.includes("}") || text.length > 4096) break;
  }
  const digits = /"child-pid":\s*(\d+)/.exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** When the whole host runs out of memory, functions go before the platform does (proc(5)). */
function preferForOutOfMemory(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, "500");
  } catch {
    // Where the kernel refuses it, the order stays the kernel's own.
  }
}

function writable(child: ChildProcess, descriptor: number): Writable {
  const stream = child.stdio[descriptor as 3];
  if (!stream || !("end" in stream)) throw new Error(`no pipe at ${descriptor}`);
  stream.on("error", () => undefined);
  return stream;
}

function readable(child: ChildProcess, descriptor: number): Readable {
  const stream = child.stdio[descriptor as 3];
  if (!stream || !("read" in stream)) throw new Error(`no pipe at ${descriptor}`);
  stream.on("error", () => undefined);
  return stream;
}
