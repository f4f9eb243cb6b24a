import { readlinkSync } from "node:fs";
import { isListing, isText, nothingListed, nothingRead } from "../support/contest.ts";
import type { Attack } from "../support/contest.ts";
import type { Outcome } from "../support/attackers.ts";
import type { Ground } from "../support/ground.ts";
import { systemCalls } from "../support/system-calls.ts";

const row = "5 processes of the host";
const control = "none";
/** All but that of time, which bubblewrap leaves alone: it changes what clocks say, not whose they are. */
const namespaces = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"];
/** Nothing; "continue"; "urgent data"; "window changed": what a process survives. */
const harmlessSignals = [0, 18, 23, 28];

export function processAttacks({ canary, victimPid }: Ground): readonly Attack[] {
  const of = (
    id: string,
    operation: string,
    rest: Partial<Attack> & Pick<Attack, "given">,
  ): Attack => ({
    row,
    id,
    operation,
    control,
    ...rest,
  });
  const raw = (
    name: string,
    call: keyof typeof systemCalls,
    values: readonly unknown[],
  ): Attack => ({
    ...of(name, "syscall", { given: { number: systemCalls[call], values } }),
    raw: true,
  });
  const isVictimListed = ({ value }: Outcome): boolean =>
    Array.isArray(value) && value.includes(String(victimPid));
  const isDone = ({ code, value }: Outcome): boolean =>
    code === "" && (value as { readonly status: number }).status === 0; // the operation's answer
  return [
    ...harmlessSignals.map((number) =>
      of(`signal ${number} to a process of the host`, "signal", {
        given: { pid: victimPid, number },
      }),
    ),
    of("signal 0 to the platform itself", "signal", {
      given: { pid: process.pid, number: 0 },
    }),
    of("priority of a process of the host", "priority", { given: { pid: victimPid } }),
    of("processes of the host listed", "list", {
      given: { path: "/proc" },
      blocked: (outcome) => !isVictimListed(outcome),
      succeeded: isVictimListed,
    }),
    ...["cmdline", "maps", "status", "stat", "limits", "cgroup", "mountinfo"].map((name) =>
      of(`read /proc/victim/${name}`, "read", {
        given: { path: `/proc/${victimPid}/${name}` },
        blocked: nothingRead,
        succeeded: isText,
      }),
    ),
    ...["fd", "root", "task", "ns", "map_files"].map((name) =>
      of(`list /proc/victim/${name}`, "list", {
        given: { path: `/proc/${victimPid}/${name}` },
        blocked: nothingListed,
        succeeded: isListing,
      }),
    ),
    ...["exe", "root/etc/shadow", "cwd"].map((name) =>
      of(`open /proc/victim/${name}`, "through", { given: { path: `/proc/${victimPid}/${name}` } }),
    ),
    ...["mem", "oom_score_adj", "coredump_filter", "clear_refs"].map((name) =>
      of(`open_write /proc/victim/${name}`, "open_write", {
        given: { path: `/proc/${victimPid}/${name}` },
      }),
    ),
    raw("pidfd_open of a process of the host", "pidfd_open", [victimPid, 0]),
    raw("sched_getaffinity of a process of the host", "sched_getaffinity", [
      victimPid,
      128,
      { zero: 128 },
    ]),
    raw("sched_getscheduler of a process of the host", "sched_getscheduler", [victimPid]),
    raw("prlimit64 of a process of the host", "prlimit64", [victimPid, 7, 0, { zero: 16 }]),
    raw("getpgid of a process of the host", "getpgid", [victimPid]),
    raw("getsid of a process of the host", "getsid", [victimPid]),
    raw("ioprio_get of a process of the host", "ioprio_get", [1, victimPid]),
    raw("tgkill of a process of the host", "tgkill", [victimPid, victimPid, 0]),
    raw("process_vm_readv of a process of the host", "process_vm_readv", [
      victimPid,
      { zero: 16 },
      0,
      { zero: 16 },
      0,
      0,
    ]),
    raw("kcmp with a process of the host", "kcmp", [victimPid, victimPid, 0, 0, 0]),
    raw("get_robust_list of a process of the host", "get_robust_list", [
      victimPid,
      { zero: 8 },
      { zero: 8 },
    ]),
    raw("move_pages of a process of the host", "move_pages", [victimPid, 0, 0, 0, 0, 0]),
    raw("setuid to root", "setuid", [0]),
    raw("setgid to root", "setgid", [0]),
    raw("setresuid to root", "setresuid", [0, 0, 0]),
    raw("setgroups to root's", "setgroups", [0, 0]),
    raw("setpriority above others", "setpriority", [0, 0, -20]),
    raw("a real-time scheduler", "sched_setscheduler", [0, 1, { hex: "01000000" }]),
    raw("a higher limit of open files", "prlimit64", [
      0,
      7,
      { hex: "00100000000000000010000000000000" },
      0,
    ]),
    ...namespaces.map((name) => {
      const isHosts = ({ value }: Outcome): boolean =>
        value === readlinkSync(`/proc/self/ns/${name}`);
      return of(`inside the host's ${name} namespace`, "target", {
        given: { path: `/proc/self/ns/${name}` },
        blocked: (outcome) => !isHosts(outcome),
        succeeded: isHosts,
      });
    }),
    of("a device made", "device", {
      given: { path: `/tmp/${canary}` },
      runtimes: ["python", "native"],
    }),
    of("nsenter a process of the host", "run", {
      given: { command: ["/usr/bin/nsenter", "--target", String(victimPid), "--mount", "true"] },
      blocked: (outcome) => !isDone(outcome),
      succeeded: isDone,
    }),
  ];
}
