import { InvalidRequestContentException } from "@aws-sdk/client-lambda";
import type { LambdaHandler, LambdaScope } from "../dependencies.ts";
import { asyncPayloadBytesMax } from "../limits.ts";
import { functionReference } from "../reference.ts";
import { chainContext, eventOf, modelled, resolveRunnable } from "./invoke.ts";

/** The deprecated way to queue an event; still what some old tools send. */
export function invokeAsync(scope: LambdaScope): LambdaHandler<"InvokeAsync"> {
  return async (input, context) => {
    const reference = functionReference(input.FunctionName, undefined, context);
    const payload = eventOf(await bounded(input.InvokeArgs), asyncPayloadBytesMax);
    const target = await resolveRunnable(scope, reference, context);
    const chain = await chainContext(scope, target, context);
    await modelled(scope.invoker.enqueue({ target, payload, context: chain }));
    return { Status: 202 };
  };
}

async function bounded(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let byteCount = 0;
  for await (const part of body) {
    byteCount += part.byteLength;
    if (byteCount > asyncPayloadBytesMax) {
      const message = `Request must be smaller than ${asyncPayloadBytesMax} bytes for the InvokeAsync operation`;
      throw new InvalidRequestContentException({ message, Type: "User", $metadata: {} });
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}
