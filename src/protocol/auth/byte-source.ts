/** Reads a body piecewise without ever holding more than was asked for plus one arriving piece. */
export interface ByteSource {
  /** The next line without its CRLF; undefined when it does not end within `bytesMax` or at all. */
  line(bytesMax: number): Promise<string | undefined>;
  /** Exactly `count` bytes; undefined when the body ends before. */
  bytes(count: number): Promise<Uint8Array | undefined>;
  /** Between one and `bytesMax` bytes; undefined at the end. */
  some(bytesMax: number): Promise<Uint8Array | undefined>;
  atEnd(): Promise<boolean>;
}

const carriageReturn = 0x0d;
const lineFeed = 0x0a;

export function createByteSource(body: AsyncIterable<Uint8Array>): ByteSource {
  const iterator = body[Symbol.asyncIterator]();
  let held: Uint8Array = new Uint8Array();

  /** Makes `held` non-empty unless the body has ended. */
  async function fill(): Promise<boolean> {
    while (held.byteLength === 0) {
      const next = await iterator.next();
      if (next.done) return false;
      held = next.value;
    }
    return true;
  }
  async function some(bytesMax: number): Promise<Uint8Array | undefined> {
    if (!(await fill())) return undefined;
    const piece = held.subarray(0, bytesMax);
    held = held.subarray(piece.byteLength);
    return piece;
  }
  return {
    some,
    async line(bytesMax) {
      const line: number[] = [];
      while (await fill()) {
        const byte = held[0] ?? 0;
        held = held.subarray(1);
        if (byte === lineFeed) {
          return line.pop() === carriageReturn ? Buffer.from(line).toString("latin1") : undefined;
        }
        line.push(byte);
        if (line.length > bytesMax + 1) return undefined;
      }
      return undefined;
    },
    async bytes(count) {
      const pieces: Uint8Array[] = [];
      let left = count;
      while (left > 0) {
        const piece = await some(left);
        if (!piece) return undefined;
        pieces.push(piece);
        left -= piece.byteLength;
      }
      return pieces.length === 1 ? pieces[0] : Buffer.concat(pieces, count);
    },
    atEnd: async () => !(await fill()),
  };
}
