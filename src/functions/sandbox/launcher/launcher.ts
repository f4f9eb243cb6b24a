import type { SendHandle } from "node:child_process";
import { join } from "node:path";
import { systemClock } from "#base/clock.ts";
import { openCgroupTree } from "../drivers/bubblewrap/cgroup-files.ts";
import type { CgroupTree } from "../drivers/bubblewrap/cgroup-files.ts";
import { sharedUid, withoutControls } from "../drivers/bubblewrap/omissions.ts";
import { filterArchitecture, seccompFilter } from "../drivers/bubblewrap/seccomp.ts";
import { closeInheritedDescriptors } from "./descriptors.ts";
import { parseRequest } from "./messages.ts";
import type { TcpHandle } from "../listening-handle.ts";
import type { LauncherReport, LauncherRequest, LauncherSettings } from "./messages.ts";
import { createDirectMounts, createPrivateMounts } from "./mounts.ts";
import { RunningSandbox } from "./running.ts";
import type { RunningDeps } from "./running.ts";
import { createUidPool } from "./uids.ts";

/**
 * The launcher: a small process of its own that makes sandboxes. Spawning from the platform's
 * process would stop it for as long as its memory is large (31.8 ms at 1 GiB, measured); and only
 * this process needs to be root. It opens no sockets, reads no tenant's data, and ends with the
 * platform: when its standard input closes, everything it started is killed.
 */
async function main(): Promise<void> {
  // Written by the driver that started us, in the form of `LauncherSettings`.
  const settings = JSON.parse(process.argv[2] ?? "") as LauncherSettings;
  closeInheritedDescriptors();
  // Inherited by every sandbox: what Lambda functions find, and what lets the binds below be walked.
  process.umask(0o022);
  const cgroups = openCgroupTree(settings.cgroups);
  const deps = createDeps(settings, cgroups);
  const running = new Map<string, RunningSandbox>();

  process.on("message", (value) => {
    const request = parseRequest(value);
    if (request) handle(request, running, deps);
  });
  // Not `disconnect`: Node keeps that to itself while a handle it sent is unanswered, which is just
  // when a platform tends to die. Standard input is a pipe that only the platform holds.
  process.stdin.on("close", () => void stop(running, cgroups)).resume();
  process.on("SIGTERM", () => void stop(running, cgroups));
  // Ctrl-C is the platform's to answer: it lets invocations finish, and then closes our channel.
  for (const signal of ["SIGINT", "SIGHUP"] as const) process.on(signal, () => undefined);
  await deps.report({
    type: "ready",
    capabilities: { ...cgroups.capabilities, ownUids: settings.uids !== undefined },
  });
}

function createDeps(settings: LauncherSettings, cgroups: CgroupTree): RunningDeps {
  const architecture = filterArchitecture(process.arch);
  if (!architecture) throw new Error(`no system-call table for ${process.arch}`);
  const slots = join(settings.directory, "slots");
  const { omissions } = settings;
  return {
    bubblewrap: settings.bubblewrap,
    system: settings.system,
    mounts: settings.uids
      ? createPrivateMounts(slots, omissions?.mountOptions)
      : createDirectMounts(slots),
    cgroups: withoutControls(cgroups, omissions?.controls),
    uids:
      settings.uids &&
      (omissions?.separateUids ? sharedUid(settings.uids) : createUidPool(settings.uids)),
    seccomp: omissions?.filter
      ? Buffer.from(omissions.filter, "base64")
      : seccompFilter(architecture),
    cuts: omissions?.cuts,
    clock: systemClock,
    report: send,
  };
}

/** What still waits to be sent. A lost channel calls nobody back, so `stop` does. */
const unsent = new Set<() => void>();

function send(message: LauncherReport, handle?: SendHandle | TcpHandle): Promise<void> {
  return new Promise((resolve) => {
    // A platform that is gone cannot be told; `stop` follows.
    if (!process.send || !process.connected) return resolve();
    const settle = (): void => {
      unsent.delete(settle);
      resolve();
    };
    unsent.add(settle);
    // Node takes a bare handle too (child_process.js, "net.Native"); its types do not know.
    process.send(message, handle as SendHandle | undefined, { keepOpen: false }, settle);
  });
}

function handle(
  request: LauncherRequest,
  running: Map<string, RunningSandbox>,
  deps: RunningDeps,
): void {
  if (request.type === "create") {
    if (running.has(request.id)) return;
    const sandbox = new RunningSandbox(request, deps);
    running.set(request.id, sandbox);
    void sandbox.done.finally(() => running.delete(request.id));
    return;
  }
  const sandbox = running.get(request.id);
  if (request.type === "kill") return sandbox?.kill();
  void answer(request, sandbox).then(deps.report);
}

async function answer(
  request: Extract<LauncherRequest, { readonly request: number }>,
  sandbox: RunningSandbox | undefined,
): Promise<LauncherReport> {
  try {
    if (!sandbox) throw new Error("the sandbox is gone");
    const isAttached = await sandbox.attach(request.name, request.source);
    return { type: "answer", request: request.request, value: isAttached ? 1 : 0, error: null };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { type: "answer", request: request.request, value: 0, error: message };
  }
}

let isStopping = false;

async function stop(
  running: ReadonlyMap<string, RunningSandbox>,
  cgroups: CgroupTree,
): Promise<void> {
  if (isStopping) return;
  isStopping = true;
  // The clock's timers keep no process alive, and waiting for the last process may need them.
  setInterval(() => undefined, 1_000);
  for (const sandbox of running.values()) sandbox.kill();
  for (const settle of unsent) settle();
  await Promise.all([...running.values()].map((sandbox) => sandbox.done));
  await cgroups.remove(systemClock);
  process.exit(0);
}

await main();
