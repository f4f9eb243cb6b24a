/**
 * Measurements beside a reference: same machine, same run, A B A B …, so that a noisy or drifting
 * machine disturbs both alike. What counts is the ratio of the medians; the spread is printed.
 */
export interface Comparison {
  readonly name: string;
  /** What one number is, e.g. `requests/s` or `ms`. */
  readonly unit: string;
  readonly rounds: number;
  /** One measurement of ours. */
  ours(): Promise<number>;
  /** One measurement of the denominator. */
  readonly reference: { readonly name: string; measure(): Promise<number> };
}

export interface Result {
  readonly name: string;
  readonly unit: string;
  readonly ours: Spread;
  readonly referenceName: string;
  readonly reference: Spread;
  /** ours / reference, of the medians. */
  readonly ratio: number;
}

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export async function compare(comparison: Comparison): Promise<Result> {
  const ours: number[] = [];
  const reference: number[] = [];
  await comparison.ours(); // one warm-up each, not counted
  await comparison.reference.measure();
  for (let round = 0; round < comparison.rounds; round++) {
    ours.push(await comparison.ours());
    reference.push(await comparison.reference.measure());
  }
  const spreads = [spread(ours), spread(reference)] as const;
  return {
    name: comparison.name,
    unit: comparison.unit,
    ours: spreads[0],
    referenceName: comparison.reference.name,
    reference: spreads[1],
    ratio: spreads[0].median / spreads[1].median,
  };
}

function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (fraction: number): number =>
    sorted[Math.floor((sorted.length - 1) * fraction)] ?? NaN;
  return { median: at(0.5), min: at(0), max: at(1) };
}

export function describe(result: Result): string {
  const range = (values: Spread): string =>
    `${format(values.median)} [${format(values.min)} … ${format(values.max)}]`;
  return [
    `${result.name} (${result.unit})`,
    `  ours       ${range(result.ours)}`,
    `  reference  ${range(result.reference)}  ${result.referenceName}`,
    `  ratio      ${result.ratio.toFixed(3)} ×`,
  ].join("\n");
}

function format(value: number): string {
  return value >= 1_000 ? Math.round(value).toLocaleString("en") : value.toFixed(2);
}
