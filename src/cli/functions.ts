import { clientSettings, platformCall, reach } from "./client.ts";
import type { Command } from "./command.ts";
import { table } from "./help.ts";

interface Environment {
  readonly functionArn: string;
  readonly state: string;
}

/** `skerry functions`: what is deployed and what of it is warm right now. */
export const functions: Command = {
  name: "functions",
  operands: "",
  summary: "list functions with their runtime, size, and environments alive now",
  flags: [],
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
    }; // our own route
    const rows = listed.map((item) => {
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
