import {
  beyondShareMax,
  binSpreadMin,
  chanceFactor,
  gapsForStretchMin,
  gapsMin,
  gapsWhenScatteredMin,
  gapsRemembered,
  headPercentile,
  histogramMinutes,
  minuteMs,
  regularSpreadMax,
  scatterMargin,
  tailPercentile,
  unloadMsMin,
  windowMargin,
} from "./limits.ts";

/** Part of an idle time, in milliseconds since its beginning. */
export interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * How long one function was idle between two calls, in bins of a minute. Half a kilobyte, whatever
 * happens. "Serverless in the Wild", USENIX ATC 2020, section 4.2.
 */
export class IdleHistogram {
  /** The last one counts what lies beyond the others. */
  readonly #bins = new Uint16Array(histogramMinutes + 1);
  #total = 0;
  /** Sum of the squares of all bins but the last, kept up so that the spread costs nothing. */
  #squares = 0;

  #stretches: readonly Stretch[] | undefined;

  add(idleMs: number): void {
    if (this.#total >= gapsRemembered) this.#fade();
    const bin = Math.min(histogramMinutes, Math.floor(idleMs / minuteMs));
    const before = this.#bins[bin] ?? 0;
    this.#bins[bin] = before + 1;
    this.#total++;
    if (bin < histogramMinutes) this.#squares += 2 * before + 1;
    this.#stretches = undefined;
  }

  get total(): number {
    return this.#total;
  }

  /**
   * When the next call is to be expected, earliest first; empty when the idle times have no shape that
   * says so. Between two stretches, and before the first, a sandbox would wait in vain. Asked on every
   * return of an environment, so it is worked out once per change.
   */
  get stretches(): readonly Stretch[] {
    this.#stretches ??= this.#findStretches();
    return this.#stretches;
  }

  #findStretches(): readonly Stretch[] {
    const total = this.#total;
    const beyond = this.#bins[histogramMinutes] ?? 0;
    if (total < gapsMin || beyond > total * beyondShareMax) return [];
    const head = this.#percentileBin(headPercentile);
    const tail = Math.min(histogramMinutes - 1, this.#percentileBin(tailPercentile));
    if (tail - head <= Math.max(1, tail * regularSpreadMax)) return [stretch(head, tail)];
    if (!this.#hasShape(total - beyond) || total < gapsWhenScatteredMin) return [];
    // The next one of few falls outside of what was seen so far once in n + 1 times.
    if (total < gapsForStretchMin) {
      const { toMs } = stretch(0, tail);
      return [{ fromMs: 0, toMs: toMs * (1 + scatterMargin / total) }];
    }
    return this.#islands(head, tail);
  }

  #hasShape(within: number): boolean {
    const variance = (histogramMinutes * this.#squares) / within ** 2 - 1;
    return Math.sqrt(Math.max(0, variance)) >= binSpreadMin;
  }

  #islands(head: number, tail: number): readonly Stretch[] {
    // Idle times scattered by chance leave empty stretches too; only longer ones mean something.
    const emptyMsMin = Math.max(
      unloadMsMin,
      ((tail - head) * minuteMs * chanceFactor) / this.#total,
    );
    const found: { fromMs: number; toMs: number }[] = [];
    for (let bin = head; bin <= tail; bin++) {
      if ((this.#bins[bin] ?? 0) === 0) continue;
      const next = stretch(bin, bin);
      const last = found.at(-1);
      if (last && next.fromMs - last.toMs < emptyMsMin) last.toMs = next.toMs;
      else found.push(next);
    }
    return found;
  }

  #percentileBin(percentile: number): number {
    const wanted = Math.max(1, Math.ceil((this.#total * percentile) / 100));
    let seen = 0;
    for (let bin = 0; bin < histogramMinutes; bin++) {
      seen += this.#bins[bin] ?? 0;
      if (seen >= wanted) return bin;
    }
    return histogramMinutes;
  }

  #fade(): void {
    this.#total = 0;
    this.#squares = 0;
    for (let bin = 0; bin <= histogramMinutes; bin++) {
      const half = (this.#bins[bin] ?? 0) >> 1;
      this.#bins[bin] = half;
      this.#total += half;
      if (bin < histogramMinutes) this.#squares += half * half;
    }
  }
}

/** From the lower edge of the first bin to the upper edge of the last, both pushed outwards. */
function stretch(firstBin: number, lastBin: number): { fromMs: number; toMs: number } {
  return {
    fromMs: firstBin * minuteMs * (1 - windowMargin),
    toMs: (lastBin + 1) * minuteMs * (1 + windowMargin),
  };
}
