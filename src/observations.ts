import type { Handover, Journal } from "#events/journal.ts";
import type { EnvironmentPool, PoolSnapshot, StartRecord } from "#functions/pool/pool.ts";
import type { FinishedSpan, Tracer, TraceSummary } from "#telemetry/telemetry.ts";
import type { Membership } from "#workers/workers.ts";

/** What the platform's own pages show: of this process, and of all workers where there are several. */
export interface Observations {
  functions(): Promise<FunctionsSeen>;
  /** The most recent traces, newest first. */
  traces(limit: number): Promise<readonly TraceSummary[]>;
  /** Spans of one trace in order of their start. */
  trace(traceId: string): Promise<readonly FinishedSpan[]>;
  /** What was handed to what, newest first. */
  handovers(limit: number): Promise<readonly Handover[]>;
}

interface FunctionsSeen extends PoolSnapshot {
  /** Newest first. */
  readonly starts: readonly StartRecord[];
}

export function createObservations(deps: {
  readonly pool: Pick<EnvironmentPool, "snapshot" | "recentStarts">;
  readonly tracer: Tracer;
  readonly journal: Journal;
  readonly membership: Membership | undefined;
}): Observations {
  const { pool, tracer, journal, membership } = deps;
  const functions = (): FunctionsSeen => ({ ...pool.snapshot(), starts: pool.recentStarts() });
  membership?.answer("functions", functions);
  membership?.answer("traces", (limit) => tracer.recent(Number(limit)));
  membership?.answer("handovers", (limit) => journal.recent(Number(limit)));
  membership?.answer("trace", (traceId) => tracer.find(String(traceId)));
  /** This process's answer and the others': the same program made both. */
  const everywhere = async <T>(name: string, mine: T, asked?: unknown): Promise<readonly T[]> => [
    mine,
    ...(((await membership?.askOthers(name, asked)) ?? []) as readonly T[]), // answered above
  ];
  return {
    functions: async () => mergeFunctions(await everywhere("functions", functions())),
    async traces(limit) {
      const all = (await everywhere("traces", tracer.recent(limit), limit)).flat();
      return mergeTraces(all).slice(0, limit);
    },
    async trace(traceId) {
      const spans = (await everywhere("trace", tracer.find(traceId), traceId)).flat();
      return spans.toSorted((a, b) => a.startMs - b.startMs);
    },
    async handovers(limit) {
      const all = (await everywhere("handovers", journal.recent(limit), limit)).flat();
      return all.toSorted((a, b) => b.atMs - a.atMs).slice(0, limit);
    },
  };
}

function mergeFunctions(all: readonly FunctionsSeen[]): FunctionsSeen {
  const [first] = all;
  if (first && all.length === 1) return first;
  const generic: Record<string, number> = {};
  for (const one of all)
    for (const [kind, count] of Object.entries(one.generic))
      generic[kind] = (generic[kind] ?? 0) + count;
  return {
    generic,
    environments: all.flatMap((one) => one.environments),
    starts: all.flatMap((one) => one.starts).toSorted((a, b) => b.startedAtMs - a.startedAtMs),
  };
}

/** Spans of one trace may lie in several workers: where the request came in, and where it ran. */
function mergeTraces(all: readonly TraceSummary[]): readonly TraceSummary[] {
  const merged = new Map<string, TraceSummary>();
  for (const next of all) {
    const known = merged.get(next.traceId);
    merged.set(next.traceId, known ? joined(known, next) : next);
  }
  return [...merged.values()].toSorted((a, b) => b.startMs - a.startMs);
}

function joined(a: TraceSummary, b: TraceSummary): TraceSummary {
  const first = a.startMs <= b.startMs ? a : b;
  const endMs = Math.max(a.startMs + a.durationMs, b.startMs + b.durationMs);
  return {
    ...first,
    durationMs: endMs - first.startMs,
    spanCount: a.spanCount + b.spanCount,
    failed: a.failed || b.failed,
  };
}
