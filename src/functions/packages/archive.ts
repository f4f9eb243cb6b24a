import { crc32 } from "node:zlib";
import {
  fromBufferPromise,
  getFileNameLowLevel,
  openPromise,
  type Entry,
  type ZipFile,
} from "yauzl";
import { PlatformError } from "#base/errors.ts";
import { planEntry, RefusedArchive, type PlannedEntry } from "./entry.ts";
import {
  entriesMax,
  inflationRatioFromBytes,
  inflationRatioMax,
  linkTargetBytesMax,
  unzippedBytesMax,
} from "./limits.ts";

/** One entry with the bytes that really came out of it; the consumer decides where they go. */
export interface ArchiveEntry extends PlannedEntry {
  /** Inflates; counted against the limits, checked against the CRC. To be read to its end at once. */
  content(): AsyncIterable<Uint8Array>;
}

export interface ArchiveLimits {
  readonly bytesMax: number;
  readonly entriesMax: number;
}

export const archiveLimits: ArchiveLimits = { bytesMax: unzippedBytesMax, entriesMax };

/** Messages of `CreateFunction`'s InvalidParameterValueException, as the service words them. */
export const messages = {
  unreadable: "Could not unzip uploaded file. Please check your file, then try to upload again.",
  empty: "Uploaded file must be a non-empty zip",
  tooLarge: (bytesMax: number) => `Unzipped size must be smaller than ${bytesMax} bytes`,
} as const;

/**
 * Reads an archive entry by entry, hands each to `take`, and answers with the totals. Sizes in headers
 * are not believed: what counts is what was inflated. Errors: `package.invalid`, `package.too-large`;
 * whatever `take` throws passes through.
 */
export async function readArchive(
  source: Uint8Array | string,
  take: (entry: ArchiveEntry) => Promise<void>,
  limits: ArchiveLimits = archiveLimits,
): Promise<{ readonly byteCount: number; readonly entryCount: number }> {
  const zip = await translate(() => openArchive(source));
  try {
    return await readEntries(zip, take, limits);
  } finally {
    zip.close();
  }
}

async function openArchive(source: Uint8Array | string): Promise<ZipFile> {
  // Names stay bytes: they are decoded once, here, and judged by our own rules.
  const options = { lazyEntries: true, autoClose: false, decodeStrings: false };
  if (typeof source === "string") return openPromise(source, options);
  return fromBufferPromise(
    Buffer.from(source.buffer, source.byteOffset, source.byteLength),
    options,
  );
}

async function readEntries(
  zip: ZipFile,
  take: (entry: ArchiveEntry) => Promise<void>,
  limits: ArchiveLimits,
): Promise<{ readonly byteCount: number; readonly entryCount: number }> {
  const tally = new Tally(limits);
  tally.expectEntries(zip.entryCount);
  const entries = zip.eachEntry()[Symbol.asyncIterator]();
  for (;;) {
    const next = await translate(() => entries.next());
    if (next.done === true) break;
    tally.countEntry();
    const planned = await translate(() => judge(zip, next.value));
    if (planned === undefined) continue;
    const content = (): AsyncIterable<Uint8Array> => inflate(zip, next.value, planned, tally);
    await take({ ...planned, content });
  }
  if (tally.entryCount === 0) throw new PlatformError("package.invalid", messages.empty);
  return { byteCount: tally.byteCount, entryCount: tally.entryCount };
}

class Tally {
  byteCount = 0;
  entryCount = 0;
  readonly #limits: ArchiveLimits;
  constructor(limits: ArchiveLimits) {
    this.#limits = limits;
  }
  /** What the directory announces, so that a crowd is refused before it is read. */
  expectEntries(count: number): void {
    const most = this.#limits.entriesMax;
    if (count > most)
      throw new PlatformError("package.too-large", `A package may have at most ${most} entries`);
  }
  countEntry(): void {
    this.entryCount++;
    this.expectEntries(this.entryCount); // what was announced is not believed
  }
  countBytes(count: number): void {
    this.byteCount += count;
    const most = this.#limits.bytesMax;
    if (this.byteCount > most)
      throw new PlatformError("package.too-large", messages.tooLarge(most));
  }
}

async function judge(zip: ZipFile, entry: Entry): Promise<PlannedEntry | undefined> {
  // With `decodeStrings: false` the raw fields are what the name is made of; the types know only text.
  const raw = entry.fileNameRaw;
  const local = await zip.readLocalFileHeaderPromise(entry);
  if (!local.fileName.equals(raw))
    throw new RefusedArchive("an entry has another name in its local header than in the directory");
  if (local.compressionMethod !== entry.compressionMethod)
    throw new RefusedArchive("an entry is compressed otherwise than the directory says");
  if (entry.isEncrypted()) throw new RefusedArchive("an entry is encrypted");
  if (!entry.canDecodeFileData())
    throw new RefusedArchive("an entry is compressed in no known way");
  return planEntry({
    name: decodeName(entry, raw),
    versionMadeBy: entry.versionMadeBy,
    externalAttributes: entry.externalFileAttributes,
  });
}

/** Tools that write UTF-8 often forget to say so; valid UTF-8 is taken for what it is. */
function decodeName(entry: Entry, raw: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw);
  } catch {
    // `strictFileNames` true: backslashes stay visible to our own check.
    return getFileNameLowLevel(entry.generalPurposeBitFlag, raw, entry.extraFields, true);
  }
}

async function* inflate(
  zip: ZipFile,
  entry: Entry,
  planned: PlannedEntry,
  tally: Tally,
): AsyncGenerator<Uint8Array> {
  let count = 0;
  let checksum = 0;
  try {
    for await (const chunk of await zip.openReadStreamPromise(entry)) {
      const bytes = chunk as Buffer; // the stream is not in object mode and has no encoding
      count += bytes.length;
      tally.countBytes(bytes.length);
      if (count > inflationRatioFromBytes && count > entry.compressedSize * inflationRatioMax)
        throw new RefusedArchive(`entry ${planned.path} inflates beyond any honest ratio`);
      if (planned.kind === "link" && count > linkTargetBytesMax)
        throw new RefusedArchive(`link ${planned.path} has no usable target`);
      checksum = crc32(bytes, checksum);
      yield bytes;
    }
    if (count !== entry.uncompressedSize || checksum !== entry.crc32)
      throw new RefusedArchive(`entry ${planned.path} does not match its checksum`);
  } catch (error) {
    throw refusal(error);
  }
}

async function translate<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw refusal(error);
  }
}

/** What the archive library, zlib or our own rules say becomes the one message of the service. */
function refusal(error: unknown): unknown {
  if (error instanceof PlatformError) return error;
  if (error instanceof Error && "code" in error && isFileSystemCode(error.code)) return error;
  return new PlatformError("package.invalid", messages.unreadable, { cause: error });
}

function isFileSystemCode(code: unknown): boolean {
  return typeof code === "string" && /^E[A-Z]+$/.test(code);
}
