import { platformCall } from "./client.ts";
import { CliError, type Command } from "./command.ts";

/** `skerry reset`: an empty cloud again, without restarting it. */
export const reset: Command = {
  name: "reset",
  operands: "",
  summary: "delete everything stored on the running server: functions, roles, logs",
  flags: [{ name: "yes", short: "y", meaning: "really do it" }],
  serverFlags: false,
  async run(invocation, terminal) {
    if (!("yes" in invocation.flags)) {
      throw new CliError(`this deletes everything on ${invocation.endpoint}; add --yes`, 2);
    }
    const answer = await platformCall(invocation, "POST", "/_skerry/reset");
    terminal.out(invocation.json ? `${JSON.stringify(answer)}\n` : "everything is deleted\n");
    return 0;
  },
};
