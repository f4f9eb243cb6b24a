import { parseArn } from "#base/arn.ts";
import type { Shard, StreamPlace } from "../stream-records.ts";

/** How streams, shards and sequence numbers are called. */

export function streamArn({ accountId, region, tableName, label }: StreamPlace): string {
  return `arn:aws:dynamodb:${region}:${accountId}:table/${tableName}/stream/${label}`;
}

/** Undefined for what is no stream's ARN. */
export function placeOfStream(arn: string): StreamPlace | undefined {
  const parsed = parseArn(arn);
  if (parsed?.service !== "dynamodb") return undefined;
  const match = /^table\/([^/]+)\/stream\/([^/]+)$/.exec(parsed.resource);
  const [, tableName, label] = match ?? [];
  if (tableName === undefined || label === undefined) return undefined;
  return { accountId: parsed.accountId, region: parsed.region, tableName, label };
}

/** The form is the service's: twenty digits of the time of opening, and eight more that tell shards apart. */
export function shardId({ first, openedMs }: Shard): string {
  const digits = String(openedMs).padStart(20, "0");
  return `shardId-${digits}-${first.toString(16).padStart(8, "0")}`;
}

/** 21 digits, as long as the shortest of the service's, in the order of the records. */
export function sequenceText(sequence: number): string {
  return `1${String(sequence).padStart(20, "0")}`;
}

/** Undefined for what `sequenceText` does not write. */
export function sequenceOf(text: string): number | undefined {
  if (!/^1[0-9]{20}$/.test(text)) return undefined;
  const sequence = Number(text.slice(1));
  return Number.isSafeInteger(sequence) ? sequence : undefined;
}
