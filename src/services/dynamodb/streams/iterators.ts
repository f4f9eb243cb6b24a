import { streamArn } from "./names.ts";
import { placeOfStream } from "./names.ts";
import { iteratorAgeMaxMs } from "./limits.ts";
import { expired, streamValidation } from "./errors.ts";
import type { StreamPlace } from "../stream-records.ts";

/** Where in a stream a reader is; to callers an opaque text that is good for a quarter of an hour. */
export interface ShardIterator {
  readonly place: StreamPlace;
  readonly shardId: string;
  /** Sequence number of the next record to read. */
  readonly position: number;
}

/** The form is the service's: the stream, a version, and something unreadable. */
export function writeIterator(iterator: ShardIterator, nowMs: number): string {
  const { place, shardId, position } = iterator;
  const inner = Buffer.from(JSON.stringify([shardId, position, nowMs])).toString("base64url");
  return `${streamArn(place)}|1|${inner}`;
}

/** Throws ValidationException for what `writeIterator` did not write, ExpiredIteratorException for what is too old. */
export function readIterator(text: string, nowMs: number): ShardIterator {
  const [arn = "", version, inner = "", ...rest] = text.split("|");
  const place = placeOfStream(arn);
  const parts = version === "1" && rest.length === 0 ? parsed(inner) : undefined;
  if (!place || !parts) throw streamValidation("Invalid ShardIterator");
  if (nowMs - parts.issuedMs > iteratorAgeMaxMs) throw expired();
  return { place, shardId: parts.shardId, position: parts.position };
}

function parsed(
  inner: string,
): { readonly shardId: string; readonly position: number; readonly issuedMs: number } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(inner, "base64url").toString("utf8"));
  } catch {
    return undefined; // not ours: refused by the caller
  }
  if (!Array.isArray(value)) return undefined;
  const [shardId, position, issuedMs] = value as unknown[];
  if (typeof shardId !== "string" || !isCount(position) || !isCount(issuedMs)) return undefined;
  return { shardId, position, issuedMs };
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
