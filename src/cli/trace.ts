import { platformCall } from "./client.ts";
import { CliError, type Command } from "./command.ts";
import { table } from "./help.ts";
import { renderTree, type TraceSpan } from "./trace-tree.ts";

interface Summary {
  readonly traceId: string;
  readonly startMs: number;
  readonly durationMs: number;
  readonly rootName: string;
  readonly spanCount: number;
  readonly failed: boolean;
}

/** `skerry trace [ID]`: one trace as a tree with times, or the most recent ones. */
export const trace: Command = {
  name: "trace",
  operands: "[ID]",
  summary: "print a trace as a tree with times; without an id, list the latest",
  flags: [],
  serverFlags: false,
  async run(invocation, terminal) {
    const [id] = invocation.operands;
    if (id === undefined) {
      const { traces } = (await platformCall(invocation, "GET", "/_skerry/traces")) as {
        traces: Summary[];
      }; // our own route
      const rows = traces.map((entry) => [
        entry.traceId,
        new Date(entry.startMs).toISOString(),
        `${entry.durationMs.toFixed(1)} ms`,
        `${entry.spanCount} spans`,
        entry.rootName + (entry.failed ? " (failed)" : ""),
      ]);
      terminal.out(invocation.json ? `${JSON.stringify(traces)}\n` : `${table(rows).join("\n")}\n`);
      return 0;
    }
    const root = /Root=(1-[0-9a-f]{8}-[0-9a-f]{24})/.exec(id)?.[1] ?? id;
    const { spans } = (await platformCall(
      invocation,
      "GET",
      `/_skerry/traces/${encodeURIComponent(root)}`,
    )) as { spans: TraceSpan[] }; // our own route
    if (spans.length === 0) throw new CliError(`no trace ${root} (unknown, or already forgotten)`);
    terminal.out(
      invocation.json ? `${JSON.stringify(spans)}\n` : `${renderTree(spans).join("\n")}\n`,
    );
    return 0;
  },
};
