import { PlatformError } from "#base/errors.ts";
import { uuid } from "#base/ids.ts";
import type { EventRecord, Target } from "#events/events.ts";
import { makeEvent, readEventText, type BusEvent } from "./bus-event.ts";
import type { EventBridgeOuterDeps } from "./deps.ts";
import { loadBus } from "./lookups.ts";
import { resourceOf } from "./names.ts";
import type { BusAddress } from "./records.ts";
import type { Router } from "./router.ts";

/** Buses as targets: of rules on other buses, of functions' outcomes. For `TargetRegistry.register("events", …)`. */
export function createBusTargets(
  deps: Pick<EventBridgeOuterDeps, "store" | "random" | "clock"> & { readonly router: Router },
): (arn: string) => Target | undefined {
  return (arn) => {
    const found = resourceOf(arn);
    if (!found || found.rule !== undefined) return undefined;
    const { address } = found;
    return {
      async deliver(records, context) {
        const events = records.map((record) =>
          eventOf(record, address, {
            id: uuid(deps.random),
            nowMs: deps.clock.nowMs(),
            trace: record.trace ?? context.trace,
          }),
        );
        await deps.store.write((tx) => {
          try {
            loadBus(tx, address);
          } catch (cause) {
            throw new PlatformError("target.unknown", `there is no event bus ${arn}`, { cause });
          }
          for (const event of events) deps.router.route(tx, address, event);
        });
        return new Set();
      },
    };
  };
}

/** An event passes as it is; a function's outcome becomes one: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html */
function eventOf(
  record: EventRecord,
  address: BusAddress,
  made: { readonly id: string; readonly nowMs: number; readonly trace: BusEvent["trace"] },
): BusEvent {
  const text = Buffer.from(record.event).toString("utf8");
  const event = readEventText(text, made.trace);
  if (event) return event;
  const detail = parse(text);
  const isFailure = "requestContext" in detail && isUnsuccessful(detail.requestContext);
  return makeEvent(address, {
    id: made.id,
    source: "lambda",
    detailType: `Lambda Function Invocation Result - ${isFailure ? "Failure" : "Success"}`,
    detail,
    resources: [],
    timeMs: made.nowMs,
    trace: made.trace,
  });
}

function isUnsuccessful(context: unknown): boolean {
  if (typeof context !== "object" || context === null || !("condition" in context)) return false;
  return context.condition !== "Success";
}

function parse(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value;
    return { value };
  } catch {
    return { value: text };
  }
}
