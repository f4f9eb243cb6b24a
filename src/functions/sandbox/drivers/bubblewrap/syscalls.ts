/**
 * System calls no sandbox may make, with their numbers on [x86_64, aarch64]; undefined where the
 * architecture never had the call. Reviewed 2026-11 against Linux 6.18; the set starts from
 * Flatpak's (flatpak-run.c) and Docker's default profile and adds what neither needs here.
 * Numbers: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h.
 */
export const forbiddenCalls = {
  _sysctl: [156, undefined],
  acct: [163, 89],
  add_key: [248, 217],
  adjtimex: [159, 171],
  afs_syscall: [183, undefined],
  bpf: [321, 280],
  chroot: [161, 51],
  clock_adjtime: [305, 266],
  clock_settime: [227, 112],
  create_module: [174, undefined],
  delete_module: [176, 106],
  epoll_ctl_old: [214, undefined],
  epoll_wait_old: [215, undefined],
  fanotify_init: [300, 262],
  fanotify_mark: [301, 263],
  file_setattr: [469, 469],
  finit_module: [313, 273],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fsopen: [430, 430],
  fspick: [433, 433],
  get_kernel_syms: [177, undefined],
  get_mempolicy: [239, 236],
  getpmsg: [181, undefined],
  init_module: [175, 105],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
  io_uring_setup: [425, 425],
  ioperm: [173, undefined],
  iopl: [172, undefined],
  kcmp: [312, 272],
  kexec_file_load: [320, 294],
  kexec_load: [246, 104],
  keyctl: [250, 219],
  listmount: [458, 458],
  lookup_dcookie: [212, 18],
  lsm_get_self_attr: [459, 459],
  lsm_list_modules: [461, 461],
  lsm_set_self_attr: [460, 460],
  mbind: [237, 235],
  memfd_secret: [447, 447],
  migrate_pages: [256, 238],
  modify_ldt: [154, undefined],
  mount: [165, 40],
  mount_setattr: [442, 442],
  move_mount: [429, 429],
  move_pages: [279, 239],
  name_to_handle_at: [303, 264],
  nfsservctl: [180, 42],
  open_by_handle_at: [304, 265],
  open_tree: [428, 428],
  open_tree_attr: [467, 467],
  perf_event_open: [298, 241],
  personality: [135, 92],
  pidfd_getfd: [438, 438],
  pivot_root: [155, 41],
  process_madvise: [440, 440],
  process_mrelease: [448, 448],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  ptrace: [101, 117],
  putpmsg: [182, undefined],
  query_module: [178, undefined],
  quotactl: [179, 60],
  quotactl_fd: [443, 443],
  reboot: [169, 142],
  request_key: [249, 218],
  security: [185, undefined],
  set_mempolicy: [238, 237],
  set_mempolicy_home_node: [450, 450],
  setdomainname: [171, 162],
  sethostname: [170, 161],
  setns: [308, 268],
  settimeofday: [164, 170],
  statmount: [457, 457],
  swapoff: [168, 225],
  swapon: [167, 224],
  sysfs: [139, undefined],
  syslog: [103, 116],
  tuxcall: [184, undefined],
  umount2: [166, 39],
  unshare: [272, 97],
  uselib: [134, undefined],
  userfaultfd: [323, 282],
  ustat: [136, undefined],
  vhangup: [153, 58],
  vserver: [236, undefined],
} as const satisfies Readonly<
  Record<string, readonly [x64: number | undefined, arm64: number | undefined]>
>;

/**
 * Calls answered with success and not carried out. They write back what all file systems of the host
 * hold, for which every neighbour then waits; a sandbox itself has nothing on any disk.
 */
export const idleCalls = {
  sync: [162, 81],
  syncfs: [306, 267],
} as const satisfies Readonly<Record<string, readonly [x64: number, arm64: number]>>;

export type Architecture = "x64" | "arm64";

export interface ArchitectureNumbers {
  /** AUDIT_ARCH_* of linux/audit.h: what the kernel reports for the calling convention used. */
  readonly audit: number;
  readonly clone: number;
  readonly clone3: number;
  readonly socket: number;
  readonly socketpair: number;
  readonly ioctl: number;
  /** Unassigned ranges below the newest; a later kernel may fill them (x86_64: 335 is uretprobe). */
  readonly unassigned: readonly (readonly [first: number, last: number])[];
  /** Numbers from here on belong to the x32 convention. */
  readonly x32From: number | undefined;
}

export const architectures: Readonly<Record<Architecture, ArchitectureNumbers>> = {
  x64: {
    audit: 0xc000003e,
    clone: 56,
    clone3: 435,
    socket: 41,
    socketpair: 53,
    ioctl: 16,
    unassigned: [[335, 423]],
    x32From: 0x40000000,
  },
  arm64: {
    audit: 0xc00000b7,
    clone: 220,
    clone3: 435,
    socket: 198,
    socketpair: 199,
    ioctl: 29,
    unassigned: [
      [244, 259],
      [295, 423],
    ],
    x32From: undefined,
  },
};

/** The newest call reviewed (file_setattr, Linux 6.17). A number above it does not exist inside. */
export const newestCall = 469;
