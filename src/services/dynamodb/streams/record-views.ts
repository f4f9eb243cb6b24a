import { hash } from "node:crypto";
import type { _Record } from "@aws-sdk/client-dynamodb-streams";
import type { SourceRecord } from "#events/events.ts";
import type { StreamDescription, StreamRecord } from "../stream-records.ts";
import type { AttributeValue, Item } from "../values/values.ts";
import { sequenceText, streamArn } from "./names.ts";
import { recordBytes } from "./reading.ts";

/** Who removes expired items. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html */
const service = { type: "Service", principalId: "dynamodb.amazonaws.com" } as const;

const eventVersion = "1.1";
const eventSource = "aws:dynamodb";

/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html */
export function recordOf(stream: StreamDescription, record: StreamRecord): _Record {
  const { keys, newImage, oldImage, isExpiry } = record;
  return {
    eventID: eventId(stream, record),
    eventName: record.eventName,
    eventVersion,
    eventSource,
    awsRegion: stream.region,
    dynamodb: {
      ApproximateCreationDateTime: new Date(wholeSeconds(record) * 1_000),
      Keys: keys,
      ...(newImage && { NewImage: newImage }),
      ...(oldImage && { OldImage: oldImage }),
      SequenceNumber: sequenceText(record.sequence),
      SizeBytes: recordBytes(record),
      StreamViewType: stream.viewType,
    },
    ...(isExpiry && { userIdentity: { PrincipalId: service.principalId, Type: service.type } }),
  };
}

/** One element of `Records` in a function's event: https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html (seen 2026-11). */
export function sourceRecordOf(stream: StreamDescription, record: StreamRecord): SourceRecord {
  const { keys, newImage, oldImage, isExpiry } = record;
  const sequence = sequenceText(record.sequence);
  return {
    id: sequence,
    value: {
      eventID: eventId(stream, record),
      eventName: record.eventName,
      eventVersion,
      eventSource,
      awsRegion: stream.region,
      dynamodb: {
        ApproximateCreationDateTime: wholeSeconds(record),
        Keys: jsonItem(keys),
        ...(newImage && { NewImage: jsonItem(newImage) }),
        ...(oldImage && { OldImage: jsonItem(oldImage) }),
        SequenceNumber: sequence,
        SizeBytes: recordBytes(record),
        StreamViewType: stream.viewType,
      },
      ...(isExpiry && { userIdentity: service }),
      eventSourceARN: streamArn(stream),
    },
    byteCount: recordBytes(record),
    sentMs: record.createdMs,
    group: JSON.stringify(jsonItem(keys)),
    trace: record.trace,
    receipt: String(record.sequence + 1),
  };
}

/** "Rounded down to the closest second": API_streams_StreamRecord. */
function wholeSeconds({ createdMs }: StreamRecord): number {
  return Math.floor(createdMs / 1_000);
}

/** The same whenever the record is read. */
function eventId({ streamId }: StreamDescription, { sequence }: StreamRecord): string {
  return hash("sha256", `${streamId}/${sequence}`, "hex").slice(0, 32);
}

function jsonItem(item: Item): Record<string, unknown> {
  return Object.fromEntries(Object.entries(item).map(([name, value]) => [name, jsonValue(value)]));
}

/** As the wire has it: binaries in base64. */
function jsonValue(value: AttributeValue): unknown {
  if (value.B !== undefined) return { B: base64(value.B) };
  if (value.BS !== undefined) return { BS: value.BS.map(base64) };
  if (value.L !== undefined) return { L: value.L.map(jsonValue) };
  return value.M === undefined ? value : { M: jsonItem(value.M) };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}
