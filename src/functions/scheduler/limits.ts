/**
 * Bounds and margins of the scheduler. The histogram's numbers are those of "Serverless in the Wild"
 * (USENIX ATC 2020, section 4.2): one-minute bins up to four hours, the 5th and the 99th percentile with
 * a margin of ten percent, and a spread test before any of it is believed.
 */

export const minuteMs = 60_000;
/** Longest idle time the histogram tells apart; 1-minute bins. */
export const histogramMinutes = 240;
/** Percentiles of idle times that the alive window spans, and how much it is widened. */
export const headPercentile = 5;
export const tailPercentile = 99;
export const windowMargin = 0.1;
/** Idle times needed before regular ones are believed, scattered ones, and an empty stretch among those. */
export const gapsMin = 2;
export const gapsWhenScatteredMin = 5;
export const gapsForStretchMin = 20;
/** Idle times are regular when the window spans at most this share of its end. */
export const regularSpreadMax = 0.2;
/** Few scattered idle times: the window is longer by this share, divided by their number. */
export const scatterMargin = 3;
/** An empty stretch means something when it is this many times the mean distance of two idle times. */
export const chanceFactor = 6;
/** Coefficient of variation of the bins: below it the idle times have no shape to rely on. */
export const binSpreadMin = 2;
/** Share of idle times beyond the histogram above which it says too little. */
export const beyondShareMax = 0.5;
/** Gaps remembered; older ones fade by halves, so a function that changes its habits is followed. */
export const gapsRemembered = 512;
/** Share of its minutes in which a function is called again, from which the rest of each is waited for. */
export const repeatShareMin = 0.05;
/** How long an expected call is waited for beyond the window; never longer than the fixed idle time. */
export const lateGraceMs = 9 * minuteMs;
/** A sandbox is not ended for less time than this: starting it again would cost more than it frees. */
export const unloadMsMin = 90_000;

/** Functions with statistics in memory, and how many are looked at to find one to forget. */
export const functionsRemembered = 10_000;
export const secondChancesMax = 16;
/** Weight of the newest duration in the running mean, and of its deviation (RFC 6298, section 2). */
export const durationWeight = 1 / 8;
export const deviationWeight = 1 / 4;
/** The count of calls halves in this time: what "frequency" means to eviction. */
export const frequencyHalfLifeMs = 10 * minuteMs;
export const frequencyStepMs = 1_000;
/** What a start is taken to cost until one has been measured. */
export const startCostMsDefault = 200;

/** An environment for a known arrival is begun this long before it, and kept this long after. */
export const knownLeadMs = 20_000;
export const knownGraceMs = 40_000;
/** Share of calls that no schedule announced, from which a scheduled function has habits besides. */
export const unannouncedShareMin = 0.1;
/** Starts ahead of callers, as a share of all starts side by side. */
export const aheadStartsShare = 0.5;

/** How long a waiter that does not fit is passed over, and until when the room is then held for it. */
export const passedOverMsMax = 2_000;
export const heldMsMax = 10_000;
/** A waiter that busy environments were expected to serve gets a start after this share of a start's time. */
export const drainPatience = 0.5;
/** … or after this, whichever is sooner: a call that turns out slow must not hold up the next one. */
export const drainMsMax = 50;

/** Wait before the n-th new try of a start that failed by itself; the last one is repeated. */
export const retryDelaysMs: readonly number[] = [1_000, 5_000, 30_000, 120_000, 300_000];
