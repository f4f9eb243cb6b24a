import { AuthenticationError } from "./authentication-error.ts";
import { sha256Hex } from "./canonical.ts";
import {
  chunkLineBytesMax,
  signedChunkBytesMax,
  trailerLineBytesMax,
  trailerLinesMax,
} from "./limits.ts";
import { createByteSource } from "./byte-source.ts";
import type { ByteSource } from "./byte-source.ts";
import { sameSignature } from "./signing-keys.ts";

/**
 * The `aws-chunked` body: chunks with their own signatures, each one chained to the one before, and
 * trailing headers. Yields the payload alone. A signed chunk is yielded only after it was verified.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
 *
 * Throws `AuthenticationError` with S3's codes; only S3 accepts this form.
 */
export async function* decodeChunked(
  body: AsyncIterable<Uint8Array>,
  options: ChunkedOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const source = createByteSource(body);
  const chain = options.signing && createChain(options.signing);
  let byteCount = 0;
  for (;;) {
    const { size, signature } = parseChunkLine(
      (await source.line(chunkLineBytesMax)) ?? refuse(incompleteBody),
    );
    if (chain) {
      if (size > signedChunkBytesMax) refuse(tooLarge);
      const chunk = (await source.bytes(size)) ?? refuse(incompleteBody);
      chain.checkChunk(chunk, signature);
      if (size > 0) yield chunk;
    } else {
      yield* passThrough(source, size);
    }
    byteCount += size;
    if (size === 0) break;
    if ((await source.line(0)) !== "") refuse(incompleteBody);
  }
  await readTrailers(source, options, chain);
  if (!(await source.atEnd())) refuse(incompleteBody);
  if (options.decodedByteCount !== undefined && byteCount !== options.decodedByteCount) {
    refuse(incompleteBody);
  }
}

export interface ChunkedOptions {
  /** Undefined strips framing without verifying: open mode, and `STREAMING-UNSIGNED-PAYLOAD-TRAILER`. */
  readonly signing: ChunkSigning | undefined;
  readonly hasTrailer: boolean;
  /** Names announced in `x-amz-trailer`, lower case. */
  readonly trailerNames: readonly string[];
  /** `x-amz-decoded-content-length` */
  readonly decodedByteCount: number | undefined;
  /** Told of each trailer, when all of them have been verified. */
  readonly onTrailer?: (name: string, value: string) => void;
}

export interface ChunkSigning {
  /** Signature of the request's head: the chain's beginning. */
  readonly seedSignature: string;
  readonly amzDate: string;
  readonly scope: string;
  sign(text: string): string;
}

interface SignatureChain {
  checkChunk(chunk: Uint8Array, signature: string | undefined): void;
  checkTrailer(canonicalTrailers: string, signature: string | undefined): void;
}

const emptyHash = sha256Hex(new Uint8Array());

function createChain(signing: ChunkSigning): SignatureChain {
  let previous = signing.seedSignature;
  const check = (kind: string, hashes: string, signature: string | undefined): void => {
    const expected = signing.sign(
      `AWS4-HMAC-SHA256-${kind}\n${signing.amzDate}\n${signing.scope}\n${previous}\n${hashes}`,
    );
    if (!sameSignature(expected, signature ?? "")) refuse(mismatch);
    previous = expected;
  };
  return {
    checkChunk: (chunk, signature) =>
      check("PAYLOAD", `${emptyHash}\n${sha256Hex(chunk)}`, signature),
    checkTrailer: (trailers, signature) =>
      check("TRAILER", sha256Hex(Buffer.from(trailers, "latin1")), signature),
  };
}

function parseChunkLine(line: string): { size: number; signature: string | undefined } {
  const found = /^([0-9a-fA-F]{1,12})(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(line);
  if (!found) return refuse(incompleteBody);
  return { size: Number.parseInt(found[1] ?? "", 16), signature: found[2] };
}

async function* passThrough(
  source: ByteSource,
  size: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let left = size;
  while (left > 0) {
    const piece = (await source.some(left)) ?? refuse(incompleteBody);
    left -= piece.byteLength;
    yield piece;
  }
}

/** Lines up to an empty one. Announced and present names must be the same. */
async function readTrailers(
  source: ByteSource,
  options: ChunkedOptions,
  chain: SignatureChain | undefined,
): Promise<void> {
  let canonical = "";
  let signature: string | undefined;
  const names: string[] = [];
  const values: string[] = [];
  for (let count = 0; ; count++) {
    const line = await source.line(trailerLineBytesMax);
    if (line === "") break;
    if (line === undefined || count >= trailerLinesMax) return refuse(malformedTrailer);
    const at = line.indexOf(":");
    const name = line.slice(0, at).trim().toLowerCase();
    const value = line.slice(at + 1).trim();
    if (at < 1 || signature !== undefined || names.includes(name)) refuse(malformedTrailer);
    if (name === "x-amz-trailer-signature") signature = value;
    else {
      names.push(name);
      values.push(value);
      canonical += `${name}:${value}\n`;
    }
  }
  const announced = options.hasTrailer ? options.trailerNames : [];
  if (names.toSorted().join() !== announced.toSorted().join()) refuse(malformedTrailer);
  if (chain && options.hasTrailer) chain.checkTrailer(canonical, signature);
  else if (chain && signature !== undefined) refuse(malformedTrailer);
  names.forEach((name, index) => options.onTrailer?.(name, values[index] ?? ""));
}

type Row = readonly [code: string, message: string, status: number];

const incompleteBody: Row = [
  "IncompleteBody",
  "The request body terminated unexpectedly or does not follow the aws-chunked format.",
  400,
];
const tooLarge: Row = [
  "InvalidChunkSizeError",
  `A signed chunk may hold at most ${signedChunkBytesMax} bytes.`,
  403,
];
const malformedTrailer: Row = [
  "MalformedTrailerError",
  "The request contained trailing data that was not well-formed or did not conform to our published schema.",
  400,
];
const mismatch: Row = [
  "SignatureDoesNotMatch",
  "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
  403,
];

function refuse(row: Row): never {
  throw new AuthenticationError(...row);
}
