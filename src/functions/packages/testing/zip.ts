import { crc32, deflateRawSync } from "node:zlib";

/** A zip writer that lies on request: every header field of an entry can be forged. For tests only. */
export interface ZipEntry {
  readonly name: string | Uint8Array;
  readonly content?: Uint8Array | string;
  /** Unix mode with its type bits, as in `stat`; undefined writes attributes as DOS does. */
  readonly mode?: number;
  readonly stored?: boolean;
  readonly localName?: string;
  readonly forged?: {
    readonly crc32?: number;
    readonly uncompressedSize?: number;
    readonly compressedSize?: number;
    readonly method?: number;
    readonly localMethod?: number;
    readonly flags?: number;
    readonly data?: Uint8Array;
  };
}

export function writeZip(
  entries: readonly ZipEntry[],
  options?: { readonly count?: number },
): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const plain = Buffer.from(entry.content ?? "");
    const name = Buffer.from(entry.name);
    const localName = Buffer.from(entry.localName ?? name);
    const method = entry.forged?.method ?? (entry.stored ? 0 : 8);
    const data = Buffer.from(entry.forged?.data ?? (method === 0 ? plain : deflateRawSync(plain)));
    const sums = {
      crc: entry.forged?.crc32 ?? crc32(plain),
      packed: entry.forged?.compressedSize ?? data.length,
      size: entry.forged?.uncompressedSize ?? plain.length,
    };
    const flags = entry.forged?.flags ?? 0x800;
    const common = (atMethod: number): Buffer => {
      const header = Buffer.alloc(22);
      header.writeUInt16LE(flags, 0);
      header.writeUInt16LE(atMethod, 2);
      header.writeUInt32LE(sums.crc, 8);
      header.writeUInt32LE(sums.packed, 12);
      header.writeUInt32LE(sums.size, 16);
      return header;
    };
    const local = Buffer.alloc(6);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(20, 4);
    const localTail = common(entry.forged?.localMethod ?? method);
    localTail.writeUInt16LE(localName.length, 20);
    parts.push(local, localTail, Buffer.alloc(2), localName, data);
    const central = Buffer.alloc(8);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE(entry.mode === undefined ? 20 : (3 << 8) | 20, 4);
    central.writeUInt16LE(20, 6);
    const centralMiddle = common(method);
    centralMiddle.writeUInt16LE(name.length, 20);
    const centralTail = Buffer.alloc(16);
    centralTail.writeUInt32LE(((entry.mode ?? 0) << 16) >>> 0, 8);
    centralTail.writeUInt32LE(offset, 12);
    directory.push(central, centralMiddle, centralTail, name);
    offset += 30 + localName.length + data.length;
  }
  const records = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(options?.count ?? entries.length, 8);
  end.writeUInt16LE(options?.count ?? entries.length, 10);
  end.writeUInt32LE(records.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, records, end]);
}
