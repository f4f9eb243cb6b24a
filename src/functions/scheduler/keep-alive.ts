import type { CallStatistics } from "./arrivals.ts";
import {
  knownGraceMs,
  knownLeadMs,
  lateGraceMs,
  minuteMs,
  repeatShareMin,
  unannouncedShareMin,
  unloadMsMin,
} from "./limits.ts";

/** When an idle function should be alive. Monotonic milliseconds. */
export interface Outlook {
  /** End idle environments then. */
  readonly keepUntilMs: number;
  /** Have one ready again from `atMs`, and give it up at `untilMs` if nobody came. */
  readonly prewarm: Window | undefined;
}

export interface Window {
  readonly atMs: number;
  readonly untilMs: number;
}

/**
 * The hybrid histogram policy of "Serverless in the Wild" (USENIX ATC 2020, section 4.2): alive between
 * the 5th and the 99th percentile of the function's idle times, ended in between when that frees enough,
 * and a fixed time where the idle times have no shape. A call that a schedule has announced has a window
 * of its own; a function that only schedules call is alive for nothing else.
 */
export function outlook(question: {
  readonly statistics: CallStatistics | undefined;
  /** When the function became idle. */
  readonly idleSinceMs: number;
  /** What of its idle time is over or decided already. */
  readonly elapsedMs: number;
  /** Next call that a schedule has announced; undefined when none does. */
  readonly nextKnownMs: number | undefined;
  /** Keep-alive of functions about which nothing is known. */
  readonly fallbackMs: number;
}): Outlook {
  const { statistics, idleSinceMs, elapsedMs, nextKnownMs } = question;
  if (nextKnownMs === undefined) return byHabit(question);
  const known = knownWindow(nextKnownMs);
  const habit: Outlook = isCalledBySchedule(statistics)
    ? { keepUntilMs: idleSinceMs + elapsedMs, prewarm: undefined }
    : byHabit(question);
  if (known.atMs - habit.keepUntilMs < unloadMsMin)
    return { keepUntilMs: Math.max(habit.keepUntilMs, known.untilMs), prewarm: habit.prewarm };
  const isKnownFirst = habit.prewarm === undefined || known.atMs < habit.prewarm.atMs;
  return { ...habit, prewarm: isKnownFirst ? known : habit.prewarm };
}

/** Around a call that a schedule has announced. */
export function knownWindow(atMs: number): Window {
  return { atMs: atMs - knownLeadMs, untilMs: atMs + knownGraceMs };
}

function isCalledBySchedule(statistics: CallStatistics | undefined): boolean {
  if (!statistics) return true;
  const { announcedCount, unannouncedCount } = statistics;
  return unannouncedCount <= (announcedCount + unannouncedCount) * unannouncedShareMin;
}

function byHabit(question: Parameters<typeof outlook>[0]): Outlook {
  const { statistics, idleSinceMs, elapsedMs, fallbackMs } = question;
  const stretches = statistics?.idleTimes?.stretches ?? [];
  if (!statistics || stretches.length === 0)
    return { keepUntilMs: idleSinceMs + Math.max(elapsedMs, fallbackMs), prewarm: undefined };
  // Calls come in company: the rest of the minute is waited for.
  const lingerMs = statistics.repeatShare >= repeatShareMin ? minuteMs : 0;
  let keepMs = Math.max(elapsedMs, lingerMs);
  // Whoever is later than ever before still finds it warm. It costs nothing while calls come as foreseen.
  const graceMs = Math.min(lateGraceMs, fallbackMs);
  for (const { fromMs, toMs: tailMs } of stretches) {
    const toMs = tailMs + graceMs;
    if (fromMs - keepMs >= unloadMsMin) {
      const prewarm = { atMs: idleSinceMs + fromMs, untilMs: idleSinceMs + toMs };
      return { keepUntilMs: idleSinceMs + keepMs, prewarm };
    }
    keepMs = Math.max(keepMs, toMs);
  }
  return { keepUntilMs: idleSinceMs + keepMs, prewarm: undefined };
}
