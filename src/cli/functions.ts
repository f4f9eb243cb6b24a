import { clientSettings, platformCall, reach } from "./client.ts";
import { CliError, type Command } from "./command.ts";
import { table } from "./help.ts";
import { renderStarts, type Start } from "./starts.ts";

interface Environment {
  readonly functionArn: string;
  readonly state: string;
}

/**
 * `skerry functions`: what is deployed and what of it is warm right now; with a name that one alone, and
 * with `--starts` the last starts of its environments: why each was needed and where its time went.
 */
export const functions: Command = {
  name: "functions",
  operands: "[NAME]",
  summary: "list functions with their runtime, size, and environments alive now",
  flags: [
    {
      name: "starts",
      meaning: "the last starts of NAME instead: why it was cold, and which phase took what",
    },
  ],
  serverFlags: false,
  async run(invocation, terminal) {
    const { LambdaClient, paginateListFunctions } = await import("@aws-sdk/client-lambda");
    const client = new LambdaClient(clientSettings(invocation, terminal.environment));
    const listed = await reach(invocation.endpoint, async () => {
      const all = [];
      for await (const page of paginateListFunctions({ client }, {}))
        all.push(...(page.Functions ?? []));
      return all;
    });
    const pool = (await platformCall(invocation, "GET", "/_skerry/functions")) as {
      environments: Environment[];
      starts: Start[];
    }; // our own route
    const [name] = invocation.operands;
    const known = listed.filter((item) => name === undefined || item.FunctionName === name);
    if (name !== undefined && known.length === 0) throw new CliError(`no function ${name}`);
    if (invocation.flags["starts"] !== undefined) {
      if (name === undefined)
        throw new CliError("of which function? skerry functions NAME --starts", 2);
      const starts = pool.starts.filter((start) => start.functionArn === known[0]?.FunctionArn);
      terminal.out(invocation.json ? `${JSON.stringify(starts)}\n` : renderStarts(name, starts));
      return 0;
    }
    const rows = known.map((item) => {
      const alive = pool.environments.filter((entry) => entry.functionArn === item.FunctionArn);
      const busy = alive.filter((entry) => entry.state === "busy").length;
      return {
        name: item.FunctionName ?? "",
        runtime: item.Runtime ?? "",
        memoryMiB: item.MemorySize ?? 0,
        timeoutSeconds: item.Timeout ?? 0,
        state: item.State ?? "Active",
        warm: alive.length - busy,
        busy,
      };
    });
    terminal.out(invocation.json ? `${JSON.stringify(rows)}\n` : render(rows));
    return 0;
  },
};

function render(rows: readonly Readonly<Record<string, string | number>>[]): string {
  if (rows.length === 0) return "no functions\n";
  const heads = Object.keys(rows[0] ?? {});
  const cells = rows.map((row) => heads.map((head) => String(row[head])));
  return `${table([heads.map((head) => head.toUpperCase()), ...cells]).join("\n")}\n`;
}
