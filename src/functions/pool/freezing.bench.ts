/**
 * What a thaw adds to an invocation: the same function called while its environment runs, and after it was
 * frozen, in turns. `node --conditions=source src/functions/pool/freezing.bench.ts [rounds]`
 */
import { eventually } from "#functions/sandbox/testing/host.ts";
import { startPlatform } from "../invoker/testing/platform.ts";

const rounds = Number(process.argv[2] ?? "100");
// Waiting on the clock alone would not keep the process alive.
const alive = setInterval(() => undefined, 1_000);
await using platform = await startPlatform({ pool: { freezeAfterMs: 20 } });
const revision = await platform.deploy(`export const handler = async () => 1;`);
const samples = { running: [] as number[], frozen: [] as number[] };
const timed = async (kind: keyof typeof samples): Promise<void> => {
  const startMs = performance.now();
  await platform.call(revision);
  samples[kind].push(performance.now() - startMs);
};
for (let warm = 0; warm < 20; warm++) await platform.call(revision);
for (let round = 0; round < rounds; round++) {
  await eventually("it is frozen", () =>
    platform.pool.snapshot().environments.some((one) => one.state === "frozen"),
  );
  await timed("frozen");
  await timed("running");
}
clearInterval(alive);
const summary = Object.entries(samples).map(([name, all]) => {
  const sorted = all.toSorted((a, b) => a - b);
  const at = (part: number): string => (sorted[Math.floor((rounds - 1) * part)] ?? 0).toFixed(2);
  return [name, { "median ms": at(0.5), "p95 ms": at(0.95) }] as const;
});
console.table(Object.fromEntries(summary));
