import { readlinkSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Facts } from "../../launcher/inside/probe.ts";
import type { SandboxDriver, SandboxProperty } from "../../sandbox.ts";
import { createProbe, probeSpec } from "./probe-sandbox.ts";
import type { ProbeSandbox } from "./probe-sandbox.ts";

/** Enough for every check together on a slow host. */
const selfTestTimeoutMs = 60_000;
const scratchMiB = 16;
const pidsMax = 40;
/** A quarter of a core, and how much a busy loop may measure before the share counts as not held. */
const cpuMilli = 250;
const cpuShareMax = 0.5;
const spinMs = 600;
/** How long a frozen sandbox must be silent to count as frozen. */
const frozenMs = 100;

type Check = (probe: ProbeSandbox, facts: Facts) => SandboxProperty | Promise<SandboxProperty>;

/**
 * Makes real sandboxes and looks at each property from inside. A property whose check cannot be
 * carried out does not hold. Rejects only when no sandbox can be made at all.
 */
export async function runSelfTest(
  driver: SandboxDriver,
  supports: {
    readonly memory: boolean;
    readonly cpu: boolean;
    readonly pids: boolean;
    readonly freeze: boolean;
  },
): Promise<readonly SandboxProperty[]> {
  const signal = AbortSignal.timeout(selfTestTimeoutMs);
  const properties: SandboxProperty[] = [];
  {
    await using probe = await createProbe(driver, probeSpec({ scratchMiB, pidsMax }), signal);
    const facts = await probe.ask<Facts>("facts");
    for (const check of checks) properties.push(await check(probe, facts));
    properties.push(await standsStill(probe, supports.freeze));
    properties.push({ ...(await cpuShare(probe)), required: supports.cpu });
    properties.push({ ...(await processLimit(probe)), required: supports.pids });
  }
  properties.push(await descriptorsInside(driver, signal));
  properties.push({ ...(await memoryLimit(driver, signal)), required: supports.memory });
  properties.push(
    property("own-uid", driver.multiTenant, {
      detail: driver.multiTenant
        ? "every sandbox has a host uid of its own"
        : "all sandboxes share this user's uid: single tenant",
      required: false,
    }),
  );
  return properties;
}

function property(
  name: string,
  holds: boolean,
  rest: { readonly detail: string; readonly required?: boolean },
): SandboxProperty {
  return { name, holds, detail: rest.detail, required: rest.required ?? true };
}

const checks: readonly Check[] = [
  (_, facts) => {
    const shared = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"].filter(
      (name) => facts.namespaces[name] === readlinkSync(`/proc/self/ns/${name}`),
    );
    const detail = shared.length === 0 ? "all seven are its own" : `shared: ${shared.join(", ")}`;
    return property("namespaces", shared.length === 0, { detail });
  },
  (_, facts) => {
    // With user namespaces disabled inside, uid_map names the one in between; the kernel writes the
    // host's number into the options of a tmpfs, and leaves it out for root.
    const inside = statusField(facts, "Uid");
    const outside = /tmpfs .*\buid=(\d+)/.exec(facts.mounts)?.[1] ?? "0";
    const detail = `uid ${inside} inside is ${outside} on the host`;
    return property("uid", inside === "1000" && outside !== "0", { detail });
  },
  (_, facts) => {
    const sets = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"];
    const present = sets.filter((name) => !/^0+$/.test(statusField(facts, name)));
    const detail = present.length === 0 ? "none, in all five sets" : `in ${present.join(", ")}`;
    return property("capabilities", present.length === 0, { detail });
  },
  (_, facts) => {
    const value = statusField(facts, "NoNewPrivs");
    return property("no-new-privileges", value === "1", { detail: `NoNewPrivs ${value}` });
  },
  async (probe, facts) => {
    const value = statusField(facts, "Seccomp");
    const nested = await probe.ask<{ status: number | null }>("run", ["unshare", "-U", "true"]);
    const holds = value === "2" && nested.status !== 0;
    return property("system-call-filter", holds, {
      detail: `Seccomp ${value}; a new user namespace was ${nested.status === 0 ? "made" : "refused"}`,
    });
  },
  async (probe) => {
    const paths = [
      "/proc/sys/kernel/core_pattern",
      "/proc/sys/vm/drop_caches",
      "/proc/sysrq-trigger",
      "/proc/sys/kernel/hostname",
      "/proc/self/oom_score_adj",
      "/proc/sys/fs/file-max",
    ];
    const opened = await openable(probe, paths);
    const detail = opened.length === 0 ? "nothing opened for writing" : opened.join(", ");
    return property("proc-sys-read-only", opened.length === 0, { detail });
  },
  async (probe) => {
    const paths = ["cmdline", "kallsyms", "keys", "interrupts", "timer_list", "config.gz"];
    const answers = await probe.ask<string[]>(
      "files",
      paths.map((name) => `/proc/${name}`),
    );
    const shown = paths.filter((_, index) => /^ok [1-9]/.test(answers[index] ?? ""));
    const detail = shown.length === 0 ? "host facts are covered" : `readable: ${shown.join(", ")}`;
    return property("proc-masked", shown.length === 0, { detail });
  },
  (_, facts) => {
    const variables = facts.initEnvironment.split("\0").filter((each) => each !== "");
    const isBare = variables.every((each) => each.startsWith("NODE_CHANNEL_"));
    const holds = isBare && !facts.initCommand.includes("--ro-bind");
    const detail = holds ? "no variables, no paths" : `${variables.length} variables shown`;
    return property("first-process-hidden", holds, { detail });
  },
  (_, facts) => {
    const routes = facts.routes.trim().split("\n").length - 1;
    const holds = facts.interfaces.every((name) => name === "lo") && routes <= 0;
    const detail = `interfaces: ${facts.interfaces.join(", ") || "none"}; routes: ${routes}`;
    return property("no-network", holds, { detail });
  },
  async (probe) => {
    const places = ["/", "/usr", "/etc", "/var", "/var/slot", "/dev", "/dev/shm", "/proc"];
    const script = places.map((each) => `touch ${each}/x 2>/dev/null && echo ${each}`).join(";");
    const result = await probe.ask<{ stdout: string }>("run", ["/bin/sh", "-c", script]);
    const written = result.stdout.trim();
    const detail = written === "" ? "only /tmp can be written" : `written: ${written}`;
    return property("read-only-root", written === "", { detail });
  },
  async (probe) => {
    const filled = await probe.ask<{ bytes: number; code: string }>("fill", "/tmp/full");
    await probe.ask("run", ["rm", "/tmp/full"]);
    const mebibytes = filled.bytes / (1024 * 1024);
    const holds = filled.code === "ENOSPC" && mebibytes <= scratchMiB;
    return property("scratch-size", holds, { detail: `${filled.code} after ${mebibytes} MiB` });
  },
  (_, facts) => {
    const files = /Max open files\s+(\d+)\s+(\d+)/.exec(facts.limits)?.[2];
    const core = /Max core file size\s+(\S+)\s+(\S+)/.exec(facts.limits)?.[2];
    const holds = files === "1024" && core === "1";
    return property("resource-limits", holds, { detail: `open files ${files}, core ${core}` });
  },
];

function statusField(facts: Facts, name: string): string {
  return new RegExp(`^${name}:\\s*(\\S+)`, "m").exec(facts.status)?.[1] ?? "absent";
}

async function openable(probe: ProbeSandbox, paths: readonly string[]): Promise<readonly string[]> {
  const answers = await probe.ask<string[]>("writes", paths);
  return paths.filter((_, index) => answers[index] === "ok");
}

async function cpuShare(probe: ProbeSandbox): Promise<SandboxProperty> {
  try {
    await probe.sandbox.configure({ cpuMilli });
    const { cpuMs } = await probe.ask<{ cpuMs: number }>("spin", spinMs);
    await probe.sandbox.configure({ cpuMilli: 1000 });
    const detail = `${Math.round(cpuMs)} ms of CPU in ${spinMs} ms at ${cpuMilli} thousandths`;
    return property("cpu-share", cpuMs / spinMs <= cpuShareMax, { detail });
  } catch (error) {
    return property("cpu-share", false, { detail: String(error) });
  }
}

async function processLimit(probe: ProbeSandbox): Promise<SandboxProperty> {
  const started = await probe.ask<number>("processes", 4 * pidsMax);
  const detail = `${started} processes started at a limit of ${pidsMax}`;
  return property("process-limit", started < pidsMax, { detail });
}

/** Not required: where it does not hold, what a function left running goes on between invocations. */
async function standsStill(probe: ProbeSandbox, isSupported: boolean): Promise<SandboxProperty> {
  if (!isSupported) {
    const detail = "no cgroup.freeze: left-over work of a function goes on between invocations";
    return property("frozen-when-idle", false, { detail, required: false });
  }
  await probe.sandbox.configure({ frozen: true });
  const answer = probe.ask<number>("counter");
  const early = await Promise.race([answer, sleep(frozenMs, "silent")]);
  await probe.sandbox.configure({ frozen: false });
  const holds = early === "silent" && typeof (await answer) === "number";
  const detail = holds
    ? `silent for ${frozenMs} ms while frozen, answered when thawed`
    : "it answered while it was frozen";
  return property("frozen-when-idle", holds, { detail, required: false });
}

/** Without cgroups the allocation succeeds: it is small enough for any host that runs a platform. */
async function memoryLimit(driver: SandboxDriver, signal: AbortSignal): Promise<SandboxProperty> {
  await using probe = await createProbe(driver, probeSpec({ memoryMiB: 96 }), signal);
  await probe.ask("allocate", 256).catch(() => undefined);
  if (!probe.sandbox.channel.destroyed && !probe.sandbox.channel.readableEnded) {
    return property("memory-limit", false, { detail: "256 MiB were allocated at a limit of 96" });
  }
  const exit = await probe.sandbox.exited;
  const detail = `256 MiB at a limit of 96: ${exit.cause}`;
  return property("memory-limit", exit.cause === "out-of-memory", { detail });
}

/**
 * What a program that opens nothing finds open: asked of a shell in the boot program's place, which
 * says it on its error output and thereby fails to boot.
 */
async function descriptorsInside(
  driver: SandboxDriver,
  signal: AbortSignal,
): Promise<SandboxProperty> {
  let report = "";
  // The words of a program that dies at once are waited for only so long; a busy host may need more.
  for (let tries = 0; tries < 3 && !report.includes("->"); tries++) {
    report = await openInShell(driver, signal);
  }
  const found = [...report.matchAll(/(\d+) -> (\S+)$/gm)]
    .map(([, number, what]) => ({ number, what }))
    // The directory being listed.
    .filter((each) => !each.what?.endsWith("/fd"));
  const numbers = found.map((each) => each.number).join(",");
  const detail = found.map((each) => `${each.number} ${each.what}`).join(", ") || report;
  return property("descriptors", numbers === "0,1,2,3,4", { detail });
}

async function openInShell(driver: SandboxDriver, signal: AbortSignal): Promise<string> {
  const command = ["/bin/sh", "-c", "exec ls -l /proc/self/fd >&2"];
  return driver.create({ ...probeSpec(), command }, signal).then(
    () => "the shell booted",
    (error: unknown) => String(error),
  );
}
