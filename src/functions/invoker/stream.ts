import type { FunctionErrorBody, GuestResponse } from "#functions/runtimes/runtimes.ts";
import { ignore } from "#base/ignore.ts";

type StreamResponse = GuestResponse & { readonly kind: "stream" };

/** Why a stream ended. `broken`: the sandbox went away in the middle. */
export type StreamEnd =
  | "complete"
  | "late"
  | { readonly kind: "reported"; readonly error: FunctionErrorBody }
  | { readonly kind: "too-large"; readonly bytesMax: number }
  | { readonly kind: "broken" };

/**
 * Passes a function's stream on, chunk by chunk, at the reader's pace. `end` settles when the function
 * has ended it, time is up or it grew too large; a reader that goes away does not end the function, the
 * rest is then read and dropped. A reader of a stream that ended badly sees it break off.
 */
export function forward(
  response: StreamResponse,
  limits: { readonly late: Promise<"late">; readonly bytesMax: number },
): { readonly body: AsyncIterable<Uint8Array>; readonly end: Promise<StreamEnd> } {
  const ended = Promise.withResolvers<StreamEnd>();
  const source = response.body[Symbol.asyncIterator]();
  let byteCount = 0;

  /** The next chunk, or why there is none. */
  const next = async (): Promise<Uint8Array | StreamEnd> => {
    try {
      const step = await Promise.race([source.next(), limits.late]);
      if (step === "late") return "late";
      if (step.done === true) return await endOf(response, limits.late);
      byteCount += step.value.length;
      const { bytesMax } = limits;
      return byteCount > bytesMax ? { kind: "too-large", bytesMax } : step.value;
    } catch {
      // A broken channel and a reported error can race; what the function said wins.
      return endOf(response, limits.late, { kind: "broken" });
    }
  };
  const drain = async (): Promise<void> => {
    for (;;) {
      const step = await next();
      if (!(step instanceof Uint8Array)) return ended.resolve(step);
    }
  };
  async function* body(): AsyncGenerator<Uint8Array> {
    let finished = false;
    try {
      for (;;) {
        const step = await next();
        if (step instanceof Uint8Array) {
          yield step;
          continue;
        }
        finished = true;
        ended.resolve(step);
        if (step === "complete") return;
        throw new Error("the function's response broke off");
      }
    } finally {
      if (!finished) ignore(drain(), "it settles `end` in every case");
    }
  }
  // Somebody who never reads must not keep the environment beyond its time.
  ignore(
    limits.late.then((late) => ended.resolve(late)),
    "a promise that never rejects",
  );
  return { body: body(), end: ended.promise };
}

async function endOf(
  response: StreamResponse,
  late: Promise<"late">,
  otherwise: StreamEnd = "complete",
): Promise<StreamEnd> {
  const end = await Promise.race([response.ended, late]).catch(() => ({ kind: "broken" }) as const);
  if (end === "late") return "late";
  if (end === undefined) return otherwise;
  return "kind" in end ? end : { kind: "reported", error: end };
}
