import type { ServerResponse } from "node:http";
import type { Clock } from "#base/clock.ts";
import { answerSliceBytes, readerStallMs } from "./limits.ts";

/**
 * A large answer in slices. Each is written when the one before has been taken, so that a reader's
 * progress shows; one that takes less than a slice per `readerStallMs` counts as stalled.
 */
export async function* slices(body: Uint8Array | AsyncIterable<Uint8Array>) {
  const pieces = body instanceof Uint8Array ? [body] : body;
  for await (const piece of pieces)
    for (let at = 0; at < piece.byteLength; at += answerSliceBytes)
      yield piece.subarray(at, at + answerSliceBytes);
}

/** Resolves when there is room again, or when there will never be. A stalled reader loses its connection. */
export async function untilRoom(response: ServerResponse, clock: Clock): Promise<void> {
  // Pipelined: it is an earlier answer's turn, and its reader's time that runs.
  if (!response.socket) await firstOf(response, ["socket", "close"]);
  if (response.destroyed || !response.writableNeedDrain) return;
  using _stall = clock.timer(readerStallMs, () => response.destroy());
  await firstOf(response, ["drain", "close"]);
}

/** After the last byte of an answer was handed over: whoever does not take the rest is cut off. */
export function watchLastBytes(response: ServerResponse, clock: Clock): void {
  if (response.destroyed || !response.socket?.writableLength) return;
  const stall = clock.timer(readerStallMs, () => response.destroy());
  response.once("close", () => stall[Symbol.dispose]());
}

function firstOf(response: ServerResponse, events: readonly string[]): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of events) response.off(event, done);
      resolve();
    };
    for (const event of events) response.on(event, done);
  });
}
