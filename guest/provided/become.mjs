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

/** Replaces this process by the runtime; nothing of the boot program is left in memory. */
export function become(command, environment) {
  // Node warns that execve is young; the customer's log is not the place for that.
  process.removeAllListeners("warning");
  process.chdir(place("/var/task"));
  process.execve(command[0], command, environment);
}
