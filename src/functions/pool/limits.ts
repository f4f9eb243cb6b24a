/**
 * Bounds of the pool. AWS numbers: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 * and https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html (seen 2026-11).
 */

/** "The Init phase is limited to 10 seconds"; then it is tried again with the function's timeout. */
export const initTimeoutMs = 10_000;

/** "At 1,769 MB, a function has the equivalent of one vCPU." */
export const memoryMiBPerCpu = 1_769;

/** Init runs with at least this much CPU, as AWS bursts during init; 1000 = one core. */
export const initCpuMilliMin = 1_000;

/** Scratch space of a generic sandbox; another size needs a sandbox of its own. */
export const genericScratchMiB = 512;
/** Memory promised to a generic sandbox until it becomes a function's. */
export const genericMemoryMiB = 256;

/** Cold starts and generic boots side by side; more only makes each of them slower. */
export const startsMax = 8;
/** Invocations that may wait for an environment, of all functions and of one revision. */
export const waitersMax = 10_000;
export const waitersPerFunctionMax = 2_000;
/** Functions whose last revision and last ending are remembered. */
export const functionsKnownMax = 10_000;
/** A kind counts as in use for this long after its last cold start. */
export const kindInUseMs = 30 * 60_000;
/**
 * From the moment a generic sandbox is wanted to its boot: longer than most first calls take, so that
 * refilling does not slow the very call that emptied the pool (by half on two cores, measured).
 */
export const refillPauseMs = 40;
/**
 * For this long what is evicted lives on where its successor has a ready-made sandbox: until the first call
 * is answered (a fifth of which the killing took, on two cores). So much more than the budget may be in use.
 */
export const evictionPauseMs = 40;
/** Failed generic boots in a row after which a kind is left alone until somebody needs it. */
export const genericFailuresMax = 3;

/**
 * Code that keeps failing in its init: how many failures in a row are free, and for how long its calls
 * are then told the last one's error before there is another start. Ours; the service only says that
 * it may wait. The cap is what a developer who repaired something outside of the code waits at most.
 */
export const initFailurePolicy = { freeCount: 5, baseMs: 250, capMs: 5_000 } as const;
export const brokenRevisionsMax = 1_000;

/** From a deployment or a first start to the making of a compile cache; nobody waits for that. */
export const compilePauseMs = 500;
/** Functions that wait for theirs, and those remembered as done with. */
export const compilesWaitingMax = 10_000;

/** Cold starts remembered for explanation. */
export const startsRemembered = 256;

/** Loopback port inside every sandbox: the way to the internet. */
export const proxyPort = 3128;

/**
 * How long an idle environment runs on before it is frozen. Freezing and thawing cost about a
 * millisecond of CPU together, so at four times a second, the worst case, they stay below half a percent
 * of a core; what a handler left running gains a quarter of a second.
 */
export const freezeAfterMsDefault = 250;

/** An environment ends this long before its credentials do. */
export const credentialsMarginMs = 60_000;

/** Largest log event CloudWatch takes is 256 KiB with 26 bytes of overhead (PutLogEvents). */
export const lineBytesMax = 256 * 1024 - 64;
/** Log tail for `LogType: Tail`: "the last 4 KB". */
export const tailBytesMax = 4 * 1024;
/**
 * What an event costs besides its text, as CloudWatch counts it ("26 bytes for each log event",
 * PutLogEvents); without it empty lines would be free, and without end.
 */
export const logEventOverheadBytes = 26;
/** Log bytes of one environment that are kept, per second and at once. The rest is counted. */
export const logBytesPerSecond = 4 * 1024 * 1024;
export const logBurstBytes = 16 * 1024 * 1024;
/** Output bytes read from one environment per window; beyond it the function waits, not the platform. */
export const readBytesPerWindow = 8 * 1024 * 1024;
export const readWindowMs = 100;
/** A line counts as that many bytes more: it is work of its own, however short it is. */
export const lineReadBytes = 256;
/**
 * The same between invocations, when only left-over processes can print: enough for what was still in
 * the socket at the end of the last one. (The service freezes everything then.)
 */
export const idleReadBytesPerWindow = 256 * 1024;
export const idleReadWindowMs = 1_000;
/** How long to wait for the rest of a dead sandbox's output. */
export const drainTimeoutMs = 250;
/** How old the memory figure of a REPORT may be. */
export const memoryPeakAgeMs = 100;
/** Extensions of one environment whose output is kept apart; as many as the service allows. */
export const extensionsMax = 10;
