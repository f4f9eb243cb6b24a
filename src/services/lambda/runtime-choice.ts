import type { LambdaScope } from "./dependencies.ts";
import { invalid } from "./errors.ts";
import { checkRuntimeName } from "./runtime-names.ts";

/** Refuses a runtime that has no name here, or whose interpreter this machine lacks. */
export async function checkRuntime(
  scope: Pick<LambdaScope, "runtimes" | "runtimeNames">,
  name: string,
): Promise<void> {
  checkRuntimeName(name, scope.runtimeNames);
  const probed = await scope.runtimes.get(name)?.probe();
  if (probed && !probed.usable) {
    throw invalid(`Runtime ${name} is not available on this machine: ${probed.reason}`);
  }
}
