import { setTimeout as pause } from "node:timers/promises";
import type { FilteredLogEvent, FilterLogEventsResponse } from "@aws-sdk/client-cloudwatch-logs";
import { clientSettings, reach } from "./client.ts";
import { CliError, type Command, type CommandInvocation, type Terminal } from "./command.ts";

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
    const since = Date.now() - minutes * 60_000; // the user's clock: "since" is theirs
    const readNew = await createReader(invocation, terminal, { name, since });
    const follow = "follow" in invocation.flags;
    let isAbsent = false;
    do {
      const found = await readNew();
      if (!found && !follow) throw new CliError(absence(name));
      if (!found && !isAbsent) terminal.err(`${absence(name)}; waiting for it …\n`);
      isAbsent = !found;
      if (follow) {
        await pause(followIntervalMs, undefined, { signal: terminal.stop }).catch(() => undefined);
      }
    } while (follow && !terminal.stop.aborted);
    return 0;
  },
};

function groupOf(name: string): string {
  return name.startsWith("/") ? name : `/aws/lambda/${name}`;
}

function absence(name: string): string {
  const why = name.startsWith("/") ? "" : ": no such function, or it was never called";
  return `there is no log ${groupOf(name)}${why}`;
}

/** Prints what is new since the last call; answers whether the log group exists. */
async function createReader(
  invocation: CommandInvocation,
  terminal: Terminal,
  { name, since }: { readonly name: string; readonly since: number },
): Promise<() => Promise<boolean>> {
  const { CloudWatchLogsClient, FilterLogEventsCommand, ResourceNotFoundException } =
    await import("@aws-sdk/client-cloudwatch-logs");
  const client = new CloudWatchLogsClient(clientSettings(invocation, terminal.environment));
  const filter = invocation.flags["filter"];
  const seen = new Set<string>();
  let startTime = since;
  const readPage = (nextToken: string | undefined): Promise<FilterLogEventsResponse | undefined> =>
    reach(invocation.endpoint, () =>
      client
        .send(
          new FilterLogEventsCommand({
            logGroupName: groupOf(name),
            startTime,
            ...(filter !== undefined && { filterPattern: filter }),
            ...(nextToken !== undefined && { nextToken }),
          }),
        )
        .catch((error: unknown) => {
          if (error instanceof ResourceNotFoundException) return undefined;
          throw error;
        }),
    );
  return async () => {
    let newest = startTime;
    let nextToken: string | undefined;
    do {
      const page = await readPage(nextToken);
      if (!page) return false;
      for (const event of page.events ?? []) {
        if (event.eventId === undefined || seen.has(event.eventId)) continue;
        seen.add(event.eventId);
        newest = Math.max(newest, event.timestamp ?? 0);
        terminal.out(render(event, invocation.json));
      }
      nextToken = page.nextToken;
    } while (nextToken !== undefined && !terminal.stop.aborted);
    startTime = newest; // not before the last page: a token belongs to the question it came from
    for (const id of seen) if (seen.size > rememberedMax) seen.delete(id);
    return true;
  };
}

function render(event: FilteredLogEvent, json: boolean): string {
  const { timestamp, logStreamName, message = "" } = event;
  if (json) return `${JSON.stringify({ timestamp, stream: logStreamName, message })}\n`;
  return `${new Date(timestamp ?? 0).toISOString()} ${message.trimEnd()}\n`;
}
