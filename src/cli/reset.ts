import { platformCall } from "./client.ts";
import { CliError, type Command } from "./command.ts";

/** `skerry reset [SERVICE]`: an empty cloud again, or one empty service, without restarting it. */
export const reset: Command = {
  name: "reset",
  operands: "[SERVICE]",
  summary: "delete everything stored on the running server, or all of one service",
  flags: [{ name: "yes", short: "y", meaning: "really do it" }],
  serverFlags: false,
  async run(invocation, terminal) {
    const [service] = invocation.operands;
    if (!("yes" in invocation.flags)) {
      const what = service === undefined ? "everything" : `everything of ${service}`;
      throw new CliError(`this deletes ${what} on ${invocation.endpoint}; add --yes`, 2);
    }
    const page = service === undefined ? "" : `/${encodeURIComponent(service)}`;
    const answer = await platformCall(invocation, "POST", `/_skerry/reset${page}`);
    const told = service === undefined ? "everything is deleted" : `${service} is empty`;
    terminal.out(invocation.json ? `${JSON.stringify(answer)}\n` : `${told}\n`);
    return 0;
  },
};
