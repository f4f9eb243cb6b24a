import type { Socket } from "node:net";
import { headerBytes, type Field } from "./frames.ts";

const slabBytes = 128 * 1024;
/** Larger bodies are written as they are; smaller ones are cheaper copied than written by themselves. */
const copiedBytesMax = 16 * 1024;
const nothing = new Uint8Array();

/**
 * Writes frames one behind the other into a slab; what has gathered when the turn of the event loop is
 * over goes out with one system call. For functions that answer in microseconds the calls are most of the
 * cost.
 */
export class FrameWriter {
  readonly #socket: Socket;
  #slab = Buffer.alloc(0);
  #start = 0;
  #end = 0;
  #isScheduled = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  add(kind: number, number: number, metadata: readonly Field[], body: Uint8Array = nothing): void {
    const isCopied = body.byteLength <= copiedBytesMax;
    let bytesMax = headerBytes + (isCopied ? body.byteLength : 0);
    // Three bytes of UTF-8 at most for each unit of UTF-16: no second pass to measure.
    for (const [, text] of metadata) bytesMax += 5 + text.length * 3;
    this.#makeRoom(bytesMax);
    const slab = this.#slab;
    const at = this.#end;
    let end = at + headerBytes;
    for (const [id, text] of metadata) {
      const length = slab.write(text, end + 5);
      slab[end] = id;
      slab.writeUInt32LE(length, end + 1);
      end += 5 + length;
    }
    const metadataBytes = end - at - headerBytes;
    slab.writeUInt32LE(metadataBytes + body.byteLength, at);
    slab.writeUInt32LE(kind, at + 4); // and flags and the reserved half, which are 0
    slab.writeUInt32LE(number, at + 8);
    slab.writeUInt32LE(metadataBytes, at + 12);
    if (isCopied) {
      slab.set(body, end);
      this.#end = end + body.byteLength;
      this.#schedule();
      return;
    }
    this.#end = end;
    this.flush();
    this.#socket.write(body);
  }

  /** What is queued leaves now. */
  flush(): void {
    if (this.#end === this.#start) return;
    this.#socket.write(this.#slab.subarray(this.#start, this.#end));
    this.#start = this.#end;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // Behind everything that arrived in this turn, and before the loop waits again.
    setImmediate(() => {
      this.#isScheduled = false;
      this.flush();
    });
  }

  #makeRoom(bytes: number): void {
    if (this.#end + bytes <= this.#slab.length) return;
    this.flush();
    // Not from Node's pool, and never reused: what is still being written is a view of the old one.
    this.#slab = Buffer.allocUnsafeSlow(Math.max(slabBytes, bytes));
    this.#start = this.#end = 0;
  }
}
