import { unreachable } from "#base/assert.ts";
import type { Clock } from "#base/clock.ts";
import type { Logger, RequestContext } from "#base/context.ts";
import { isPlatformError, PlatformError } from "#base/errors.ts";
import { uuid } from "#base/ids.ts";
import type { Random } from "#base/random.ts";
import type { Tracer } from "#telemetry/telemetry.ts";
import { isFinal } from "../delivery.ts";
import type { TargetRegistry } from "../events.ts";
import type { Handover, Journal } from "../journal.ts";
import { deliveryTimeoutMs, errorMessageMax, storeTroubleMs } from "../limits.ts";
import { destinationOf, type Placed } from "./entries.ts";
import { decideFate, type Fate, recordOf } from "./fate.ts";

export type Outcome = Fate | { readonly kind: "delivered" };

/** One try to hand an entry to where it goes now. Never rejects. */
export async function attempt(
  deps: {
    readonly targets: TargetRegistry;
    readonly clock: Clock;
    readonly random: Random;
    readonly log: Logger;
    readonly tracer: Tracer;
    readonly journal: Journal;
    readonly endpoint: string;
  },
  placed: Placed,
  stopped: AbortSignal,
): Promise<Outcome> {
  const { clock, random, log, tracer, journal } = deps;
  const { entry } = placed;
  const targetArn = destinationOf(entry);
  const startMs = clock.monotonicMs();
  const trace = entry.record.trace ?? tracer.newTrace();
  using span = tracer.span(trace, "deliver", {
    "skerry.source": entry.origin.arn,
    "skerry.target": targetArn,
  });
  let outcome: Outcome = { kind: "delivered" };
  let error: string | undefined;
  try {
    await tryOnce(deps, placed, { targetArn, trace: span.context, stopped });
  } catch (reason) {
    const failure = describe(reason);
    error = failure.code;
    span.fail(error);
    const now = { nowMs: clock.nowMs(), random };
    // We stop, or what we deliver to does: that says nothing about the record.
    outcome = isPlatformError(reason, "server.stopping")
      ? { kind: "again", entry, dueMs: now.nowMs + storeTroubleMs }
      : decideFate(entry, { ...failure, isFinal: isFinal(reason) }, now);
    if (!stopped.aborted)
      log.event(outcome.kind === "drop" ? "delivery.dropped" : "delivery.failed", {
        level: outcome.kind === "again" ? "info" : "warn",
        recordId: entry.record.id,
        target: targetArn,
        attempts: entry.attempts + 1,
        fate: outcome.kind,
        error: reason,
      });
  }
  journal.note({
    atMs: clock.nowMs(),
    durationMs: clock.monotonicMs() - startMs,
    sourceArn: entry.origin.arn,
    targetArn,
    recordId: entry.record.id,
    recordCount: 1,
    attempts: entry.attempts + 1,
    outcome: noted(outcome, entry.stage),
    ...(error !== undefined && { error }),
    traceId: trace.traceId,
  });
  return outcome;
}

async function tryOnce(
  deps: Parameters<typeof attempt>[0],
  placed: Placed,
  to: {
    readonly targetArn: string;
    readonly trace: RequestContext["trace"];
    readonly stopped: AbortSignal;
  },
): Promise<void> {
  const { entry, event } = placed;
  const { clock, random, log } = deps;
  const target = deps.targets.find(to.targetArn);
  if (!target)
    throw new PlatformError("target.unknown", `nothing here can receive for ${to.targetArn}`);
  const ended = new AbortController();
  using _timeout = clock.timer(deliveryTimeoutMs, () =>
    ended.abort(new PlatformError("queue.full", `${to.targetArn} did not take it in time`)),
  );
  const context: RequestContext = {
    requestId: uuid(random),
    principal: { arn: senderOf(entry), accountId: entry.origin.accountId },
    region: entry.origin.region,
    deadlineMs: clock.nowMs() + deliveryTimeoutMs,
    signal: AbortSignal.any([to.stopped, ended.signal]),
    trace: to.trace,
    endpoint: deps.endpoint,
    log,
  };
  // Where the target hangs what it does: under this delivery, not beside it.
  const record = { ...recordOf(entry, event), trace: to.trace };
  const origin = entry.usesRole === true ? undefined : entry.origin;
  const failed = await target.deliver([record], context, origin);
  if (failed.size > 0)
    throw new PlatformError("queue.full", `${to.targetArn} did not accept the record`);
}

function senderOf({ origin, usesRole }: Placed["entry"]): string {
  return usesRole === true ? `arn:aws:iam::${origin.accountId}:root` : origin.service;
}

function noted(outcome: Outcome, stage: Placed["entry"]["stage"]): Handover["outcome"] {
  switch (outcome.kind) {
    case "delivered":
      return stage === "target" ? "delivered" : "dead-lettered";
    case "drop":
      return "dropped";
    case "again":
    case "dead-letter":
      return "failed";
    default:
      return unreachable(outcome);
  }
}

/**
 * EventBridge's names for a missing target and a missing permission, else the error's own
 * (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html).
 */
function describe(error: unknown): { readonly code: string; readonly message: string } {
  const message = (error instanceof Error ? error.message : String(error)).slice(
    0,
    errorMessageMax,
  );
  if (isPlatformError(error))
    return { code: error.code === "target.unknown" ? "RESOURCE_NOT_FOUND" : error.code, message };
  const name = error instanceof Error ? error.name : "Error";
  return { code: /AccessDenied/.test(name) ? "NO_PERMISSIONS" : name, message };
}
