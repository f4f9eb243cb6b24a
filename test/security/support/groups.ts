import { readFileSync } from "node:fs";
import { systemClock } from "#base/clock.ts";
import { controlGroups } from "#functions/sandbox/testing/host.ts";
import type { Target } from "./platform.ts";

/** Sandboxes that are a function's now, by the id that also names their control groups. */
export async function environmentsOf(
  target: Pick<Target, "endpoint">,
  name: string,
): Promise<readonly string[]> {
  const response = await fetch(`${target.endpoint}/_skerry/functions`);
  // The platform's own page.
  const { environments } = (await response.json()) as {
    environments: { id: string; functionArn: string }[];
  };
  return environments
    .filter((one) => one.id !== "" && one.functionArn.endsWith(`:${name}`))
    .map((one) => one.id);
}

/** Host ids of the processes in a sandbox's groups; none once it is gone. */
export function membersOf(id: string): readonly number[] {
  const found = new Set<number>();
  for (const group of controlGroups(id))
    for (const line of read(`${group}/cgroup.procs`).split("\n"))
      if (line !== "") found.add(Number(line));
  return [...found];
}

/** How often a sandbox had used up its share of the processors. */
export function throttledCount(id: string): number {
  let count = 0;
  for (const group of controlGroups(id))
    count += Number(/^nr_throttled (\d+)$/m.exec(read(`${group}/cpu.stat`))?.[1] ?? 0);
  return count;
}

/** Processor time the members have had, in clock ticks (proc(5): fields 14 and 15 of stat). */
export function ticksOf(id: string): number {
  let ticks = 0;
  for (const pid of membersOf(id)) {
    const fields = read(`/proc/${pid}/stat`).split(") ").at(-1)?.split(" ") ?? [];
    ticks += Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
  }
  return ticks;
}

/** Whether all its processes stand still. */
export function isFrozen(id: string): boolean {
  return controlGroups(id).some((group) => /^frozen 1$/m.test(read(`${group}/cgroup.events`)));
}

/** Waits for a state of the host that no event announces; the test's timeout bounds it. */
export async function become(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await systemClock.sleep(20, neverAborted);
}

const neverAborted = new AbortController().signal;

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // gone, or another hierarchy's group
  }
}
