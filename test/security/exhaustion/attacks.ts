import { allowEverything } from "../support/filters.ts";
import type { AttackerRuntime } from "../support/attackers.ts";
import type { TargetSettings } from "../support/platform.ts";
import type { Told } from "./carry-out.ts";

/** Something a function uses up, what stops it, and what happens where nothing does. */
export interface Attack {
  /** Row of the attack list. */
  readonly row: string;
  readonly what: string;
  readonly operation: string;
  readonly given: Readonly<Record<string, unknown>>;
  readonly runtimes: readonly AttackerRuntime[];
  readonly memoryMiB: number;
  readonly timeoutSeconds: number;
  /** Undefined when it was stopped as it should be; else what was seen instead. */
  readonly blocked: (told: Told) => string | undefined;
  readonly control: Control;
}

export type Control =
  | {
      readonly without: NonNullable<TargetSettings["without"]>;
      /** True when the attack reached what it was after. */
      readonly succeeded: (told: Told) => boolean;
    }
  | { readonly impossible: string };

const all = ["node", "python", "native"] as const;

/** AWS's numbers: 1,024 processes and threads, 1,024 descriptors, 512 MB of `/tmp`. */
const processesMax = 1_024;
const descriptorsMax = 1_024;

const roomy = { memoryMiB: 1_769, timeoutSeconds: 200 };
const small = { memoryMiB: 256, timeoutSeconds: 200 };
const attackMiB = 320;

/** Counted its steps and was refused one, before `most`. */
const refusedBefore =
  (most: number, ...codes: readonly string[]) =>
  ({ outcome, error }: Told): string | undefined => {
    const { count, code } = (outcome?.value ?? {}) as { count?: number; code?: string }; // checked
    if (error !== undefined) return `the function failed: ${error}`;
    if (count === undefined || code === undefined) return `no count: ${outcome?.code}`;
    if (count > most) return `${count} steps of at most ${most}`;
    return codes.includes(code) ? undefined : `after ${count} steps: ${code}`;
  };

const reached =
  (count: number) =>
  ({ outcome }: Told): boolean =>
    (outcome?.value as { count?: number } | undefined)?.count === count; // the counting operations

/** The sandbox went, and it was told why; or the runtime gave up by itself at its own limit. */
const outOfMemory = ({ error, report }: Told): string | undefined => {
  if (error !== "Runtime.ExitError") return `ended with ${error}`;
  if (/Error Type: Runtime\.OutOfMemory/.test(report)) return undefined;
  return `reported as ${report}`;
};

const failedWith =
  (...codes: readonly string[]) =>
  ({ outcome, error }: Told): string | undefined =>
    codes.includes(outcome?.code ?? "") ? undefined : `${error ?? outcome?.code}`;

const went = ({ outcome }: Told): boolean => outcome?.code === "";

const timedOut = ({ error, report }: Told): string | undefined => {
  if (error !== "Sandbox.Timedout") return `ended with ${error}`;
  return /Billed Duration: 1\d{3} ms/.test(report) ? undefined : `billed ${report}`;
};

const memoryOff = { controls: ["memoryMiB"] } as const;
const memoryControl: Control = { without: memoryOff, succeeded: went };

function memoryBomb(
  what: string,
  operation: string,
  runtimes: readonly AttackerRuntime[],
  given: Attack["given"] = {},
): Attack {
  return {
    row: "17 memory bomb",
    what,
    operation,
    given: { size: attackMiB, ...given },
    runtimes,
    ...small,
    blocked: outOfMemory,
    control: memoryControl,
  };
}

/**
 * Buffers of the kernel, in several processes. On cgroup v1 the kernel may end one of them only, and TCP
 * has a limit of its own at which writing stops; then less is held than was wanted.
 */
function manyProcesses(
  what: string,
  operation: string,
  runtimes: readonly AttackerRuntime[],
): Attack {
  const held = ({ outcome }: Told): number => Number(outcome?.value);
  return {
    ...memoryBomb(what, operation, runtimes, { processes: 8 }),
    blocked: (told) => (held(told) < attackMiB ? undefined : outOfMemory(told)),
    control: { without: memoryOff, succeeded: (told) => held(told) >= attackMiB },
  };
}

export const attacks: readonly Attack[] = [
  {
    row: "16 fork bomb",
    what: "as many processes as it can get",
    operation: "processes",
    given: { max: 1_100 },
    runtimes: all,
    ...roomy,
    blocked: refusedBefore(processesMax, "EAGAIN"),
    control: { without: { controls: ["pidsMax"] }, succeeded: reached(1_100) },
  },
  {
    row: "16 fork bomb",
    what: "processes that make processes, until the timeout",
    operation: "bomb",
    given: {},
    runtimes: all,
    memoryMiB: 1_769,
    timeoutSeconds: 1,
    blocked: timedOut,
    control: { impossible: "a bomb without a limit takes the host's process table" },
  },
  memoryBomb("on the heap", "heap", ["python", "native"]),
  {
    ...memoryBomb("on the heap", "heap", ["node"]),
    // V8 has a limit of its own, told by the runtime, and may be the first to give up.
    blocked: ({ error }) => (error === "Runtime.ExitError" ? undefined : `ended with ${error}`),
    control: { impossible: "V8's own limit holds without any of ours" },
  },
  memoryBomb("in buffers", "buffers", all),
  memoryBomb("in a memfd", "memfd", ["python", "native"]),
  memoryBomb("in files of /tmp", "file", all, { path: "/tmp/bomb" }),
  memoryBomb("in shared memory", "shared", all),
  memoryBomb("in buffers of sockets", "sockets", ["node"], { max: 400, size: 400 }),
  manyProcesses("in buffers of sockets", "sockets", ["python", "native"]),
  manyProcesses("in buffers of TCP", "connections", ["python"]),
  {
    ...manyProcesses("in pipes", "pipes", ["python", "native"]),
    blocked: ({ outcome }) => {
      const heldMiB = Number(outcome?.value);
      return heldMiB > 0 && heldMiB < attackMiB ? undefined : `${heldMiB} MiB`;
    },
    control: { impossible: "the kernel's own limit of pipe pages per user holds first" },
  },
  {
    row: "18 filling up",
    what: "/tmp beyond its size",
    operation: "file",
    given: { path: "/tmp/full", size: 560 },
    runtimes: all,
    ...roomy,
    blocked: failedWith("ENOSPC"),
    control: { without: { cuts: [{ words: ["--size", null] }] }, succeeded: went },
  },
  ...["/dev/full-of-it", "/dev/shm/full-of-it"].map((path): Attack => ({
    row: "18 filling up",
    what: path.replace("/full-of-it", ""),
    operation: "touch",
    given: { path },
    runtimes: all,
    ...small,
    blocked: failedWith("EROFS", "EACCES"),
    control: { without: { cuts: [{ words: ["--remount-ro", "/dev"] }] }, succeeded: went },
  })),
  {
    row: "18 filling up",
    what: "/tmp with empty files",
    operation: "inodes",
    given: { max: 300_000 },
    runtimes: ["native"],
    memoryMiB: 128,
    timeoutSeconds: 200,
    blocked: outOfMemory,
    control: {
      without: { controls: ["memoryMiB", "cpuMilli"] },
      succeeded: reached(300_000),
    },
  },
  {
    row: "19 kernel objects",
    what: "descriptors",
    operation: "descriptors",
    given: { max: 2_000 },
    runtimes: all,
    ...small,
    blocked: refusedBefore(descriptorsMax, "EMFILE"),
    control: { without: { limits: ["nofile"] }, succeeded: reached(2_000) },
  },
  {
    row: "19 kernel objects",
    what: "threads",
    operation: "threads",
    given: { max: 1_100 },
    runtimes: ["python"],
    ...roomy,
    blocked: refusedBefore(processesMax, "EAGAIN", "can't start new thread"),
    control: { without: { controls: ["pidsMax"] }, succeeded: reached(1_100) },
  },
  {
    row: "19 kernel objects",
    what: "epoll instances",
    operation: "epoll",
    given: { max: 2_000 },
    runtimes: ["python", "native"],
    ...small,
    blocked: refusedBefore(descriptorsMax, "EMFILE"),
    control: { without: { limits: ["nofile"] }, succeeded: reached(2_000) },
  },
  {
    row: "19 kernel objects",
    what: "message queues",
    operation: "queues",
    given: { max: 4 },
    runtimes: ["python", "native"],
    ...small,
    blocked: refusedBefore(0, "EMFILE", "ENOSYS", "EPERM"),
    control: { without: { limits: ["msgqueue"] }, succeeded: reached(4) },
  },
  {
    row: "19 kernel objects",
    what: "keys",
    operation: "keys",
    given: { max: 4 },
    runtimes: ["python", "native"],
    ...small,
    blocked: refusedBefore(0, "EPERM", "ENOSYS"),
    control: { without: { filter: allowEverything }, succeeded: reached(4) },
  },
  {
    row: "20 endless work",
    what: "a loop past the timeout, deaf to SIGTERM",
    operation: "spin",
    given: { ms: 30_000 },
    runtimes: all,
    memoryMiB: 256,
    timeoutSeconds: 1,
    blocked: timedOut,
    control: {
      impossible: "the timeout is the platform's own clock, not a defence that comes off",
    },
  },
  {
    row: "20 endless work",
    what: "loops on all threads past the timeout",
    operation: "spin",
    given: { ms: 30_000, threads: 8 },
    runtimes: all,
    memoryMiB: 1_769,
    timeoutSeconds: 1,
    blocked: timedOut,
    control: {
      impossible: "the timeout is the platform's own clock, not a defence that comes off",
    },
  },
];
