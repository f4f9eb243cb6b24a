import type { Clock } from "#base/clock.ts";
import type { SandboxDriver, SandboxProperty } from "../../sandbox.ts";

export async function runSelfTest(deps: {
  readonly driver: SandboxDriver;
  readonly clock: Clock;
}): Promise<readonly SandboxProperty[]> {
  void deps;
  return [];
}
