import type { TraceContext } from "#base/context.ts";

/**
 * The `X-Amzn-Trace-Id` header: `Root=1-…;Parent=…;Sampled=1;Lineage=<hash>:<count>`.
 * https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
 *
 * `Lineage` carries how many functions the chain has passed through. It is written for functions to
 * see, and read back only from requests whose sender the platform itself vouches for.
 */
export const traceHeaderName = "x-amzn-trace-id";

const rootForm = /^1-[0-9a-f]{8}-[0-9a-f]{24}$/;
const spanForm = /^[0-9a-f]{16}$/;

/** What a caller's header says; undefined unless it has a well-formed `Root`. Hops are not believed. */
export function parseTraceHeader(text: string | undefined): TraceContext | undefined {
  if (text === undefined || text === "" || text.length > 512) return undefined;
  const fields = new Map(
    text.split(";").map((field) => {
      const at = field.indexOf("=");
      return [field.slice(0, at).trim().toLowerCase(), field.slice(at + 1).trim()] as const;
    }),
  );
  const traceId = fields.get("root");
  if (traceId === undefined || !rootForm.test(traceId)) return undefined;
  const parent = fields.get("parent");
  return {
    traceId,
    spanId: parent !== undefined && spanForm.test(parent) ? parent : undefined,
    sampled: fields.get("sampled") !== "0",
    hops: 0,
  };
}

/** The header of an answer: which trace it belongs to, and nothing of where in it. */
export function formatTraceRoot(context: TraceContext): string {
  return context.sampled
    ? `Root=${context.traceId};Sampled=1`
    : `Root=${context.traceId};Sampled=0`;
}

export function formatTraceHeader(context: TraceContext): string {
  const parent = context.spanId === undefined ? "" : `;Parent=${context.spanId}`;
  const lineage =
    context.hops > 0 ? `;Lineage=${context.traceId.slice(2, 10)}:${context.hops}` : "";
  return `Root=${context.traceId}${parent};Sampled=${context.sampled ? 1 : 0}${lineage}`;
}
