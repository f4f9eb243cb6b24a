import { unreachable } from "#base/assert.ts";
import type { SandboxExit } from "#functions/sandbox/sandbox.ts";
import { exitError, responseTooLarge } from "./error-body.ts";
import { responseBytesMax, streamBytesMax } from "./limits.ts";
import type { FunctionErrorBody, GuestResponse } from "./runtimes.ts";

/** One response stream of a guest, whatever it travels over. */
export interface StreamSource {
  readonly requestId: string;
  /** Rejects with the reason when the invocation was given up. */
  next(): Promise<StreamPart>;
  /** Tells, also while nobody reads, that the invocation was given up. */
  onAbandon(tell: (reason: Error) => void): void;
  /** Nobody wants the rest; the guest is not usable afterwards. */
  abandon(): void;
}

export type StreamPart =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "end" }
  | { readonly kind: "error"; readonly error: FunctionErrorBody }
  | { readonly kind: "exit"; readonly exit: SandboxExit };

/** Passes the stream on as it is read: a slow reader slows the function down. */
export function streamResponse(
  source: StreamSource,
  contentType: string | undefined,
): Extract<GuestResponse, { kind: "stream" }> {
  const ended = Promise.withResolvers<FunctionErrorBody | undefined>();
  // Who never looks at `ended` must not make an unhandled rejection of a lost channel.
  ended.promise.catch(() => undefined);
  source.onAbandon((reason) => ended.reject(reason));

  async function* read(): AsyncGenerator<Uint8Array> {
    let isOver = false;
    let bytesLeft = streamBytesMax;
    try {
      for (;;) {
        const part = await source.next();
        if (part.kind === "bytes") {
          bytesLeft -= part.bytes.length;
          if (bytesLeft >= 0) {
            yield part.bytes;
            continue;
          }
          source.abandon();
        }
        isOver = true;
        ended.resolve(endOf(part, source.requestId));
        return;
      }
    } catch (error) {
      isOver = true;
      ended.reject(error);
      throw error;
    } finally {
      if (!isOver) {
        source.abandon();
        ended.resolve(undefined);
      }
    }
  }
  return { kind: "stream", contentType, body: read(), ended: ended.promise };
}

/** A streaming function called by someone who takes one answer. */
export async function collectStream(source: StreamSource): Promise<GuestResponse> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for (;;) {
    const part = await source.next();
    if (part.kind === "exit") return part;
    if (part.kind === "error") return part;
    if (part.kind === "end") break;
    bytes += part.bytes.length;
    if (bytes <= responseBytesMax) chunks.push(part.bytes);
    else if (bytes > streamBytesMax) {
      source.abandon();
      break;
    }
  }
  if (bytes > responseBytesMax) return { kind: "error", error: responseTooLarge() };
  return { kind: "payload", payload: Buffer.concat(chunks) };
}

function endOf(part: StreamPart, requestId: string): FunctionErrorBody | undefined {
  switch (part.kind) {
    case "bytes":
      return responseTooLarge(streamBytesMax);
    case "end":
      return undefined;
    case "error":
      return part.error;
    case "exit":
      return exitError(requestId, part.exit);
    default:
      return unreachable(part);
  }
}
