import type { EventRecord } from "#events/events.ts";
import { deadLetterMessageBytesMax } from "./limits.ts";
import type { Delivery, QueuedEvent } from "./queued-event.ts";

/**
 * What destinations and dead-letter queues receive:
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
 */
export function destinationRecord(
  event: QueuedEvent & { readonly delivery: Delivery },
  bytes: { readonly request: Uint8Array; readonly response: Uint8Array | undefined },
  nowMs: number,
): EventRecord {
  const { condition, response } = event.delivery;
  const requestContext = {
    requestId: event.requestId,
    functionArn: `${event.functionArn}:${event.qualifier ?? "$LATEST"}`,
    condition,
    approximateInvokeCount: event.runs,
  };
  const responseContext = response && {
    statusCode: 200,
    executedVersion: response.executedVersion,
    ...(response.functionError !== undefined && { functionError: response.functionError }),
  };
  // Payloads are spliced in as text: parsing would change numbers beyond 2^53 and the order of keys.
  const members = [
    `"version":"1.0"`,
    `"timestamp":${JSON.stringify(new Date(nowMs).toISOString())}`,
    `"requestContext":${JSON.stringify(requestContext)}`,
    `"requestPayload":${asJson(bytes.request)}`,
    ...(responseContext ? [`"responseContext":${JSON.stringify(responseContext)}`] : []),
    ...(bytes.response ? [`"responsePayload":${asJson(bytes.response)}`] : []),
  ];
  return { id: event.requestId, event: Buffer.from(`{${members.join(",")}}`, "utf8") };
}

/** The event as it came; what went wrong is in three attributes. */
export function deadLetter(
  event: QueuedEvent & { readonly delivery: Delivery },
  request: Uint8Array,
): EventRecord {
  const message = event.delivery.response?.errorMessage ?? event.delivery.condition;
  return {
    id: event.requestId,
    event: request,
    attributes: {
      RequestID: { type: "String", value: event.requestId },
      ErrorCode: { type: "Number", value: event.delivery.response ? "200" : "429" },
      ErrorMessage: { type: "String", value: shorten(message) },
    },
  };
}

function shorten(message: string): string {
  const bytes = Buffer.from(message, "utf8");
  if (bytes.length <= deadLetterMessageBytesMax) return message;
  // A character cut in half at the end is left out.
  return new TextDecoder("utf-8").decode(bytes.subarray(0, deadLetterMessageBytesMax), {
    stream: true,
  });
}

function asJson(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString("utf8");
  if (text === "") return "null";
  try {
    JSON.parse(text);
    return text;
  } catch {
    return JSON.stringify(text);
  }
}
