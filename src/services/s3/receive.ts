import { createHash } from "node:crypto";
import { randomHex } from "#base/ids.ts";
import { trailingMembers } from "#protocol/wire/wire.ts";
import type { BodyWriter } from "#storage/bodies/bodies.ts";
import {
  algorithmNamed,
  checkClaim,
  claimedChecksum,
  defaultAlgorithm,
  type ChecksumMembers,
} from "./checksums.ts";
import type { S3Deps } from "./deps.ts";
import { badDigest, s3Error } from "./errors.ts";
import { inlineBytesMax } from "./limits.ts";
import type { ChecksumAlgorithm, Segment } from "./records.ts";

/** Bytes that have arrived and are on disk, or small and at hand; no record names them yet. */
export interface Received extends AsyncDisposable {
  readonly contentId: string;
  readonly segments: readonly Segment[];
  readonly byteCount: number;
  /** MD5, hexadecimal. */
  readonly etag: string;
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly value: string };
  /** The record that names the bytes has been committed: disposing keeps them from now on. */
  adopt(): Promise<void>;
}

export interface Arriving extends ChecksumMembers {
  readonly Body?: AsyncIterable<Uint8Array> | undefined;
  readonly ContentLength?: number | undefined;
  readonly ContentMD5?: string | undefined;
}

/**
 * Reads a body to its end, hashing it and writing it through: memory does not grow with it. Errors:
 * `MissingContentLength`, `EntityTooLarge`, `IncompleteBody`, `InvalidDigest`, `BadDigest`; nothing is
 * left then.
 */
export async function receive(
  deps: Pick<S3Deps, "bodies" | "random">,
  input: Arriving,
  options: {
    readonly bytesMax: number;
    /** Of the checksum to keep; else the caller's own, else S3's default. */
    readonly algorithm?: ChecksumAlgorithm | undefined;
    /** A form does not say how long its file is. */
    readonly isUnsized?: boolean;
  },
): Promise<Received> {
  const { Body: body = nothing } = input;
  if (!options.isUnsized) checkLength(input, options.bytesMax);
  const claimed = claimedChecksum(input);
  const kept = options.algorithm ?? claimed?.algorithm.name ?? defaultAlgorithm;
  const algorithm = algorithmNamed(kept);
  const md5 = createHash("md5");
  const running = algorithm.start();
  // What the caller claims is checked also where another is kept.
  const other = claimed && claimed.algorithm.name !== kept ? claimed.algorithm.start() : undefined;
  const sink = createSink(deps);
  try {
    let byteCount = 0;
    for await (const piece of body) {
      byteCount += piece.byteLength;
      if (byteCount > options.bytesMax) throw tooLarge(byteCount, options.bytesMax);
      md5.update(piece);
      running.update(piece);
      other?.update(piece);
      await sink.write(piece);
    }
    if (input.ContentLength !== undefined && byteCount !== input.ContentLength) {
      throw s3Error(
        "IncompleteBody",
        "You did not provide the number of bytes specified by the Content-Length HTTP header",
      );
    }
    const etag = md5.digest("hex");
    checkMd5(input.ContentMD5, etag);
    const value = await running.digest();
    if (claimed) {
      checkClaim(claimed, other ? await other.digest() : value, trailingMembers(body));
    }
    const segments = await sink.finish();
    return {
      contentId: randomHex(deps.random, 12),
      segments,
      byteCount,
      etag,
      checksum: { algorithm: algorithm.name, value },
      adopt: () => sink.adopt(),
      [Symbol.asyncDispose]: () => sink[Symbol.asyncDispose](),
    };
  } catch (error) {
    await sink[Symbol.asyncDispose]();
    throw error;
  }
}

const nothing: AsyncIterable<Uint8Array> = {
  [Symbol.asyncIterator]: () => ({ next: async () => ({ done: true, value: undefined }) }),
};

function checkLength({ ContentLength: length }: Arriving, bytesMax: number): void {
  if (length === undefined) {
    throw s3Error("MissingContentLength", "You must provide the Content-Length HTTP header.", {
      status: 411,
    });
  }
  if (length > bytesMax) throw tooLarge(length, bytesMax);
}

function tooLarge(byteCount: number, bytesMax: number): Error {
  return s3Error("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size", {
    fields: { ProposedSize: String(byteCount), MaxSizeAllowed: String(bytesMax) },
  });
}

/** `expected` as a request says it: base64 of 16 bytes. */
function checkMd5(expected: string | undefined, computedHex: string): void {
  if (expected === undefined) return;
  const bytes = Buffer.from(expected, "base64");
  if (bytes.byteLength !== 16 || bytes.toString("base64") !== expected) {
    throw s3Error("InvalidDigest", "The Content-MD5 you specified was invalid.", {
      fields: { "Content-MD5": expected },
    });
  }
  if (bytes.toString("hex") !== computedHex) {
    throw badDigest("The Content-MD5 you specified did not match what we received.");
  }
}

interface Sink extends AsyncDisposable {
  write(piece: Uint8Array): Promise<void>;
  finish(): Promise<readonly Segment[]>;
  adopt(): Promise<void>;
}

/** In memory while small, then a file. */
function createSink({ bodies }: Pick<S3Deps, "bodies">): Sink {
  const held: Uint8Array[] = [];
  let byteCount = 0;
  let writer: BodyWriter | undefined;
  let isAdopted = false;
  return {
    async write(piece) {
      byteCount += piece.byteLength;
      if (writer) return writer.write(piece);
      held.push(piece);
      if (byteCount <= inlineBytesMax) return;
      writer = await bodies.create();
      for (const each of held.splice(0)) await writer.write(each);
    },
    async finish() {
      if (!writer) return byteCount === 0 ? [] : [{ bytes: Buffer.concat(held, byteCount) }];
      await writer.finish();
      return [{ bodyId: writer.id, start: 0, byteCount }];
    },
    async adopt() {
      isAdopted = true;
      if (writer) await bodies.adopt(writer.id);
    },
    async [Symbol.asyncDispose]() {
      if (!writer || isAdopted) return;
      await writer[Symbol.asyncDispose]();
      await bodies.delete(writer.id);
    },
  };
}
