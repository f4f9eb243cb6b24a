import { existsSync, readdirSync } from "node:fs";
import { hostname } from "node:os";
import { isListing, isText, nothingListed, nothingRead } from "../support/contest.ts";
import type { Attack } from "../support/contest.ts";
import type { Outcome } from "../support/attackers.ts";
import type { Ground } from "../support/ground.ts";

const control = "none";

const switches = [
  "/proc/sysrq-trigger",
  "/proc/sys/kernel/core_pattern",
  "/proc/sys/kernel/core_pipe_limit",
  "/proc/sys/kernel/core_uses_pid",
  "/proc/sys/kernel/modprobe",
  "/proc/sys/kernel/hotplug",
  "/proc/sys/kernel/hostname",
  "/proc/sys/kernel/domainname",
  "/proc/sys/kernel/sysrq",
  "/proc/sys/kernel/panic",
  "/proc/sys/kernel/panic_on_oops",
  "/proc/sys/kernel/printk",
  "/proc/sys/kernel/randomize_va_space",
  "/proc/sys/kernel/kptr_restrict",
  "/proc/sys/kernel/dmesg_restrict",
  "/proc/sys/kernel/perf_event_paranoid",
  "/proc/sys/kernel/unprivileged_bpf_disabled",
  "/proc/sys/kernel/pid_max",
  "/proc/sys/kernel/threads-max",
  "/proc/sys/kernel/shmmax",
  "/proc/sys/kernel/ns_last_pid",
  "/proc/sys/vm/drop_caches",
  "/proc/sys/vm/overcommit_memory",
  "/proc/sys/vm/panic_on_oom",
  "/proc/sys/vm/oom_kill_allocating_task",
  "/proc/sys/vm/mmap_min_addr",
  "/proc/sys/vm/swappiness",
  "/proc/sys/vm/compact_memory",
  "/proc/sys/fs/file-max",
  "/proc/sys/fs/suid_dumpable",
  "/proc/sys/fs/protected_symlinks",
  "/proc/sys/fs/protected_hardlinks",
  "/proc/sys/net/ipv4/ip_forward",
  "/proc/sys/net/ipv4/ip_unprivileged_port_start",
  "/proc/sys/net/ipv4/ping_group_range",
  "/proc/sys/net/core/bpf_jit_enable",
  "/proc/sys/user/max_user_namespaces",
  "/proc/irq/default_smp_affinity",
  "/proc/self/mem",
  "/proc/self/oom_score_adj",
  "/proc/self/oom_adj",
  "/proc/self/coredump_filter",
  "/proc/self/timerslack_ns",
  "/proc/self/clear_refs",
  "/proc/self/comm",
  "/proc/self/loginuid",
  "/proc/self/autogroup",
  "/proc/self/setgroups",
  "/proc/self/uid_map",
  "/proc/self/gid_map",
  "/proc/self/projid_map",
  "/proc/self/timens_offsets",
  "/proc/self/attr/current",
  "/proc/self/attr/exec",
  "/proc/self/attr/fscreate",
  "/sys/power/state",
  "/sys/kernel/mm/ksm/run",
  "/sys/kernel/uevent_helper",
  "/sys/kernel/mm/transparent_hugepage/enabled",
  "/sys/kernel/profiling",
  "/sys/fs/cgroup/cgroup.procs",
  "/sys/fs/cgroup/memory/cgroup.procs",
  "/sys/fs/cgroup/pids/cgroup.procs",
  "/sys/module/printk/parameters/time",
];
const facts = [
  "cmdline",
  "config.gz",
  "diskstats",
  "interrupts",
  "kallsyms",
  "key-users",
  "keys",
  "latency_stats",
  "modules",
  "partitions",
  "sched_debug",
  "slabinfo",
  "pagetypeinfo",
  "swaps",
  "timer_list",
  "timer_stats",
  "vmallocinfo",
];
const factFolders = ["acpi", "asound", "bus", "fs", "irq", "scsi"];
/** Opened only: what is read of them is gone, or is all of memory. */
const openings = ["kcore", "kmsg", "kpagecount", "kpageflags", "kpagecgroup"];

export function procAttacks(ground: Ground): readonly Attack[] {
  return [
    ...switches.filter(existsSync).map((path): Attack => ({
      row: "3 switches of the kernel",
      id: `open_write ${path}`,
      operation: "open_write",
      given: { path },
      control,
      excuse: ({ code }) =>
        ["EACCES", "EPERM", "EINVAL"].includes(code) ? "the kernel refuses root too" : undefined,
    })),
    ...facts
      .map((name) => `/proc/${name}`)
      .filter(existsSync)
      .map(fact("read")),
    ...openings
      .map((name) => `/proc/${name}`)
      .filter(existsSync)
      .map(fact("through")),
    ...factFolders
      .map((name) => `/proc/${name}`)
      .filter(existsSync)
      .map(fact("list")),
    ...identityAttacks(ground),
  ];
}

function fact(operation: "read" | "through" | "list"): (path: string) => Attack {
  const judged = {
    read: { blocked: nothingRead, succeeded: isText },
    through: {},
    list: { blocked: nothingListed, succeeded: isListing },
  };
  return (path) => ({
    row: "4 facts about the host",
    id: `${operation} ${path}`,
    operation,
    given: { path },
    control,
    ...judged[operation],
    excuse: () => "this host has nothing in it, or shows it to nobody",
  });
}

/** In a container, the first process may be another user's. */
export function closed({ code }: Outcome): string | undefined {
  return code === "EACCES" ? "the first process of this host is closed to root too" : undefined;
}

/** What tells one machine from another, or one tenant from another. */
function identityAttacks(ground: Ground): readonly Attack[] {
  const tells = (id: string, path: string, isTold: (text: string) => boolean): Attack => {
    const succeeded = (outcome: Outcome): boolean =>
      isText(outcome) && isTold(String(outcome.value));
    const row = "2 first process and names";
    const blocked = (outcome: Outcome): boolean => !succeeded(outcome);
    const given = { path, whole: true };
    return { row, id, operation: "read", given, control, blocked, succeeded, excuse: closed };
  };
  const otherInterface = /^\s*(?!lo:)[a-z]\w*:/m;
  const hasMoreThanHead = (text: string): boolean => text.trim().split("\n").length > 1;
  const isInterface = readdirSync("/sys/class/net").length > 1;
  return [
    tells("environment of the first process", "/proc/1/environ", (text) =>
      /(HOME|PATH)=/.test(text),
    ),
    tells("environment of a process of the host", `/proc/${ground.victimPid}/environ`, (text) =>
      text.includes(ground.canary),
    ),
    tells("name of the host", "/proc/sys/kernel/hostname", (text) => text.trim() === hostname()),
    tells("Unix sockets of the host", "/proc/net/unix", (text) => /@\/|\/run\/|canary-/.test(text)),
    ...(isInterface
      ? [
          tells("network interfaces of the host", "/proc/net/dev", (text) =>
            otherInterface.test(text),
          ),
          tells("routes of the host", "/proc/net/route", hasMoreThanHead),
        ]
      : []),
    tells("TCP sockets of the host", ground.hasIpv6 ? "/proc/net/tcp6" : "/proc/net/tcp", (text) =>
      text.includes(`:${ground.port.toString(16).toUpperCase().padStart(4, "0")} `),
    ),
    ...(ground.segment === undefined
      ? []
      : [
          tells("shared memory of the host", "/proc/sysvipc/shm", (text) =>
            new RegExp(`^\\s*${Number(ground.segment) | 0}\\s`, "m").test(text),
          ),
        ]),
    tells(
      "capabilities and privileges to gain",
      "/proc/self/status",
      (text) => /^Cap\w+:\s*0*[1-9a-f]/m.test(text) || /^NoNewPrivs:\s*0/m.test(text),
    ),
  ];
}
