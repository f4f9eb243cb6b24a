import { clientSettings, reach } from "./client.ts";
import { CliError, type Command, type CommandInvocation, type Terminal } from "./command.ts";
import { announced } from "./progress.ts";

/** `skerry invoke NAME [PAYLOAD]`: one call, its answer on stdout, its log on stderr. */
export const invoke: Command = {
  name: "invoke",
  operands: "NAME[:QUALIFIER] [PAYLOAD|@FILE|-]",
  summary: "call a function and print what it answers; its log goes to stderr",
  flags: [
    { name: "async", meaning: "only hand the event over; do not wait for the answer" },
    { name: "quiet", short: "q", meaning: "do not print the log" },
  ],
  serverFlags: false,
  async run(invocation, terminal) {
    const [reference] = invocation.operands;
    if (reference === undefined) throw new CliError("which function? skerry invoke NAME", 2);
    const payload = await readPayload(invocation, terminal);
    const { LambdaClient, InvokeCommand } = await import("@aws-sdk/client-lambda");
    const client = new LambdaClient(clientSettings(invocation, terminal.environment));
    const isAsync = "async" in invocation.flags;
    const command = new InvokeCommand({
      FunctionName: reference,
      Payload: payload,
      InvocationType: isAsync ? "Event" : "RequestResponse",
      ...(!isAsync && { LogType: "Tail" as const }),
    });
    const answer = await announced(
      terminal,
      `waiting for ${reference}`,
      reach(invocation.endpoint, () => client.send(command)),
    );
    const body = Buffer.from(answer.Payload ?? new Uint8Array()).toString("utf8");
    const log = Buffer.from(answer.LogResult ?? "", "base64").toString("utf8");
    if (invocation.json) {
      const { StatusCode: status, FunctionError: error, ExecutedVersion: version } = answer;
      terminal.out(`${JSON.stringify({ status, error, version, payload: body, log })}\n`);
    } else {
      if (log !== "" && !("quiet" in invocation.flags)) terminal.err(log);
      terminal.out(isAsync ? "accepted\n" : `${body}\n`);
    }
    return answer.FunctionError === undefined ? 0 : 1;
  },
};

async function readPayload(invocation: CommandInvocation, terminal: Terminal): Promise<Uint8Array> {
  const text = invocation.operands[1] ?? "{}";
  if (text === "-") return terminal.readStdin();
  if (text.startsWith("@")) {
    return terminal.readFile(text.slice(1)).catch((error: unknown) => {
      throw new CliError(`cannot read the payload: ${error instanceof Error ? error.message : ""}`);
    });
  }
  return Buffer.from(text, "utf8");
}
