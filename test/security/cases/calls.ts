import {
  architectures,
  forbiddenCalls,
  idleCalls,
} from "#functions/sandbox/drivers/bubblewrap/syscalls.ts";
import type { Outcome } from "../support/attackers.ts";
import type { Attack } from "../support/contest.ts";
import { refusedWith } from "../support/contest.ts";
import { systemCalls } from "../support/system-calls.ts";

const architecture = process.arch === "x64" ? "x64" : "arm64";
const column = architecture === "x64" ? 0 : 1;
const control = "filter";

/** Arguments that reach deepest without harm; without an entry, six times -1. */
const callArguments: Readonly<Record<string, readonly unknown[]>> = {
  add_key: [{ text: "user" }, { text: "skerry" }, { text: "x" }, 1, -3],
  bpf: [0, { zero: 128 }, 128],
  chroot: [{ text: "/tmp" }],
  fanotify_init: [0, 0],
  fsopen: [{ text: "tmpfs" }, 0],
  fspick: [-100, { text: "/" }, 0],
  io_uring_setup: [1, { zero: 256 }],
  keyctl: [0, -3, 1],
  memfd_secret: [0],
  mount: [{ text: "none" }, { text: "/tmp" }, { text: "tmpfs" }, 0, 0],
  move_mount: [-100, { text: "" }, -100, { text: "" }, 0],
  name_to_handle_at: [-100, { text: "/" }, { zero: 256 }, { zero: 8 }, 0],
  open_tree: [-100, { text: "/tmp" }, 1],
  perf_event_open: [{ zero: 128 }, 0, -1, -1, 0],
  personality: [0],
  pivot_root: [{ text: "/tmp" }, { text: "/tmp" }],
  process_vm_readv: ["self", 0, 0, 0, 0, 0],
  process_vm_writev: ["self", 0, 0, 0, 0, 0],
  ptrace: [0, 0, 0, 0],
  request_key: [{ text: "user" }, { text: "skerry" }, 0, 0],
  setdomainname: [{ text: "skerry" }, 6],
  sethostname: [{ text: "skerry" }, 6],
  swapon: [{ text: "/tmp" }, 0],
  swapoff: [{ text: "/tmp" }],
  syslog: [10, 0, 0],
  sysfs: [3],
  umount2: [{ text: "/tmp" }, 8],
  unshare: [0x20000],
  userfaultfd: [1],
};

const namespaces = {
  mount: 0x00020000,
  cgroup: 0x02000000,
  uts: 0x04000000,
  ipc: 0x08000000,
  user: 0x10000000,
  pid: 0x20000000,
  net: 0x40000000,
} as const;
const time = 0x80;
const childSignal = 17;
const notPermitted = refusedWith("EPERM");
const noSuchCall = refusedWith("ENOSYS");

export function callAttacks(): readonly Attack[] {
  return [
    ...Object.entries(forbiddenCalls).flatMap(([name, numbers]) => {
      const number = numbers[column];
      return number === undefined ? [] : [forbidden(name, number)];
    }),
    ...Object.entries(namespaces).flatMap(([name, flag]) => [
      namespaceAttack(`clone into a ${name} namespace`, systemCalls.clone, flag | childSignal),
      namespaceAttack(`unshare the ${name} namespace`, numberOf("unshare"), flag),
    ]),
    namespaceAttack("unshare the time namespace", numberOf("unshare"), time),
    ...conventions(),
    ...[0x5412, 0x541c].map((request): Attack => ({
      ...call(`ioctl 0x${request.toString(16)} on a terminal`, systemCalls.ioctl, [
        0,
        request,
        { zero: 8 },
      ]),
      row: "11 namespaces and mounts",
      blocked: notPermitted,
      succeeded: ({ code }) => code !== "EPERM",
    })),
    {
      ...call("a write-back of every disk of the host", idleCalls.syncfs[column]),
      // Without a file it succeeds only where it is not carried out.
      blocked: ({ code }) => code === "",
      succeeded: ({ code }) => code === "EBADF",
    },
    ...privileged(),
  ];
}

function numberOf(name: keyof typeof forbiddenCalls): number {
  return forbiddenCalls[name][column] ?? -1;
}

function call(id: string, number: number, values?: readonly unknown[]): Attack {
  return {
    row: "12 forbidden calls",
    id,
    operation: "syscall",
    given: { number, ...(values && { values }) },
    raw: true,
    control,
  };
}

/**
 * Refused is EPERM. As a control, any other answer: the kernel looked at the arguments, which are
 * chosen to do no harm.
 */
function forbidden(name: string, number: number): Attack {
  return {
    ...call(name, number, callArguments[name]),
    blocked: notPermitted,
    succeeded: ({ code }) => code !== "EPERM" && code !== "ENOSYS",
    excuse: ({ code }) =>
      code === "ENOSYS"
        ? "this kernel has no such call"
        : "the kernel asks for a capability over the host as well",
  };
}

function namespaceAttack(id: string, number: number, flags: number): Attack {
  return {
    ...call(id, number, [flags, 0, 0, 0, 0]),
    row: "11 namespaces and mounts",
    blocked: notPermitted,
    succeeded: ({ code }) => code === "",
    excuse: () => "this kernel has no such namespace",
  };
}

/** Other doors to the same calls, and numbers that nobody has reviewed. */
function conventions(): readonly Attack[] {
  const { clone3, x32From } = architectures[architecture];
  const absent = (id: string, number: number, row: string): Attack => ({
    ...call(id, number),
    row,
    blocked: noSuchCall,
    succeeded: ({ code }) => code !== "ENOSYS",
    excuse: () => "this kernel has no such call either",
  });
  const x32 = [0, 1, 2, 39, 56, 57, 59, 101, 165, 272, 321, 425, 512, 520, 521, 547];
  return [
    { ...absent("clone3", clone3, "11 namespaces and mounts"), excuse: () => undefined },
    ...(x32From === undefined
      ? []
      : x32.map((number) =>
          absent(`x32 call ${number}`, x32From + number, "13 other conventions"),
        )),
    ...(architecture === "x64"
      ? [11, 20, 21, 120, 310].map((number): Attack => ({
          row: "13 other conventions",
          id: `32-bit call ${number}`,
          operation: "int80",
          given: { number },
          raw: true,
          runtimes: ["native", "node"],
          // 31 is SIGSYS: the filter ends who comes through this door.
          blocked: isEndedBySignal,
          succeeded: (outcome) => !isEndedBySignal(outcome),
          control,
        }))
      : []),
    ...[337, 423, 470, 471, 499, 511, 512, 547, 600, 1000, 1023, 4096, 65_535].map((number) =>
      absent(`unknown call ${number}`, number, "14 unknown calls"),
    ),
  ];
}

function isEndedBySignal({ value }: Outcome): boolean {
  return value === "ended by bad system call";
}

/** Programs whose file would give them more rights. */
function privileged(): readonly Attack[] {
  const row = "15 programs with more rights";
  const isDone = ({ code, value }: Outcome): boolean =>
    code === "" && (value as { readonly status: number }).status === 0; // the operation's answer
  const program = (command: readonly string[], where: Attack["control"]): Attack => ({
    row,
    id: command.join(" "),
    operation: "run",
    given: { command },
    blocked: (outcome) => !isDone(outcome),
    succeeded: isDone,
    control: where,
    excuse: ({ code }) => (code === "ENOENT" ? "this host has no such program" : undefined),
  });
  return [
    program(["/bin/su", "-c", "true"], "none"),
    program(["/usr/bin/unshare", "--user", "true"], "filter"),
    program(["/usr/bin/unshare", "--mount", "true"], "filter"),
    program(["/usr/bin/unshare", "--net", "true"], "filter"),
    program(["/usr/bin/unshare", "--pid", "--fork", "true"], "filter"),
    program(["/usr/bin/setpriv", "--reuid", "0", "--clear-groups", "true"], "none"),
    program(["/usr/bin/mount", "-t", "tmpfs", "none", "/tmp"], "filter"),
    program(["/usr/sbin/chroot", "/", "true"], "filter"),
    program(["/usr/bin/bwrap", "--ro-bind", "/", "/", "true"], "filter"),
  ];
}
