/**
 * What a sandbox costs over the bare process: run directly, as root for the whole profile.
 * `node --conditions=source src/functions/sandbox/sandbox.bench.ts [rounds]`
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "#base/clock.ts";
import { systemRandom } from "#base/random.ts";
import { createBubblewrapDriver } from "./drivers/bubblewrap/bubblewrap.ts";
import { probeSpec } from "./drivers/bubblewrap/probe-sandbox.ts";
import { shellSpec } from "./testing/host.ts";
import type { SandboxSpec } from "./sandbox.ts";

const rounds = Number(process.argv[2] ?? "40");
const never = new AbortController().signal;

function summary(samples: readonly number[]): Record<string, string> {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (part: number): string =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0).toFixed(1);
  return { "min ms": at(0), "median ms": at(0.5), "p95 ms": at(0.95) };
}

async function timed(act: () => unknown): Promise<number> {
  const start = performance.now();
  await act();
  return performance.now() - start;
}

const workDir = mkdtempSync(join(tmpdir(), "skerry-bench-"));
const driver = createBubblewrapDriver({
  workDir,
  clock: systemClock,
  random: systemRandom,
  log: { event: () => undefined },
});
const samples = new Map<string, number[]>();
const add = (name: string, ms: number): void =>
  void samples.set(name, [...(samples.get(name) ?? []), ms]);

const boot = "process.send({booted:true},()=>process.disconnect());setInterval(()=>{},1e6)";
const nodeSpec: SandboxSpec = {
  ...probeSpec(),
  command: ["/var/lang/bin/node", "-e", boot],
  memoryMiB: 512,
  cpuMilli: 2000,
};
const trees = [8, 64, 512, 4096].map((count) => {
  const path = join(workDir, `tree-${count}`);
  mkdirSync(path);
  for (let index = 0; index < count; index++) writeFileSync(join(path, `${index}.js`), "1");
  return { count, path };
});

async function cycle(name: string, spec: SandboxSpec): Promise<void> {
  const start = performance.now();
  const sandbox = await driver.create(spec, never);
  add(`sandbox: ${name}, until booted`, performance.now() - start);
  if (name === "shell") {
    for (const { count, path } of trees) {
      const label = `link a tree of ${String(count).padStart(4)} files`;
      add(label, await timed(() => sandbox.link(`tree-${count}`, path)));
    }
  }
  const dispose = (): PromiseLike<void> => sandbox[Symbol.asyncDispose]();
  add(`sandbox: ${name}, kill until the last process is gone`, await timed(dispose));
}

for (let warm = 0; warm < 3; warm++) await cycle("warm-up", shellSpec());
for (let round = 0; round < rounds; round++) {
  add("bare: node -e 0", await timed(() => spawnSync(process.execPath, ["-e", "0"])));
  add("bare: true", await timed(() => spawnSync("/usr/bin/true")));
  await cycle("shell", shellSpec());
  await cycle("node", nodeSpec);
}
samples.delete("sandbox: warm-up, until booted");
samples.delete("sandbox: warm-up, kill until the last process is gone");
console.table(Object.fromEntries([...samples].map(([name, each]) => [name, summary(each)])));
await driver[Symbol.asyncDispose]();
rmSync(workDir, { recursive: true });
