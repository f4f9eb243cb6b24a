import { accessSync, closeSync, constants, openSync, readSync, statSync } from "node:fs";
import { createChannel, errorFields, kinds, openSocket } from "../node/channel.mjs";
import { handOutListeners } from "../node/listeners.mjs";
import { place } from "../node/paths.mjs";
import { runtimeEnvironment, startRuntime } from "./start.mjs";

/**
 * The boot program of custom runtimes: waits for a function, then replaces itself by the function's
 * `bootstrap`, so that nothing of it is left in memory. See ../CHANNEL.md.
 */
const ports = await handOutListeners();
let onFrame = (frame) => {
  if (frame.kind !== kinds.specialise) process.exit(1);
  begin(frame.variables);
};
const channel = createChannel(openSocket(), (frame) => onFrame(frame));
channel.send(kinds.ready, 0);

function begin(variables) {
  const candidates = [place("/var/task/bootstrap"), place("/opt/bootstrap")];
  const program = candidates.find(isExecutable);
  if (program === undefined) {
    const list = candidates.join(" ");
    return fail(`Couldn't find valid bootstrap(s): [${list}]`);
  }
  if (!isRunnable(program)) return fail(`fork/exec ${program}: exec format error`);
  const environment = runtimeEnvironment(variables, ports);
  const take = (handler) => (onFrame = handler);
  void startRuntime({ channel, command: [program], environment, take });
}

function fail(errorMessage) {
  const body = { errorType: "Runtime.InvalidEntrypoint", errorMessage };
  channel.send(kinds.initError, 0, errorFields(body), Buffer.from(JSON.stringify(body)), true);
  channel.flush(() => process.exit(1));
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** A script or an ELF program of this machine; anything else would end the process without a word. */
function isRunnable(path) {
  const head = Buffer.alloc(20);
  const file = openSync(path, "r");
  const length = readSync(file, head, 0, head.length, 0);
  closeSync(file);
  if (head.toString("latin1", 0, 2) === "#!") return true;
  const machine = process.arch === "arm64" ? 0xb7 : 0x3e;
  return (
    length === 20 && head.toString("latin1", 1, 4) === "ELF" && head.readUInt16LE(18) === machine
  );
}
