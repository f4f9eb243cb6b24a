import { isPlatformError, PlatformError } from "#base/errors.ts";
import type { Revision } from "#functions/registry/registry.ts";
import type { Runtime } from "#functions/runtimes/runtimes.ts";

interface Host {
  readonly runtimes: ReadonlyMap<string, Runtime>;
  readonly settings: { readonly functionMemoryMiB: number };
}

/** Errors: `runtime.unavailable`, `memory.too-small`; what this host can never run must not wait. */
export function runtimeOf({ runtimes, settings }: Host, revision: Revision): Runtime {
  const runtime = runtimes.get(revision.runtime);
  if (!runtime)
    throw new PlatformError(
      "runtime.unavailable",
      `this installation has no runtime ${revision.runtime}; \`skerry doctor\` says why`,
    );
  const { functionMemoryMiB } = settings;
  if (revision.memoryMiB > functionMemoryMiB)
    throw new PlatformError(
      "memory.too-small",
      `${revision.name} asks for ${revision.memoryMiB} MB, and all functions together may use ` +
        `${functionMemoryMiB}: lower its MemorySize or raise --function-memory`,
    );
  return runtime;
}

/** The same, with the refusal as a value. */
export function runtimeOrRefusal(host: Host, revision: Revision): Runtime | PlatformError {
  try {
    return runtimeOf(host, revision);
  } catch (error) {
    if (isPlatformError(error)) return error;
    throw error;
  }
}
