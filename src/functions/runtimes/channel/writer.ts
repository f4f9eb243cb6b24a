import type { Socket } from "node:net";
import { headerBytes, type Field } from "./frames.ts";

/** What is said beside a body: a list of fields, or something that writes its own without making one. */
export type Metadata = readonly Field[] | { writeFields(writer: FieldWriter): void };

export interface FieldWriter {
  field(id: number, text: string): void;
}

const slabBytes = 128 * 1024;
/** Larger bodies are written as they are; smaller ones are cheaper copied than written by themselves. */
const copiedBytesMax = 16 * 1024;
const nothing = new Uint8Array();

/**
 * Writes frames one behind the other into a slab; what has gathered when the turn of the event loop is
 * over goes out with one system call. For functions that answer in microseconds the calls are most of the
 * cost.
 */
export class FrameWriter implements FieldWriter {
  readonly #socket: Socket;
  #slab = Buffer.alloc(0);
  #start = 0;
  #end = 0;
  /** Where the frame begins that is being put together; -1 between two. */
  #frame = -1;
  #isScheduled = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  add(kind: number, number: number, metadata: Metadata, body: Uint8Array = nothing): void {
    const isCopied = body.byteLength <= copiedBytesMax;
    this.#makeRoom(headerBytes + (isCopied ? body.byteLength : 0));
    this.#frame = this.#end;
    this.#end += headerBytes;
    if ("writeFields" in metadata) metadata.writeFields(this);
    else for (const [id, text] of metadata) this.field(id, text);
    if (isCopied) this.#makeRoom(body.byteLength);
    const slab = this.#slab;
    const at = this.#frame;
    const metadataBytes = this.#end - at - headerBytes;
    slab.writeUInt32LE(metadataBytes + body.byteLength, at);
    slab.writeUInt32LE(kind, at + 4); // and flags and the reserved half, which are 0
    slab.writeUInt32LE(number, at + 8);
    slab.writeUInt32LE(metadataBytes, at + 12);
    this.#frame = -1;
    if (isCopied) {
      slab.set(body, this.#end);
      this.#end += body.byteLength;
      this.#schedule();
      return;
    }
    this.flush();
    this.#socket.write(body);
  }

  field(id: number, text: string): void {
    // Three bytes of UTF-8 at most for each unit of UTF-16: no second pass to measure.
    this.#makeRoom(5 + text.length * 3);
    const slab = this.#slab;
    const at = this.#end;
    const length = slab.write(text, at + 5);
    slab[at] = id;
    slab.writeUInt32LE(length, at + 1);
    this.#end = at + 5 + length;
  }

  /** What is queued leaves now. */
  flush(): void {
    if (this.#end === this.#start) return;
    this.#socket.write(this.#slab.subarray(this.#start, this.#end));
    // When the kernel has taken all of it, the same bytes can be written over: they are still in the cache.
    if (this.#socket.writableLength === 0) this.#end = 0;
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

  /** A frame that has been begun moves with its place. */
  #makeRoom(bytes: number): void {
    if (this.#end + bytes <= this.#slab.length) return;
    const slab = this.#slab;
    const begun = slab.subarray(this.#frame < 0 ? this.#end : this.#frame, this.#end);
    this.#end -= begun.byteLength;
    this.flush();
    const neededBytes = begun.byteLength + bytes;
    if (this.#end + neededBytes > slab.length) {
      // Not from Node's pool: what is still being written is a view of the old one.
      this.#slab = Buffer.allocUnsafeSlow(Math.max(slabBytes, neededBytes));
      this.#start = this.#end = 0;
    }
    this.#slab.set(begun, this.#end);
    if (this.#frame >= 0) this.#frame = this.#end;
    this.#end += begun.byteLength;
  }
}
