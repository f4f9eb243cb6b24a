/**
 * Numbers of calls that are allowed but must not reach beyond the sandbox, and of those judged by
 * their arguments, from the kernel's tables (arch/x86/entry/syscalls/syscall_64.tbl,
 * include/uapi/asm-generic/unistd.h).
 */
const numbers = {
  clone: [56, 220],
  getpgid: [121, 155],
  getsid: [124, 156],
  get_robust_list: [274, 100],
  ioctl: [16, 29],
  ioprio_get: [252, 31],
  kcmp: [312, 272],

  mlock: [149, 228],
  move_pages: [279, 239],
  mq_open: [240, 180],
  pidfd_open: [434, 434],
  prlimit64: [302, 261],
  process_vm_readv: [310, 270],
  sched_getaffinity: [204, 123],
  sched_getscheduler: [145, 120],
  sched_setscheduler: [144, 119],
  setgid: [106, 144],
  setgroups: [116, 159],
  setpriority: [141, 140],
  setresuid: [117, 147],
  setuid: [105, 146],
  socket: [41, 198],
  socketpair: [53, 199],
  tgkill: [234, 131],
} as const;

const column = process.arch === "x64" ? 0 : 1;

type Numbers = { readonly [Name in keyof typeof numbers]: number };

/** By name, for this machine. */
export const systemCalls = Object.fromEntries(
  Object.entries(numbers).map(([name, pair]) => [name, pair[column]]),
) as Numbers; // the same keys
