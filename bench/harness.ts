/**
 * Measurements beside a reference: same machine, same run, A B A B …, so that a noisy or drifting
 * machine disturbs both alike. What counts is the ratio of the medians; the spread is printed, and with it
 * what the hypervisor took from the machine meanwhile.
 */
import { stealClock } from "./machine.ts";
import { roundsOf } from "./settings.ts";
import type { TargetId } from "./targets.ts";

export interface Comparison {
  readonly name: string;
  /** What one number is, e.g. `requests/s` or `ms`. */
  readonly unit: string;
  readonly rounds: number;
  /** One measurement of ours. */
  ours(): Promise<number>;
  /** One measurement of the denominator. */
  readonly reference: { readonly name: string; measure(): Promise<number> };
  /** The targets this decides. */
  readonly targets?: readonly TargetId[];
}

export interface Result {
  readonly name: string;
  readonly unit: string;
  readonly ours: Spread;
  readonly referenceName: string;
  readonly reference: Spread;
  /** ours / reference, of the medians. */
  readonly ratio: number;
  readonly targets?: readonly TargetId[];
  /** Share of the machine's time that the hypervisor took, in the worst round. */
  readonly stealPercentMax?: number;
  readonly notes?: readonly string[];
}

/** What could not be measured here, and why. */
export interface Absence {
  readonly absent: string;
  readonly why: string;
}

export type Finding = Result | Absence;

export interface Spread {
  readonly count: number;
  readonly median: number;
  readonly p95: number;
  readonly p99: number;
  readonly min: number;
  readonly max: number;
}

/** One of several that are measured in turn. A measurement gives several readings at once. */
export interface Subject<Reading extends string> {
  readonly name: string;
  measure(): Promise<Readonly<Record<Reading, number>>>;
}

/** What one subject showed in all rounds. */
export interface Series<Reading extends string> {
  readonly name: string;
  /** Set when a measurement failed; the others went on without it. */
  readonly failure?: string;
  spread(reading: Reading): Spread;
}

export interface Interleaved<Reading extends string> {
  readonly series: readonly Series<Reading>[];
  readonly stealPercentMax: number;
}

export async function compare(comparison: Comparison): Promise<Result> {
  const { name, unit, reference, targets } = comparison;
  const subjects = [
    { name: "ours", measure: async () => ({ value: await comparison.ours() }) },
    { name: reference.name, measure: async () => ({ value: await reference.measure() }) },
  ];
  const run = await interleave<"value">(subjects, comparison.rounds);
  return pair(run, { name, unit, reading: "value", targets });
}

/**
 * One measurement of each in turn, as often as there are rounds, after `warmUps` of each that do not count.
 * A subject whose measurement fails is left out from then on.
 */
export async function interleave<Reading extends string>(
  subjects: readonly Subject<Reading>[],
  wantedRounds: number,
  warmUps = 1,
): Promise<Interleaved<Reading>> {
  const rounds = roundsOf(wantedRounds);
  const samples = subjects.map((): Readonly<Record<Reading, number>>[] => []);
  const failures = new Map<number, string>();
  let stealPercentMax = 0;
  for (let round = -warmUps; round < rounds; round++) {
    const steal = stealClock();
    for (const [index, subject] of subjects.entries()) {
      if (failures.has(index)) continue;
      try {
        const readings = await subject.measure();
        if (round >= 0) samples[index]?.push(readings);
      } catch (error) {
        failures.set(index, error instanceof Error ? error.message : String(error));
      }
    }
    if (round >= 0) stealPercentMax = Math.max(stealPercentMax, steal.percent());
  }
  const series = subjects.map(({ name }, index): Series<Reading> => {
    const failure = failures.get(index);
    return {
      name,
      ...(failure === undefined ? {} : { failure }),
      spread: (reading) => spread((samples[index] ?? []).map((each) => each[reading])),
    };
  });
  return { series, stealPercentMax };
}

/** The result of one reading of the first subject beside another; an error when either has failed. */
export function pair<Reading extends string>(
  run: Interleaved<Reading>,
  about: {
    readonly name: string;
    readonly unit: string;
    readonly reading: Reading;
    /** Which subject is the denominator; the second unless given. */
    readonly against?: number | undefined;
    readonly targets?: readonly TargetId[] | undefined;
    readonly notes?: readonly string[] | undefined;
  },
): Result {
  const [ours, reference] = [run.series[0], run.series[about.against ?? 1]];
  if (!ours || !reference) throw new Error("a comparison has two sides");
  for (const side of [ours, reference]) {
    if (side.failure !== undefined) throw new Error(`${side.name}: ${side.failure}`);
  }
  return result({
    ...about,
    ours: ours.spread(about.reading),
    referenceName: reference.name,
    reference: reference.spread(about.reading),
    stealPercentMax: run.stealPercentMax,
  });
}

/** A result from two spreads that were measured side by side. */
export function result(
  about: Omit<Result, "ratio" | "targets" | "notes"> & {
    readonly targets?: readonly TargetId[] | undefined;
    readonly notes?: readonly string[] | undefined;
  },
): Result {
  const { targets, notes } = about;
  return {
    name: about.name,
    unit: about.unit,
    ours: about.ours,
    referenceName: about.referenceName,
    reference: about.reference,
    ratio: about.ours.median / about.reference.median,
    ...(targets && { targets }),
    ...(notes && { notes }),
    ...(about.stealPercentMax !== undefined && { stealPercentMax: about.stealPercentMax }),
  };
}

/** Nearest-rank quantiles: each is one of the values. */
export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (fraction: number): number =>
    sorted[Math.max(0, Math.ceil(sorted.length * fraction) - 1)] ?? NaN;
  return {
    count: sorted.length,
    median: at(0.5),
    p95: at(0.95),
    p99: at(0.99),
    min: at(0),
    max: at(1),
  };
}

export function describe(result: Result): string {
  const range = (values: Spread): string =>
    `${format(values.median)} [${format(values.min)} … ${format(values.max)}]`;
  const steal = result.stealPercentMax ?? 0;
  return [
    `${result.name} (${result.unit}, ${result.ours.count} measurements)`,
    `  ours       ${range(result.ours)}`,
    `  reference  ${range(result.reference)}  ${result.referenceName}`,
    `  ratio      ${result.ratio.toFixed(3)} ×`,
    ...(steal >= 1 ? [`  steal      ${steal.toFixed(1)} % in the worst round`] : []),
    ...(result.notes ?? []).map((note) => `  note       ${note}`),
  ].join("\n");
}

/** A dash for what is no number, and for the null that becomes of it in a file. */
export function format(value: number | null): string {
  if (value === null || Number.isNaN(value)) return "–";
  return value >= 1_000 ? Math.round(value).toLocaleString("en") : value.toFixed(2);
}
