import { findExtensions } from "../extensions/find.mjs";
import { kinds } from "../node/channel.mjs";
import { isOnHost, place } from "../node/paths.mjs";

const runtimeApiPort = 9001;

/** What a runtime finds in its environment besides the function's variables. */
export function runtimeEnvironment(variables, ports) {
  return {
    ...variables,
    AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${ports.get(runtimeApiPort)}`,
    PWD: place("/var/task"),
    ...(isOnHost && { LAMBDA_TASK_ROOT: place("/var/task") }),
  };
}

/**
 * Replaces this process by the runtime, so that nothing of the boot program is left in memory; beside
 * extensions it stays and supervises. `take` is given what is to be called for each frame from then on.
 */
export async function startRuntime({ channel, command, environment, take }) {
  const names = findExtensions();
  if (names.length > 0) {
    // Not loaded with the boot program: few functions have extensions, and it brings half of HTTP along.
    const { supervise } = await import("../extensions/supervise.mjs");
    take(supervise({ channel, names, command, environment }));
    return;
  }
  channel.send(kinds.initialised, 0);
  channel.flush(() => become(command, environment));
}

function become(command, environment) {
  // Node warns that execve is young; the customer's log is not the place for that.
  process.removeAllListeners("warning");
  process.chdir(place("/var/task"));
  process.execve(command[0], command, environment);
}
