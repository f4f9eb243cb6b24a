import { dirname } from "node:path";
import { createChannel, kinds, openSocket } from "../node/channel.mjs";
import { findExtensions } from "./find.mjs";
import { supervise } from "./supervise.mjs";

/**
 * The supervisor of a Node function with extensions: what its guest replaces itself by. It comes back to
 * the platform as a second life does, and starts the guest's second life at LAUNCH.
 */
const rejoin = process.env.SKERRY_REJOIN;
const ours = Object.entries(process.env).filter(([name]) => name.startsWith("SKERRY_"));

let onFrame = (frame) => {
  if (frame.kind !== kinds.specialise) process.exit(1);
  begin(frame.variables);
};
const channel = createChannel(openSocket(Number(rejoin)), (frame) => onFrame(frame));
channel.send(kinds.ready, 0);

function begin(variables) {
  const command = [process.execPath, `${dirname(process.argv[1])}/boot.cjs`];
  if (variables.AWS_LAMBDA_EXEC_WRAPPER) command.unshift(variables.AWS_LAMBDA_EXEC_WRAPPER);
  onFrame = supervise({
    channel,
    names: findExtensions(),
    command,
    environment: variables,
    runtimeEnvironment: { ...variables, ...Object.fromEntries(ours) },
  });
}
