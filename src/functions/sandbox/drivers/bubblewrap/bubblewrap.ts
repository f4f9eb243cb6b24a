import { readdirSync } from "node:fs";
import { rm, rmdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Clock } from "#base/clock.ts";
import type { Logger } from "#base/context.ts";
import { PlatformError } from "#base/errors.ts";
import { ignore } from "#base/ignore.ts";
import { randomHex } from "#base/ids.ts";
import type { Random } from "#base/random.ts";
import { isPath, isSlotName, parseRequest } from "../../launcher/messages.ts";
import type { Capabilities, LauncherReport, LauncherRequest } from "../../launcher/messages.ts";
import { endOrphans } from "../../launcher/orphans.ts";
import { makeDirectory } from "../../directories.ts";
import { startTimeoutMs, uidRange } from "../../limits.ts";
import type {
  Sandbox,
  SandboxChange,
  SandboxDriver,
  SandboxLimits,
  SandboxProperty,
  SandboxSpec,
} from "../../sandbox.ts";
import type { CgroupLayout } from "./cgroup.ts";
import { openCgroupTree } from "./cgroup-files.ts";
import type { Cgroup, CgroupTree } from "./cgroup-files.ts";
import { openCgroupHome, ownCgroups, removeAbandoned, removeCgroupHome } from "./cgroup-home.ts";
import type { CgroupHome } from "./cgroup-home.ts";
import { instanceName, instancePrefix, isInstanceAlive } from "./instance.ts";
import { createLauncherLink } from "./launcher-link.ts";
import type { LauncherLink } from "./launcher-link.ts";
import { withoutControls } from "./omissions.ts";
import type { Omissions } from "./omissions.ts";
import { LiveSandbox, startFailed } from "../../live-sandbox.ts";
import { probeSpec } from "./probe-sandbox.ts";
import { findBubblewrap, probeHost } from "./probe.ts";
import { runSelfTest } from "./self-test.ts";
import { linkSmallTree, linkTree } from "../../slot.ts";
import { createSystemTree } from "./system-tree.ts";

export type { Omissions } from "./omissions.ts";

export interface BubblewrapDeps {
  /** Existing directory on the file system of the unpacked code; the driver keeps its own below it. */
  readonly workDir: string;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: Random;
  /** Host uids to use when started as root; the default range belongs to nobody by convention. */
  readonly uids?: { readonly first: number; readonly count: number };
  /** Defences to do without; only tests of the attacks pass any. */
  readonly omissions?: Omissions;
}

/** The driver, with what only tests and `doctor` look at. */
export interface BubblewrapDriver extends SandboxDriver {
  /** What the host's control groups allow. Errors: `sandbox.launcher-lost`. */
  capabilities(): Promise<Capabilities>;
  /** Process id of the running launcher. */
  readonly launcherPid: number | undefined;
  /** Sandboxes begun and not yet cleaned up. */
  readonly liveCount: number;
}

/**
 * Sandboxes of Linux namespaces, a system-call filter and control groups, made by bubblewrap in a
 * launcher process. As root every sandbox has a host uid of its own (`multiTenant`); as an ordinary
 * user all share that user's. The launcher starts with the first thing asked of it.
 */
export function createBubblewrapDriver(deps: BubblewrapDeps): BubblewrapDriver {
  return new Driver(deps);
}

class Driver implements BubblewrapDriver {
  readonly name = "bubblewrap";
  readonly isolation = "shared-kernel";
  readonly multiTenant: boolean;
  readonly #deps: BubblewrapDeps;
  readonly #directory: string;
  readonly #live = new Map<string, LiveSandbox>();
  readonly #questions = new Map<number, PromiseWithResolvers<number>>();
  #nextQuestion = 1;
  #link: LauncherLink | undefined;
  #cgroups: CgroupLayout | undefined;
  #home: CgroupHome | undefined;
  #groups: CgroupTree | undefined;
  #isClosed = false;

  constructor(deps: BubblewrapDeps) {
    this.#deps = deps;
    this.multiTenant = process.getuid?.() === 0 && deps.omissions?.ownUids === undefined;
    const instance = join(deps.workDir, instanceName(process.pid));
    this.#directory = join(instance, randomHex(deps.random, 6));
  }

  get launcherPid(): number | undefined {
    return this.#link?.pid;
  }

  get liveCount(): number {
    return this.#live.size;
  }

  async probe(): Promise<{ readonly usable: boolean; readonly reason: string }> {
    return probeHost(async () => {
      const sandbox = await this.create(probeSpec(), new AbortController().signal);
      await sandbox[Symbol.asyncDispose]();
    });
  }

  async limits(): Promise<SandboxLimits> {
    try {
      const { memory, cpu, pids, freeze } = await this.capabilities();
      return { memory, cpu, processes: pids, freeze };
    } catch {
      // A launcher that does not even start enforces nothing; `probe` says why.
      return { memory: false, cpu: false, processes: false, freeze: false };
    }
  }

  async selfTest(): Promise<readonly SandboxProperty[]> {
    return runSelfTest(this, await this.capabilities());
  }

  async capabilities(): Promise<Capabilities> {
    return this.#launcher().ready();
  }

  async create(spec: SandboxSpec, signal: AbortSignal): Promise<Sandbox> {
    signal.throwIfAborted();
    const launcher = this.#launcher();
    await launcher.ready();
    signal.throwIfAborted();
    const id = randomHex(this.#deps.random, 16);
    const request = toRequest(id, spec);
    const sandbox = this.#track(id, spec);
    try {
      launcher.send(request);
    } catch (error) {
      this.#live.delete(id);
      await rm(this.#slot(id), { recursive: true, force: true });
      throw error;
    }
    await this.#booted(sandbox, signal);
    return sandbox;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await Promise.all([...this.#live.values()].map((each) => each[Symbol.asyncDispose]()));
    await this.#link?.[Symbol.asyncDispose]();
    this.#refuseQuestions("the sandbox driver is closed");
    if (this.#home) await removeCgroupHome(this.#home, this.#deps.clock);
    await rm(this.#directory, { recursive: true, force: true });
    // Another driver of this process may still have its part there.
    await rmdir(dirname(this.#directory)).catch(() => undefined);
  }

  /** Waits for the boot; a start that is aborted, late or lost leaves nothing behind. */
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

  #launcher(): LauncherLink {
    if (this.#isClosed) {
      throw new PlatformError("sandbox.launcher-lost", "The sandbox driver is closed.");
    }
    this.#link ??= this.#open();
    return this.#link;
  }

  #open(): LauncherLink {
    const { clock, log, omissions, random, uids = uidRange, workDir } = this.#deps;
    removeAbandonedDirectories(workDir);
    // 0711: sandbox uids may pass through to what they are given, and list nothing.
    makeDirectory(dirname(this.#directory), 0o711);
    makeDirectory(this.#directory, 0o711);
    makeDirectory(join(this.#directory, "slots"), 0o711);
    const start = Math.floor(random.fraction() * uids.count);
    const settings = {
      directory: this.#directory,
      uids: this.multiTenant ? { ...uids, start } : undefined,
      system: createSystemTree(join(this.#directory, "system")),
      bubblewrap: findBubblewrap() ?? "bwrap",
      ...(omissions && { omissions }),
    };
    return createLauncherLink({
      prepare: async () => {
        await this.#clear();
        return { ...settings, cgroups: this.#openHome() };
      },
      log,
      clock,
      random,
      onReport: (report, handle) => this.#onReport(report, handle),
      onLost: (recovered) => this.#onLost(recovered),
    });
  }

  /** Ends what an earlier launcher of this driver left, and platforms that no longer run. */
  async #clear(): Promise<void> {
    const { clock, uids = uidRange } = this.#deps;
    if (this.#home) await removeCgroupHome(this.#home, clock);
    await removeAbandoned(instancePrefix, isInstanceAlive, clock);
    if (this.multiTenant) endOrphans(uids);
  }

  #openHome(): CgroupHome {
    this.#cgroups ??= ownCgroups();
    this.#home = openCgroupHome(
      `${instanceName(process.pid)}-${basename(this.#directory)}`,
      this.#cgroups,
    );
    this.#groups = withoutControls(openCgroupTree(this.#home), this.#deps.omissions?.controls);
    return this.#home;
  }

  #track(id: string, spec: SandboxSpec): LiveSandbox {
    const slot = this.#slot(id);
    // Made by the launcher, which asks for nothing this process may not do: limits of a running sandbox
    // are set and read from here, without asking anybody.
    const group = this.#groups?.find(id, spec);
    makeDirectory(slot, 0o755);
    const sandbox = new LiveSandbox(id, {
      clock: this.#deps.clock,
      listeners: spec.listeners,
      kill: () => this.#tell({ type: "kill", id }),
      link: (name, source) => this.#linkInto(id, name, source),
      configure: async (change) => group && (await configure(group, change)),
      memoryPeakMiB: async () => this.#peakMiB(group),
      cleanUp: async () => {
        this.#live.delete(id);
        await rm(slot, { recursive: true, force: true });
      },
    });
    this.#live.set(id, sandbox);
    return sandbox;
  }

  #peakMiB(group: Cgroup | undefined): number {
    const peakMiB = group?.memoryPeakMiB() ?? 0;
    // A living process has some memory.
    if (peakMiB === 0 && this.#groups?.capabilities.memory) {
      throw new PlatformError("sandbox.start-failed", "The sandbox is gone.");
    }
    return peakMiB;
  }

  #slot(id: string): string {
    return join(this.#directory, "slots", id);
  }

  async #linkInto(id: string, name: string, source: string): Promise<void> {
    if (!isSlotName(name) || !isPath(source)) {
      throw new PlatformError("sandbox.start-failed", `Cannot link ${source} as ${name}.`);
    }
    if (linkSmallTree(source, this.#slot(id), name)) return;
    // Mounting costs the same for any tree, linking a little for each file.
    const request = (question: number): LauncherRequest => ({
      type: "attach",
      id,
      request: question,
      name,
      source,
    });
    if ((await this.#ask(request)) === 1) return;
    await linkTree(source, this.#slot(id), name);
  }

  /** Errors: `sandbox.launcher-lost`; `sandbox.start-failed` carries the launcher's reason. */
  #ask(build: (request: number) => LauncherRequest): Promise<number> {
    const request = this.#nextQuestion++;
    const answer = Promise.withResolvers<number>();
    this.#questions.set(request, answer);
    try {
      this.#launcher().send(build(request));
    } catch (error) {
      this.#questions.delete(request);
      answer.reject(error);
    }
    return answer.promise;
  }

  #tell(request: LauncherRequest): void {
    try {
      this.#link?.send(request);
    } catch {
      // Without a launcher there is nothing left to end: its sandboxes died with it.
    }
  }

  #onReport(report: LauncherReport, handle: unknown): void {
    if (report.type === "answer") {
      const question = this.#questions.get(report.request);
      this.#questions.delete(report.request);
      if (report.error === null) question?.resolve(report.value);
      else question?.reject(new PlatformError("sandbox.start-failed", report.error));
      return;
    }
    if (report.type === "ready") return;
    const sandbox = this.#live.get(report.id);
    if (sandbox) sandbox.receive(report, handle);
    else closeUnwanted(handle);
  }

  /** What was asked and can no longer be answered; nobody waits for ever. */
  #refuseQuestions(why: string): void {
    for (const question of this.#questions.values()) {
      question.reject(new PlatformError("sandbox.launcher-lost", why));
    }
    this.#questions.clear();
  }

  #onLost(recovered: Promise<unknown>): void {
    const error = new PlatformError(
      "sandbox.launcher-lost",
      "The sandbox launcher died, and its sandboxes with it; a new one is being started.",
    );
    this.#refuseQuestions(error.message);
    // As root their process namespace has ended with it; else the new launcher is started when they have.
    const gone = this.multiTenant ? Promise.resolve() : recovered;
    for (const sandbox of this.#live.values()) sandbox.lose(gone, error);
  }
}

/** Errors: `sandbox.start-failed` when the sandbox is gone or its host cannot do it. */
async function configure(group: Cgroup, change: SandboxChange): Promise<void> {
  try {
    await group.configure(change);
    if (change.frozen !== undefined) await group.setFrozen(change.frozen);
  } catch (error) {
    const message = "The sandbox is gone, or this host has no such limit.";
    throw new PlatformError("sandbox.start-failed", message, { cause: error });
  }
}

/** Errors: `sandbox.start-failed` for a specification the launcher would refuse. */
function toRequest(id: string, spec: SandboxSpec): LauncherRequest {
  const request = parseRequest({ type: "create", id, ...spec });
  if (!request) throw startFailed("the specification is outside the limits of a sandbox");
  return request;
}

function closeUnwanted(handle: unknown): void {
  if (typeof handle !== "object" || handle === null) return;
  if ("destroy" in handle && typeof handle.destroy === "function") handle.destroy();
  else if ("close" in handle && typeof handle.close === "function") handle.close();
}

/** Directories of processes that no longer run, e.g. after a `kill -9`. */
function removeAbandonedDirectories(workDir: string): void {
  for (const name of readdirSync(workDir)) {
    if (!name.startsWith(instancePrefix) || isInstanceAlive(name)) continue;
    ignore(rm(join(workDir, name), { recursive: true, force: true }), "the next start tries again");
  }
}
