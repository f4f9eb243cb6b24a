import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { backoffMs } from "#base/backoff.ts";
import type { Clock } from "#base/clock.ts";
import type { Logger } from "#base/context.ts";
import { PlatformError } from "#base/errors.ts";
import { ignore } from "#base/ignore.ts";
import type { Random } from "#base/random.ts";
import { parseReport } from "../../launcher/messages.ts";
import type {
  Capabilities,
  LauncherReport,
  LauncherRequest,
  LauncherSettings,
} from "../../launcher/messages.ts";
import {
  descriptorsMax,
  errorOutputBytesMax,
  launcherReadyTimeoutMs,
  launcherRestartPolicy,
  launcherRestartsMax,
  launcherStableMs,
  lockedMemoryBytesMax,
} from "../../limits.ts";

/** The launcher process as the driver sees it: always one running, started again when it dies. */
export interface LauncherLink extends AsyncDisposable {
  /** Resolves once a launcher is ready to take requests. Errors: `sandbox.launcher-lost`. */
  ready(): Promise<Capabilities>;
  /** Errors: `sandbox.launcher-lost`. */
  send(request: LauncherRequest): void;
  /** The running launcher's process id, or that of the process it ends with; for tests that end it. */
  readonly pid: number | undefined;
}

export interface LauncherLinkDeps {
  /** Asked before each start: clears what an earlier launcher left. */
  readonly prepare: () => Promise<LauncherSettings>;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: Random;
  readonly onReport: (report: LauncherReport, handle: unknown) => void;
  /** The launcher is gone, and with it everything it had started; `recovered` once remains are cleared. */
  readonly onLost: (recovered: Promise<unknown>) => void;
}

export function createLauncherLink(deps: LauncherLinkDeps): LauncherLink {
  const { clock, log, random } = deps;
  const ending = new AbortController();
  let child: ChildProcess | undefined;
  let state: Promise<Capabilities> | undefined;
  let failures = 0;
  let lastFailureMs = 0;

  const start = async (): Promise<Capabilities> => {
    const settings = await deps.prepare().catch((error: unknown) => {
      state = undefined; // the next one to ask tries again
      throw error;
    });
    if (ending.signal.aborted) throw lost("the driver is stopping");
    const startedMs = clock.monotonicMs();
    const starting = startLauncher(deps, settings);
    child = starting.child;
    starting.child.once("exit", (code, signal) => {
      if (child === starting.child) child = undefined;
      if (ending.signal.aborted) return;
      const livedMs = clock.monotonicMs() - startedMs;
      failures = livedMs > launcherStableMs ? 1 : failures + 1;
      lastFailureMs = clock.monotonicMs();
      log.event("sandbox.launcher-lost", { code, signal, livedMs, output: starting.output() });
      state = restart();
      ignore(state, "whoever needs the launcher next is told");
      deps.onLost(state);
    });
    return starting.ready;
  };
  const restart = async (): Promise<Capabilities> => {
    if (failures > launcherRestartsMax)
      throw lost("it died too often and is left alone for a minute");
    await clock.sleep(backoffMs(failures, launcherRestartPolicy, random), ending.signal);
    return start();
  };
  return {
    get pid() {
      return child?.pid;
    },
    ready() {
      if (ending.signal.aborted) return Promise.reject(lost("the driver is stopping"));
      const isGivenUp = failures > launcherRestartsMax;
      if (isGivenUp && clock.monotonicMs() - lastFailureMs > launcherStableMs) {
        failures = 0;
        state = undefined;
      }
      state ??= start();
      return state;
    },
    send(request) {
      if (!child?.connected) throw lost("it is not running");
      child.send(request, (error) => {
        if (error) log.event("sandbox.launcher-send-failed", { type: request.type });
      });
    },
    async [Symbol.asyncDispose]() {
      ending.abort(new Error("the driver is stopping"));
      const last = child;
      if (last && last.exitCode === null && last.signalCode === null) {
        const gone = new Promise((resolve) => last.once("exit", resolve));
        last.stdin?.destroy();
        await gone;
      }
      await state?.catch(() => undefined); // one being prepared is not started any more
    },
  };
}

function lost(why: string): PlatformError {
  return new PlatformError("sandbox.launcher-lost", `The sandbox launcher is gone: ${why}.`);
}

function startLauncher(
  deps: LauncherLinkDeps,
  settings: LauncherSettings,
): {
  readonly child: ChildProcess;
  readonly ready: Promise<Capabilities>;
  readonly output: () => string;
} {
  const [program, ...rest] = launcherCommand(settings);
  const child = spawn(program, rest, {
    cwd: "/",
    // Nothing of the platform's environment: secrets in it would be a sandbox escape away.
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
    // A session of its own: a terminal's Ctrl-C reaches neither it nor its sandboxes.
    detached: true,
    stdio: ["pipe", "ignore", "pipe", "ipc"],
    serialization: "json",
  });
  // Held open as long as this process lives; its end is what the launcher ends by.
  child.stdin?.on("error", () => undefined);
  let output = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    output = (output + text).slice(-errorOutputBytesMax);
  });
  const ready = new Promise<Capabilities>((resolve, reject) => {
    const timer = deps.clock.timer(launcherReadyTimeoutMs, () => {
      child.kill("SIGKILL");
      reject(lost("it did not become ready"));
    });
    const settle = (act: () => void): void => {
      timer[Symbol.dispose]();
      act();
    };
    child.once("error", (error) => settle(() => reject(lost(error.message))));
    child.once("exit", () => settle(() => reject(lost(output.trim() || "it ended at once"))));
    child.on("message", (value, handle) => {
      const report = parseReport(value);
      if (report?.type === "ready") settle(() => resolve(report.capabilities));
      else if (report) deps.onReport(report, handle);
    });
  });
  ignore(ready, "reported to whoever asks through `ready()`");
  return { child, ready, output: () => output };
}

/**
 * The first process of the launcher's process namespace. It does nothing but wait: for the launcher,
 * with which it ends, and for processes whose bubblewrap died before them. With it the kernel ends all
 * there is in the namespace (pid_namespaces(7)), in whatever phase of their start, before the platform
 * hears of the launcher's end. A last command would take the shell's place, hence the second.
 */
const firstProcess = ["/bin/sh", "-c", '"$@"; exit $?', "skerry-launcher"];

/**
 * Limits every sandbox inherits are set once, here. Root also gets a mount namespace of its own, and a
 * process namespace that ends with the launcher: bubblewrap asks to be ended with its parent, but only a
 * moment after it has forked, and a launcher killed in that moment would leave a process waiting for ever.
 */
function launcherCommand(settings: LauncherSettings): readonly [string, ...string[]] {
  const here = import.meta.url;
  const entry = fileURLToPath(new URL(`../../launcher/launcher${extname(here)}`, here));
  const conditions = extname(here) === ".ts" ? ["--conditions=source"] : [];
  const limits = [
    `--nofile=${descriptorsMax}:${descriptorsMax}`,
    `--memlock=${lockedMemoryBytesMax}:${lockedMemoryBytesMax}`,
    "--msgqueue=0:0",
    // 1, not 0: for a core pattern that is a pipe only 1 keeps the kernel from starting the program.
    "--core=1:1",
  ].filter((limit) => !settings.omissions?.limits?.includes(limit.replace(/^--|=.*$/g, "")));
  const node = [process.execPath, "--max-semi-space-size=1", ...conditions, entry];
  const own =
    "unshare --mount --propagation private --pid --fork --kill-child --mount-proc --".split(" ");
  const namespaces = settings.uids ? [...own, ...firstProcess] : [];
  return ["prlimit", ...limits, "--", ...namespaces, ...node, JSON.stringify(settings)];
}
