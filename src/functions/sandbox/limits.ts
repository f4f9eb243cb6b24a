/** Bounds of the sandbox module; the source is named where a number is not our own choice. */

/** Mounts and links one sandbox may ask for; far above any runtime, below what starts slowly. */
export const mountsMax = 128;
/** Longest path of the kernel (PATH_MAX, limits.h), its end included. */
export const pathBytesMax = 4096;
/** Arguments of the boot program. */
export const commandArgumentsMax = 64;
/** Variables of the boot program; it is ours, so this is generous. */
export const environmentVariablesMax = 256;
/** Loopback ports one boot program hands out. */
export const listenersMax = 8;
/** Boot IPC messages read from one sandbox before its pipe is closed. */
export const bootMessagesMax = listenersMax + 8;
/** One core is 1000; a function of 10,240 MB has about six (Lambda developer guide, memory). */
export const cpuMilliMax = 64_000;
export const memoryMiBMax = 1024 * 1024;
export const pidsCeiling = 32_768;

/** From the request to the last listener; a cold disk can be slow, a hang must end. */
export const startTimeoutMs = 30_000;
/** How long a bubblewrap that is to be ended may take to name its first process. */
export const firstWordTimeoutMs = 2_000;
/** From the start of the launcher to its first word. */
export const launcherReadyTimeoutMs = 10_000;
/** Fresh starts of a launcher that keeps dying, and the pause between them. */
export const launcherRestartsMax = 8;
export const launcherRestartPolicy = { baseMs: 50, capMs: 5_000 } as const;
/** A launcher that lived this long is forgiven its earlier deaths. */
export const launcherStableMs = 60_000;

/** Highest descriptor inside: AWS documents 1,024 (Lambda quotas, file descriptors). */
export const descriptorsMax = 1024;
/** Bytes of locked memory a sandbox may have. */
export const lockedMemoryBytesMax = 64 * 1024;

/** Period over which a CPU share is counted; the kernel's default. */
export const cpuPeriodUs = 100_000;
/** The smallest quota the kernel takes. */
export const cpuQuotaUsMin = 1_000;

/** Pause between looks at a cgroup whose processes are dying, and how many looks. */
export const emptyPollMs = 3;
export const emptyPollsMax = 3_000;

/** Bind mounts the launcher keeps; one per runtime directory, so dozens in practice. */
export const bindSourcesMax = 512;

/** Entries up to which a tree is hard-linked; bigger ones are mounted where the launcher can. */
export const hardLinkEntriesMax = 128;
/** Entries of one tree at all; the unpacker's own limit is far below. */
export const treeEntriesMax = 1_000_000;

/** How much of a failed start's error output the error message repeats. */
export const errorOutputBytesMax = 2_048;

/** Host uids for sandboxes when the launcher may choose: above systemd-nspawn's (524288–1879048191). */
export const uidRange = { first: 1_900_000_000, count: 65_536 } as const;

/**
 * What a sandbox may have in TCP buffers where these are no part of its memory (cgroup v1), beside it.
 * At the limit the kernel shrinks windows; nothing is killed.
 * https://docs.kernel.org/admin-guide/cgroup-v1/memory.html#kernel-memory-extension-config-memcg-kmem
 */
export const tcpMemoryShare = 1 / 4;
export const tcpBytesMin = 16 * 1024 * 1024;
