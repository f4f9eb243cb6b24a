import { platformCall } from "./client.ts";
import type { Command } from "./command.ts";
import { table } from "./help.ts";

/** One hand-over as the platform's own route reports it; times in milliseconds. */
interface Handover {
  readonly atMs: number;
  readonly durationMs: number;
  readonly sourceArn: string;
  readonly targetArn: string;
  readonly recordCount: number;
  readonly attempts: number;
  readonly outcome: string;
  readonly error?: string;
  readonly traceId: string;
}

/**
 * `skerry events [TEXT]`: what was handed to what, newest first; with a text only where source or target contain
 * it, with `--failed` only what was not delivered.
 */
export const events: Command = {
  name: "events",
  operands: "[TEXT]",
  summary: "list the latest deliveries: from what, to what, how often tried, with which outcome",
  flags: [{ name: "failed", meaning: "only what was not delivered" }],
  serverFlags: false,
  async run(invocation, terminal) {
    const [text = ""] = invocation.operands;
    const { handovers } = (await platformCall(invocation, "GET", "/_skerry/events")) as {
      handovers: Handover[];
    }; // our own route
    const isWanted = (one: Handover): boolean =>
      (one.sourceArn.includes(text) || one.targetArn.includes(text)) &&
      (invocation.flags["failed"] === undefined || one.outcome !== "delivered");
    const wanted = handovers.filter(isWanted);
    terminal.out(invocation.json ? `${JSON.stringify(wanted)}\n` : render(wanted));
    return 0;
  },
};

function render(handovers: readonly Handover[]): string {
  if (handovers.length === 0) return "no deliveries are remembered\n";
  const rows = handovers.map((one) => [
    new Date(one.atMs).toISOString(),
    shortOf(one.sourceArn),
    shortOf(one.targetArn),
    one.recordCount === 1 ? "1 record" : `${one.recordCount} records`,
    one.attempts === 1 ? "1 try" : `${one.attempts} tries`,
    one.error === undefined ? one.outcome : `${one.outcome} (${one.error})`,
    `${one.durationMs.toFixed(1)} ms`,
    one.traceId,
  ]);
  const heads = ["AT", "FROM", "TO", "RECORDS", "TRIES", "OUTCOME", "TOOK", "TRACE"];
  return `${table([heads, ...rows]).join("\n")}\n`;
}

/** `arn:aws:sqs:us-east-1:000000000000:orders` → `sqs orders`: partition, region and account seldom differ. */
function shortOf(arn: string): string {
  const [, , service, , , ...resource] = arn.split(":");
  return resource.length === 0 ? arn : `${service} ${resource.join(":")}`;
}
