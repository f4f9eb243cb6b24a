import { setTimeout as pause } from "node:timers/promises";
import { clientSettings, reach } from "./client.ts";
import { CliError, type Command } from "./command.ts";

/** How often `--follow` asks again. The aws CLI's own `logs tail --follow` uses 5 s. */
const followIntervalMs = 500;

/** Event ids remembered while following, so that overlapping pages print nothing twice. */
const rememberedMax = 20_000;

/** `skerry logs NAME`: the lines of a function, or of any log group whose name begins with a slash. */
export const logs: Command = {
  name: "logs",
  operands: "NAME|/LOG/GROUP",
  summary: "print the log of a function; -f keeps following it",
  flags: [
    { name: "follow", short: "f", meaning: "keep printing what comes" },
    { name: "since", value: "MINUTES", meaning: "how far back to start (default 60)" },
    { name: "filter", value: "PATTERN", meaning: "CloudWatch Logs filter pattern" },
  ],
  serverFlags: false,
  async run(invocation, terminal) {
    const [name] = invocation.operands;
    if (name === undefined) throw new CliError("whose log? skerry logs NAME", 2);
    const minutes = Number(invocation.flags["since"] ?? "60");
    if (!(minutes > 0)) throw new CliError("--since takes minutes, a number above 0", 2);
    const { CloudWatchLogsClient, FilterLogEventsCommand } =
      await import("@aws-sdk/client-cloudwatch-logs");
    const client = new CloudWatchLogsClient(clientSettings(invocation, terminal.environment));
    const filter = invocation.flags["filter"];
    const follow = "follow" in invocation.flags;
    const seen = new Set<string>();
    let startTime = Date.now() - minutes * 60_000; // the user's clock: "since" is theirs
    do {
      let nextToken: string | undefined;
      do {
        const page = await reach(invocation.endpoint, () =>
          client.send(
            new FilterLogEventsCommand({
              logGroupName: name.startsWith("/") ? name : `/aws/lambda/${name}`,
              startTime,
              ...(filter !== undefined && { filterPattern: filter }),
              ...(nextToken !== undefined && { nextToken }),
            }),
          ),
        );
        for (const event of page.events ?? []) {
          if (event.eventId === undefined || seen.has(event.eventId)) continue;
          seen.add(event.eventId);
          startTime = Math.max(startTime, event.timestamp ?? 0);
          const { timestamp, logStreamName, message = "" } = event;
          terminal.out(
            invocation.json
              ? `${JSON.stringify({ timestamp, stream: logStreamName, message })}\n`
              : `${new Date(timestamp ?? 0).toISOString()} ${message.trimEnd()}\n`,
          );
        }
        nextToken = page.nextToken;
      } while (nextToken !== undefined && !terminal.stop.aborted);
      for (const id of seen) if (seen.size > rememberedMax) seen.delete(id);
      if (follow) {
        await pause(followIntervalMs, undefined, { signal: terminal.stop }).catch(() => undefined);
      }
    } while (follow && !terminal.stop.aborted);
    return 0;
  },
};
