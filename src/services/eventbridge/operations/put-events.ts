import { PutEvents$, type PutEventsRequestEntry } from "@aws-sdk/client-eventbridge";
import type { RequestContext } from "#base/context.ts";
import { uuid } from "#base/ids.ts";
import { makeEvent, type BusEvent } from "../bus-event.ts";
import type { EventBridgeDeps, EventBridgeHandler, EventBridgeRows } from "../deps.ts";
import { validationError } from "../errors.ts";
import { requestBytesMax, timeBytes } from "../limits.ts";
import { allowPut } from "../lookups.ts";
import { busAddress, homeOf } from "../names.ts";
import type { BusAddress } from "../records.ts";

/** https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html */
export function putEventsOperations(deps: EventBridgeDeps): EventBridgeRows {
  return { PutEvents: [PutEvents$, putEvents(deps)] };
}

interface Refusal {
  readonly ErrorCode: string;
  readonly ErrorMessage: string;
}

interface Accepted {
  readonly address: BusAddress;
  readonly event: BusEvent;
}

/** An event and everything it leads to are one transaction; an event that nobody wants writes nothing. */
function putEvents({
  store,
  router,
  random,
  clock,
  mode,
}: EventBridgeDeps): EventBridgeHandler<"PutEvents"> {
  return async ({ Entries, EndpointId }, context) => {
    if (EndpointId !== undefined)
      throw validationError("Global endpoints are not available here; leave EndpointId out.");
    if (Entries.reduce((bytes, entry) => bytes + entryBytes(entry), 0) > requestBytesMax)
      throw validationError("Total size of the entries in the request is over the limit.");
    const nowMs = clock.nowMs();
    const results = Entries.map((entry) => accept(entry, { context, nowMs, id: uuid(random) }));
    const accepted = results.filter((one) => "event" in one);
    const wanted = await store.read((reader) => {
      for (const { address } of accepted) allowPut(mode, { reader, address }, context);
      return accepted.some(({ address, event }) => router.wants(reader, address, event));
    });
    if (wanted)
      await store.write((tx) => {
        for (const { address, event } of accepted) router.route(tx, address, event);
      });
    return {
      FailedEntryCount: results.length - accepted.length,
      Entries: results.map((one) => ("event" in one ? { EventId: one.event.id } : one)),
    };
  };
}

function accept(
  entry: PutEventsRequestEntry,
  from: { readonly context: RequestContext; readonly nowMs: number; readonly id: string },
): Accepted | Refusal {
  const { Source = "", DetailType = "", Detail = "", Resources = [], Time } = entry;
  for (const [name, value] of Object.entries({ Source, DetailType, Detail }))
    if (value === "")
      return {
        ErrorCode: "InvalidArgument",
        ErrorMessage: `Parameter ${name} is not valid. Reason: ${name} is a required argument.`,
      };
  if (Source.startsWith("aws."))
    return {
      ErrorCode: "NotAuthorizedForSourceException",
      ErrorMessage: "Not authorized for the source.",
    };
  const detail = parseObject(Detail);
  if (!detail) return { ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed." };
  const home = homeOf(from.context);
  const event = makeEvent(home, {
    id: from.id,
    source: Source,
    detailType: DetailType,
    detail,
    resources: Resources,
    timeMs: Time?.getTime() ?? from.nowMs,
    trace: from.context.trace,
  });
  return { address: busAddress(entry.EventBusName, home), event };
}

function parseObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html#eb-putevent-size */
function entryBytes({
  Time,
  Source,
  DetailType,
  Detail,
  Resources,
}: PutEventsRequestEntry): number {
  const texts = [Source, DetailType, Detail, ...(Resources ?? [])];
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text ?? ""), 0);
  return bytes + (Time ? timeBytes : 0);
}
