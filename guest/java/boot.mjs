import { readdirSync } from "node:fs";
import { createChannel, kinds, openSocket } from "../node/channel.mjs";
import { handOutListeners } from "../node/listeners.mjs";
import { place } from "../node/paths.mjs";
import { runtimeEnvironment, startRuntime } from "../provided/start.mjs";
import { javaOptions } from "./options.mjs";

/**
 * The boot program of Java: waits for a function, then replaces itself by a Java machine that runs
 * AWS's runtime interface client. A machine cannot be started before the function is known: the size
 * of its heap, JAVA_TOOL_OPTIONS and its environment are read once, at its start. See ../CHANNEL.md.
 */
const clientFolder = "/var/runtime/lib";
const archiveFolder = "/var/runtime/archive";

const ports = await handOutListeners();
let onFrame = (frame) => {
  if (frame.kind !== kinds.specialise) process.exit(1);
  begin(frame.variables);
};
const channel = createChannel(openSocket(), (frame) => onFrame(frame));
channel.send(kinds.ready, 0);

function begin(variables) {
  const options = javaOptions({
    memoryMiB: Number(variables.AWS_LAMBDA_FUNCTION_MEMORY_SIZE),
    customerOptions: variables.JAVA_TOOL_OPTIONS ?? "",
    major: Number(process.env.SKERRY_JAVA_MAJOR),
    archive: list(archiveFolder)[0],
    classPath: list(clientFolder).filter((path) => path.endsWith(".jar")),
  });
  const command = [place("/var/lang/bin/java"), ...options, variables._HANDLER];
  const wrapper = variables.AWS_LAMBDA_EXEC_WRAPPER;
  if (wrapper) command.unshift(place(wrapper));
  const environment = { ...characterSet(variables), ...runtimeEnvironment(variables, ports) };
  const take = (handler) => (onFrame = handler);
  void startRuntime({ channel, command, environment, take });
}

/**
 * Java reads names of files and its environment in the locale's character set, and a host seldom has
 * the en_US.UTF-8 that LANG promises; C.UTF-8 is part of every C library since glibc 2.35. A locale that lacks one category counts for none.
 */
function characterSet(variables) {
  const isChosen = variables.LC_ALL !== undefined || variables.LANG !== "en_US.UTF-8";
  return isChosen ? {} : { LC_ALL: "C.UTF-8" };
}

function list(folder) {
  const path = place(folder);
  try {
    return readdirSync(path)
      .toSorted()
      .map((name) => `${path}/${name}`);
  } catch {
    return [];
  }
}
