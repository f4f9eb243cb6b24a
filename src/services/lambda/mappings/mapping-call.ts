import { uuid } from "#base/ids.ts";
import { throttleOf } from "#functions/invoker/invoker.ts";
import type { CallFunction, CallResult } from "#events/sources/sources.ts";
import type { LambdaScope } from "../dependencies.ts";
import { mappingCallGraceMs } from "../limits.ts";
import type { MappingRecord } from "./mapping-record.ts";
import { whole } from "../operations/invoke.ts";

/** Invokes a mapping's function synchronously, as a principal of the service. */
export function createMappingCall(scope: LambdaScope, record: MappingRecord): CallFunction {
  const { registry, invoker, random, clock, log, events } = scope;
  const { accountId, region, functionName: name, qualifier } = record;
  const reference = { accountId, region, name, qualifier };
  return async (payload, about) => {
    const requestId = uuid(random);
    const didNotRun = (kind: "throttled" | "trouble", reason: string): CallResult => ({
      kind,
      requestId,
      reason,
    });
    try {
      const target = await registry.resolve(reference, reference);
      if (!target) return didNotRun("trouble", "there is no such function");
      if (target.revision.state.state !== "Active")
        return didNotRun("trouble", `the function is ${target.revision.state.state}`);
      const context = {
        requestId,
        principal: { arn: "lambda.amazonaws.com", accountId },
        region,
        deadlineMs: clock.nowMs() + target.revision.timeoutMs + mappingCallGraceMs,
        signal: about.signal,
        trace: about.trace ?? events.tracer.newTrace(),
        endpoint: events.endpoint,
        log,
      };
      const answered = await invoker.invoke({ target, payload, context });
      const body = await whole(answered.payload);
      const outcome = await answered.outcome;
      return {
        kind: outcome.kind === "ok" ? "ok" : "function-error",
        requestId,
        executedVersion: answered.executedVersion,
        payload: body,
      };
    } catch (error) {
      if (throttleOf(error)) return didNotRun("throttled", "Rate Exceeded.");
      log.event("mapping.call-failed", { level: "warn", mapping: record.uuid, error });
      return didNotRun("trouble", error instanceof Error ? error.message : String(error));
    }
  };
}
