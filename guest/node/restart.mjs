import { dirname } from "node:path";

/** Variables that are read only when a process starts; see RESTART in ../CHANNEL.md. */
const startVariables = [
  "NODE_OPTIONS",
  "NODE_EXTRA_CA_CERTS",
  "NODE_ICU_DATA",
  "NODE_V8_COVERAGE",
  "NODE_COMPILE_CACHE",
  "NODE_USE_ENV_PROXY",
  "NODE_USE_SYSTEM_CA",
  "OPENSSL_CONF",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "UV_THREADPOOL_SIZE",
  "LD_PRELOAD",
  "LD_LIBRARY_PATH",
  "MALLOC_ARENA_MAX",
];

/** What every function has on AWS; it changes nothing for a process that already runs. */
const defaultLibraryPath =
  "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib";

/** What this process was started with, before anything is replaced. */
const initial = { ...process.env };
const skerryVariables = Object.keys(initial).filter((name) => name.startsWith("SKERRY_"));

/** True if this process was started with other values than the function wants. */
export function needsRestart(variables) {
  if (variables.AWS_LAMBDA_EXEC_WRAPPER) return true;
  return startVariables.some((name) => {
    const value = variables[name];
    if (value === undefined || value === initial[name]) return false;
    return name !== "LD_LIBRARY_PATH" || value !== defaultLibraryPath;
  });
}

/** Replaces this process by the supervisor of its extensions, which starts the second life; does not return. */
export function restartSupervised(rejoinPort) {
  const environment = { SKERRY_REJOIN: String(rejoinPort) };
  for (const name of skerryVariables) environment[name] = initial[name];
  process.removeAllListeners("warning");
  const script = `${dirname(process.argv[1])}/supervisor.cjs`;
  process.execve(process.execPath, [process.execPath, script], environment);
}

/** Replaces this process; does not return. */
export function restart(variables, rejoinPort) {
  const environment = { ...variables, SKERRY_REJOIN: String(rejoinPort) };
  for (const name of skerryVariables) environment[name] = initial[name];
  const command = [process.execPath, ...process.execArgv, process.argv[1]];
  const wrapper = variables.AWS_LAMBDA_EXEC_WRAPPER;
  if (wrapper) command.unshift(wrapper);
  // Node warns that execve is young; the customer's log is not the place for that.
  process.removeAllListeners("warning");
  process.execve(command[0], command, environment);
}
