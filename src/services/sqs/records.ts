import type { TraceContext } from "#base/context.ts";
import { key, keyBelow, keyPrefix } from "#storage/keys.ts";
import { plainRecordCodec } from "#storage/records.ts";
import type { KeyRange } from "#storage/storage.ts";

/** Where a queue lives. */
export interface Place {
  /** Twelve digits. */
  readonly accountId: string;
  readonly region: string;
}

export interface QueueAddress extends Place {
  readonly name: string;
}

export interface QueueRecord extends QueueAddress {
  /** 48 random bits: a new queue of an old name is another queue. */
  readonly id: number;
  /** Counts purges; the messages of an older generation are cleared away behind the back of the queue. */
  readonly generation: number;
  readonly isFifo: boolean;
  readonly createdMs: number;
  readonly modifiedMs: number;
  readonly purgedMs?: number;
  /** What was set, as it was written; what is absent has its default. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
}

/** Never changed once it is stored: what changes is in `MessageState`. */
export interface MessageRecord {
  readonly id: string;
  readonly body: string;
  readonly bodyMd5: string;
  readonly attributes?: Readonly<Record<string, StoredAttribute>>;
  readonly attributesMd5?: string;
  /** Of the account that sent it. */
  readonly senderId: string;
  /** `AWSTraceHeader` as the sender wrote it. */
  readonly traceHeader?: string;
  /** Of what sent it, so that one tree spans all hops. */
  readonly trace: TraceContext;
  readonly group?: string;
  readonly deduplicationId?: string;
  /** Receives in queues it was moved from. */
  readonly receivedBefore?: number;
  /** The queue whose dead letter it is. */
  readonly deadLetterSourceArn?: string;
}

export interface StoredAttribute {
  /** `String`, `Number` or `Binary`, each perhaps with a label. */
  readonly type: string;
  /** Base64 where the type is binary. */
  readonly value: string;
}

/** The part of a message that changes; kept in the index that says where the message is. */
export interface MessageState {
  readonly sentMs: number;
  readonly receiveCount: number;
  /** Zero until it has been received. */
  readonly firstReceivedMs: number;
  readonly receivedMs: number;
  /** Never visible yet. */
  readonly isDelayed: boolean;
  /** Its place is not the one its receipt tells: a pointer leads there. */
  readonly hasPointer: boolean;
  /** Of a FIFO queue's message. */
  readonly group: string | undefined;
}

/** What a queue counts, so that nobody has to. */
export interface Counts {
  readonly nextSequence: number;
  readonly visible: number;
  readonly inFlight: number;
  readonly delayed: number;
}

/** Waiting and blocked messages of one group of a FIFO queue. */
export interface GroupRecord {
  readonly inFlight: number;
  /** Where the group stands in the index of those that may be received from; null when it does not. */
  readonly ready: readonly [sinceMs: number, sequence: number] | null;
}

export interface DeduplicationRecord {
  readonly messageId: string;
  readonly sequence: number;
  readonly sentMs: number;
}

export interface MoveTaskRecord {
  readonly id: string;
  readonly sourceArn: string;
  readonly destinationArn?: string;
  readonly perSecondMax?: number;
  readonly status: "RUNNING" | "COMPLETED" | "CANCELLING" | "CANCELLED" | "FAILED";
  readonly startedMs: number;
  readonly toMove: number;
  readonly moved: number;
  readonly failureReason?: string;
  /** Until then the process that runs it has it to itself. */
  readonly leaseMs: number;
}

export const queueCodec = plainRecordCodec<QueueRecord>(1);
export const messageCodec = plainRecordCodec<MessageRecord>(1);
export const groupCodec = plainRecordCodec<GroupRecord>(1);
export const deduplicationCodec = plainRecordCodec<DeduplicationRecord>(1);
export const moveTaskCodec = plainRecordCodec<MoveTaskRecord>(1);

type StateRow = readonly [
  sentMs: number,
  receiveCount: number,
  firstReceivedMs: number,
  receivedMs: number,
  flags: number,
  group?: string,
];
type CountsRow = readonly [number, number, number, number];

const stateRows = plainRecordCodec<StateRow>(1);
const countRows = plainRecordCodec<CountsRow>(1);
const flag = { isDelayed: 1, hasPointer: 2 } as const;

/** Rows instead of records: two or three are written with every message. */
export function encodeState(state: MessageState): Uint8Array {
  const { sentMs, receiveCount, firstReceivedMs, receivedMs, group } = state;
  const flags = (state.isDelayed ? flag.isDelayed : 0) | (state.hasPointer ? flag.hasPointer : 0);
  const row = [sentMs, receiveCount, firstReceivedMs, receivedMs, flags] as const;
  return stateRows.encode(group === undefined ? row : [...row, group]);
}

export function decodeState(bytes: Uint8Array): MessageState {
  const [sentMs, receiveCount, firstReceivedMs, receivedMs, flags, group] = stateRows.decode(bytes);
  return {
    sentMs,
    receiveCount,
    firstReceivedMs,
    receivedMs,
    isDelayed: (flags & flag.isDelayed) !== 0,
    hasPointer: (flags & flag.hasPointer) !== 0,
    group,
  };
}

export function encodeCounts(counts: Counts): Uint8Array {
  return countRows.encode([counts.nextSequence, counts.visible, counts.inFlight, counts.delayed]);
}

export function decodeCounts(bytes: Uint8Array): Counts {
  const [nextSequence, visible, inFlight, delayed] = countRows.decode(bytes);
  return { nextSequence, visible, inFlight, delayed };
}

export const noBytes = new Uint8Array();

/** Keys outside of queues' messages. */
export const keys = {
  secret: key("sqs", "secret"),
  /** Regions that have had a queue: what a sweep goes through. */
  region: ({ accountId, region }: Place) => key("sqs", "region", accountId, region),
  regions: keyPrefix("sqs", "region"),
  /** What purges and deletions left behind. */
  trash: (id: number, generation: number) => key("sqs", "trash", id, generation),
  allTrash: keyPrefix("sqs", "trash"),
  queue: ({ accountId, region, name }: QueueAddress) =>
    key("sqs", accountId, region, "queue", name),
  queues: ({ accountId, region }: Place) => keyPrefix("sqs", accountId, region, "queue"),
  deleted: ({ accountId, region, name }: QueueAddress) =>
    key("sqs", accountId, region, "deleted", name),
  /** Which queues send their dead letters to `name`. */
  source: ({ accountId, region, name }: QueueAddress, sourceName: string) =>
    key("sqs", accountId, region, "source", name, sourceName),
  sources: ({ accountId, region, name }: QueueAddress) =>
    keyPrefix("sqs", accountId, region, "source", name),
  moveTask: ({ accountId, region, name }: QueueAddress, startedMs: number, id: string) =>
    key("sqs", accountId, region, "move", name, startedMs, id),
  moveTasks: ({ accountId, region, name }: QueueAddress) =>
    keyPrefix("sqs", accountId, region, "move", name),
  allMoveTasks: ({ accountId, region }: Place) => keyPrefix("sqs", accountId, region, "move"),
} as const;

/** The keys of one queue's messages: encoded once, extended with numbers at each use. */
export interface PartitionKeys {
  readonly counts: Uint8Array;
  /** sentMs, sequence → message */
  readonly message: Uint8Array;
  /** Standard: sinceMs, sequence → state. FIFO: sinceMs, sequence of the head → name of the group. */
  readonly ready: Uint8Array;
  /** dueMs, sequence → state, of messages in flight and of a standard queue's delayed ones */
  readonly timed: Uint8Array;
  /** sequence → where a message went whose visibility was changed: [isReady, atMs] */
  readonly pointer: Uint8Array;
  /** FIFO: sentMs, sequence → state, of delayed messages */
  readonly delayed: Uint8Array;
  /** FIFO: group → GroupRecord */
  readonly group: Uint8Array;
  /** FIFO: group, sequence → state */
  readonly waiting: Uint8Array;
  /** FIFO: [group,] deduplication id → DeduplicationRecord */
  readonly deduplication: Uint8Array;
  /** FIFO: sentMs, sequence → the key above, to forget it in time */
  readonly deduplicationAge: Uint8Array;
  /** FIFO: id of an attempt to receive → what it received */
  readonly attempt: Uint8Array;
}

/** All messages of a queue, or those of one generation. */
export function partitionRange(
  { accountId, region, id }: Place & Pick<QueueRecord, "id">,
  ...generation: readonly [number?]
): KeyRange {
  return keyPrefix(
    "sqs",
    accountId,
    region,
    "part",
    id,
    ...generation.filter((one) => one !== undefined),
  );
}

export function partitionKeys(
  queue: Place & Pick<QueueRecord, "id" | "generation">,
): PartitionKeys {
  const { accountId, region, id, generation } = queue;
  const base = ["sqs", accountId, region, "part", id, generation] as const;
  const prefix = (name: string): Uint8Array => key(...base, name);
  return {
    counts: prefix("counts"),
    message: prefix("message"),
    ready: prefix("ready"),
    timed: prefix("timed"),
    pointer: prefix("pointer"),
    delayed: prefix("later"),
    group: prefix("group"),
    waiting: prefix("waiting"),
    deduplication: prefix("once"),
    deduplicationAge: prefix("once-age"),
    attempt: prefix("attempt"),
  };
}

/** Every key below `prefix` up to and with the numbers that begin with `upTo`. */
export function rangeUpTo(prefix: Uint8Array, upTo: number): KeyRange {
  return { start: prefix, end: keyBelow(prefix, Math.max(0, upTo) + 1) };
}

/** Every key below `prefix`. */
export function rangeBelow(prefix: Uint8Array): KeyRange {
  const end = new Uint8Array(prefix.length + 1);
  end.set(prefix);
  end[prefix.length] = 0xff;
  return { start: prefix, end };
}

/** The last two numbers of a key. */
export function lastNumbers(encoded: Uint8Array): readonly [number, number] {
  const view = new DataView(encoded.buffer, encoded.byteOffset, encoded.byteLength);
  return [numberAt(view, encoded.length - 17), numberAt(view, encoded.length - 8)];
}

function numberAt(view: DataView, at: number): number {
  return view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);
}
