import type { RequestContext } from "#base/context.ts";
import { randomHex } from "#base/ids.ts";
import type { Random } from "#base/random.ts";
import { parseArn } from "#base/arn.ts";
import type { Reader, Transaction } from "#storage/storage.ts";
import { groupNotFound, invalidParameter, streamNotFound } from "./errors.ts";
import {
  groupCodec,
  keys,
  linkCodec,
  readRecord,
  remainsCodec,
  streamCodec,
  type GroupRecord,
  type Place,
  type StreamRecord,
} from "./records.ts";

/** Loading, making and unmaking log groups and streams. */
export function placeOf(context: RequestContext): Place {
  return { accountId: context.principal.accountId, region: context.region };
}

export function findGroup(reader: Reader, place: Place, name: string): GroupRecord | undefined {
  return readRecord(reader, keys.group(place, name), groupCodec);
}

/** Throws ResourceNotFoundException. */
export function loadGroup(reader: Reader, place: Place, name: string): GroupRecord {
  const group = findGroup(reader, place, name);
  if (group) return group;
  throw groupNotFound();
}

/** Throws ResourceNotFoundException. */
export function loadStream(reader: Reader, group: GroupRecord, name: string): StreamRecord {
  const stream = readRecord(reader, keys.stream(group.id, name), streamCodec);
  if (stream) return stream;
  throw streamNotFound();
}

/** The one name meant by `logGroupName` and `logGroupIdentifier`, of which there must be one. */
export function groupNameOf(
  place: Place,
  input: {
    readonly logGroupName?: string | undefined;
    readonly logGroupIdentifier?: string | undefined;
  },
): string {
  const { logGroupName: name, logGroupIdentifier: identifier } = input;
  if (name !== undefined && identifier !== undefined) {
    throw invalidParameter(
      "Only one of LogGroupName and LogGroupIdentifier can be specified in the request.",
    );
  }
  if (name !== undefined) return name;
  if (identifier !== undefined) return nameOfIdentifier(place, identifier);
  throw invalidParameter(
    "Either LogGroupName or LogGroupIdentifier must be specified in the request.",
  );
}

/** A name, or the ARN of a group of this account and region. Throws ResourceNotFoundException. */
export function nameOfIdentifier(place: Place, identifier: string): string {
  if (!identifier.startsWith("arn:")) return identifier;
  const arn = parseArn(identifier);
  const name = arn && /^log-group:([^:*]+)(:\*)?$/.exec(arn.resource)?.[1];
  if (!arn || arn.service !== "logs" || name === undefined) {
    throw invalidParameter(`The ARN ${identifier} is not the ARN of a log group.`);
  }
  if (arn.accountId !== place.accountId || arn.region !== place.region) throw groupNotFound();
  return name;
}

export function groupArn(place: Place, name: string): string {
  return `arn:aws:logs:${place.region}:${place.accountId}:log-group:${name}`;
}

export function createGroup(
  tx: Transaction,
  place: Place,
  group: Omit<GroupRecord, "id">,
  random: Random,
): GroupRecord {
  const record = { ...group, id: randomHex(random, 8) };
  saveGroup(tx, place, record);
  return record;
}

export function saveGroup(tx: Transaction, place: Place, group: GroupRecord): void {
  tx.put(keys.group(place, group.name), groupCodec.encode(group));
}

export function createStream(
  tx: Transaction,
  group: GroupRecord,
  stream: { readonly name: string; readonly createdAtMs: number },
  random: Random,
): StreamRecord {
  const record = { ...stream, id: randomHex(random, 7).slice(1), nextSequence: 0, spanClasses: 0 };
  saveStream(tx, group.id, record);
  return record;
}

/** Saves the stream and its place in the order of newest events; `old` is what was there before. */
export function saveStream(
  tx: Transaction,
  groupId: string,
  stream: StreamRecord,
  old?: StreamRecord,
): void {
  if (old && old.lastEventMs !== stream.lastEventMs) tx.delete(keys.recent(groupId, old));
  if (!old || old.lastEventMs !== stream.lastEventMs) {
    tx.put(keys.recent(groupId, stream), linkCodec.encode({ name: stream.name }));
  }
  tx.put(keys.stream(groupId, stream.name), streamCodec.encode(stream));
}

/** The group is gone at once; its streams and events are removed later, in small steps. */
export function deleteGroup(tx: Transaction, place: Place, group: GroupRecord): void {
  tx.delete(keys.group(place, group.name));
  tx.delete(keys.usage(group.id));
  tx.put(keys.remains(group.id), remainsCodec.encode({ kind: "group", id: group.id }));
}

/** The stream is gone at once; its events are removed later. They keep counting until then. */
export function deleteStream(tx: Transaction, groupId: string, stream: StreamRecord): void {
  tx.delete(keys.stream(groupId, stream.name));
  tx.delete(keys.recent(groupId, stream));
  const remains = { kind: "stream", id: stream.id, groupId } as const;
  tx.put(keys.remains(stream.id), remainsCodec.encode(remains));
}
