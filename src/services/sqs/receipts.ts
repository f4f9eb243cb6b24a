import { createHmac, timingSafeEqual } from "node:crypto";
import type { Random } from "#base/random.ts";
import type { Store } from "#storage/storage.ts";
import { receiptHandleIsInvalid } from "./errors.ts";
import type { Receipt } from "./partition/partition.ts";
import { keys, type QueueRecord } from "./records.ts";

/**
 * Receipt handles: where a message was when it was received, sealed with a key only this installation
 * has, so that none can be made up or carried to another queue.
 */
export interface ReceiptCodec {
  encode(receipt: Receipt): string;
  /** `ReceiptHandleIsInvalid` when it is not one of ours, or of another queue. */
  decode(handle: string, queue: Pick<QueueRecord, "id">): Receipt;
}

export interface Receipts {
  /** Reads the key, or makes it, the first time. */
  codec(): Promise<ReceiptCodec>;
}

/** Three bytes that make every handle begin with AQEB, as the real ones do; then five numbers of six bytes, one of four. */
const head = [1, 1, 1];
const numberBytes = 6;
const bodyBytes = head.length + 5 * numberBytes + 4;
const sealBytes = 16;
const secretBytes = 32;

export function createReceipts(deps: { readonly store: Store; readonly random: Random }): Receipts {
  let loading: Promise<ReceiptCodec> | undefined;
  const load = async (): Promise<ReceiptCodec> => {
    const fresh = deps.random.bytes(secretBytes);
    const secret = await deps.store.write((tx) => {
      const known = tx.get(keys.secret);
      if (!known) tx.put(keys.secret, fresh);
      return known ? Uint8Array.from(known) : fresh;
    });
    return createCodec(secret);
  };
  return {
    codec() {
      if (!loading) {
        loading = load();
        loading.catch(() => (loading = undefined));
      }
      return loading;
    },
  };
}

function createCodec(secret: Uint8Array): ReceiptCodec {
  const seal = (body: Uint8Array): Buffer =>
    createHmac("sha256", secret).update(body).digest().subarray(0, sealBytes);
  return {
    encode({ queueId, generation, sentMs, sequence, dueMs, receiveCount }) {
      const bytes = Buffer.alloc(bodyBytes + sealBytes);
      bytes.set(head);
      let at = head.length;
      for (const number of [queueId, generation, sentMs, sequence, dueMs])
        at = bytes.writeUIntBE(number, at, numberBytes);
      bytes.writeUInt32BE(receiveCount, at);
      seal(bytes.subarray(0, bodyBytes)).copy(bytes, bodyBytes);
      return bytes.toString("base64");
    },
    decode(handle, queue) {
      const bytes = Buffer.from(handle, "base64");
      const isWhole = bytes.length === bodyBytes + sealBytes && bytes.toString("base64") === handle;
      if (!isWhole) throw receiptHandleIsInvalid(handle);
      const expected = seal(bytes.subarray(0, bodyBytes));
      if (!timingSafeEqual(expected, bytes.subarray(bodyBytes)))
        throw receiptHandleIsInvalid(handle);
      const number = (index: number): number =>
        bytes.readUIntBE(head.length + index * numberBytes, numberBytes);
      if (number(0) !== queue.id) throw receiptHandleIsInvalid(handle);
      return {
        queueId: number(0),
        generation: number(1),
        sentMs: number(2),
        sequence: number(3),
        dueMs: number(4),
        receiveCount: bytes.readUInt32BE(head.length + 5 * numberBytes),
      };
    },
  };
}
