import {
  type Policy,
  simulate,
  type SimulationResult,
} from "../../src/functions/scheduler/testing/simulate.ts";
import { makeTrace } from "../../src/functions/scheduler/testing/trace.ts";
import { type Finding, result, spread } from "../harness.ts";
import { sized } from "../settings.ts";

const minuteMs = 60_000;
const fixed: Policy = { kind: "fixed", keepMs: 10 * minuteMs + 5_000 };
const seeds = [7, 8, 9, 10, 11];

/**
 * The platform's own plan and forecast on made traces with the published shape of an Azure sample; see
 * `npm run simulate`. Time is made up, so the machine plays no part: one trace per seed stands for a round.
 */
export async function keepAlive(): Promise<readonly Finding[]> {
  const traces = seeds.map((seed) =>
    makeTrace({ seed, functionCount: sized(500, 50), minutes: 480, callsPerMinuteMax: 60 }),
  );
  const reference = traces.map((trace) => simulate(trace, fixed));
  return [true, false].flatMap((knowsTimers) => {
    const policy: Policy = { kind: "forecast", fallbackMs: 10 * minuteMs, knowsTimers };
    const ours = traces.map((trace) => simulate(trace, policy));
    const about = (of: (one: SimulationResult) => number) => ({
      ours: spread(ours.map(of)),
      reference: spread(reference.map(of)),
      referenceName: "fixed ten minutes, the same trace",
      notes: [
        `simulated; ${traces.length} made traces (seeds ${seeds.join(", ")}), 480 minutes, ` +
          `${traces[0]?.functions.length} functions`,
      ],
    });
    const name = knowsTimers ? "keep-alive" : "keep-alive without knowing schedules";
    return [
      result({
        name: `${name}: minutes with a cold start`,
        unit: "function-minutes",
        ...about((one) => one.coldMinutes),
        targets: knowsTimers ? ["keep-alive-cold"] : [],
      }),
      result({
        name: `${name}: idle memory`,
        unit: "GiB·min",
        ...about((one) => one.unusedGiBMinutes),
        targets: knowsTimers ? ["keep-alive-memory"] : [],
      }),
    ];
  });
}
