import { InvokeCommand, type LambdaClient } from "@aws-sdk/client-lambda";
import { text } from "./functions.ts";

export interface Invoked {
  /** `Unhandled` after a function error. */
  readonly error: string | undefined;
  /** Parsed; the text itself where it is no JSON. */
  readonly payload: unknown;
  /** The last 4 KB of the log. */
  readonly log: string;
}

/** Calls a function through the SDK and waits for its answer and its log. */
export async function invoke(
  lambda: LambdaClient,
  name: string,
  event: unknown = {},
): Promise<Invoked> {
  const answer = await lambda.send(
    new InvokeCommand({ FunctionName: name, Payload: JSON.stringify(event), LogType: "Tail" }),
  );
  const body = text(answer.Payload);
  return {
    error: answer.FunctionError,
    payload: parse(body),
    log: Buffer.from(answer.LogResult ?? "", "base64").toString("utf8"),
  };
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}
