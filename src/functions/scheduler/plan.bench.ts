/**
 * What a decision costs when much is deployed: one call that finds no environment, planned beside many
 * idle environments and many remembered functions. `node --conditions=source
 * src/functions/scheduler/plan.bench.ts`; the row with ten functions is the reference of its run.
 */
import { Fleet, Forecast, type Limits, plan, type Waiting } from "./scheduler.ts";

const rounds = 100_000;
const limits: Limits = {
  memoryMiBMax: 1e9,
  startsMax: 8,
  genericMemoryMiB: 256,
  genericPerKind: 1,
  kindsInUse: ["node"],
};

/** Microseconds of one plan, and of what one warm call adds to the statistics and the fleet. */
function measure(functionCount: number, activeCount: number): { plan: number; call: number } {
  const fleet = new Fleet({
    generic: [{ kind: "node", ready: 1, booting: 0 }],
    reservedMiB: 0,
    returningOf: () => 0,
    idleOf: () => 0,
    worthOf: () => 1,
  });
  const forecast = new Forecast({ fallbackMs: 600_000 });
  for (let n = 0; n < functionCount; n++) {
    forecast.arrived(`f${n}`, n);
    forecast.arrivals.left(`f${n}`, n + 5, 5);
    if (n < activeCount) rest(fleet, forecast, n);
  }
  const planned = time(() => {
    fleet.look(1_000);
    const demand = { waiting: [waiting], ahead: [] };
    const decided = plan(demand, fleet, limits, 1_000);
    if (decided.start.length !== 1) throw new Error("one start was expected");
  });
  let next = 0;
  const called = time(() => {
    const n = next++ % activeCount;
    fleet.wake(`e${n}`);
    forecast.arrived(`f${n}`, 1_000 + next);
    forecast.arrivals.left(`f${n}`, 1_005 + next, 5);
    rest(fleet, forecast, n);
  });
  return { plan: planned, call: called };
}

function rest(fleet: Fleet, forecast: Forecast, n: number): void {
  const { keepUntilMs } = forecast.rested(`f${n}`, 10_000 + n);
  fleet.rest(
    { id: `e${n}`, key: `f${n}`, functionArn: `f${n}`, memoryMiB: 256, keepUntilMs },
    false,
  );
}

const waiting: Waiting = {
  key: "new",
  functionArn: "new",
  accountId: "one",
  kind: "node",
  memoryMiB: 256,
  dedicated: false,
  count: 1,
  sinceMs: () => 999,
  concurrency: 1,
  busyCount: 0,
  callMs: undefined,
  startMs: 100,
};

/** CPU microseconds, so that whoever else uses the processors does not count. */
function time(work: () => void): number {
  for (let n = 0; n < rounds; n++) work();
  const before = process.cpuUsage();
  for (let n = 0; n < rounds; n++) work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / rounds;
}

for (const [functionCount, activeCount] of [
  [10, 10],
  [10_000, 100],
  [10_000, 10_000],
] as const) {
  const { plan: planUs, call: callUs } = measure(functionCount, activeCount);
  console.log(
    `${functionCount} functions, ${activeCount} idle environments: ` +
      `a plan ${planUs.toFixed(2)} µs, a warm call's bookkeeping ${callUs.toFixed(2)} µs`,
  );
}
