import { createHash } from "node:crypto";
import { HeldBody, isWholeBody, type WholeBody, type WireRequest } from "#protocol/wire/wire.ts";
import { AuthenticationError } from "./authentication-error.ts";
import { queryPairs, sha256Hex } from "./canonical.ts";
import type { ChunkSigning } from "./chunked.ts";
import { decodeChunked } from "./chunked.ts";
import type { Claim } from "./claim.ts";
import { heldBodyBytesMax } from "./limits.ts";
import type { RefusalDialect } from "./refusal.ts";
import { refusal } from "./refusal.ts";

/** The body's part in a signature: the hash that goes into it, and what is read once it matched. */
export interface Payload {
  readonly hash: string;
  open(signing: ChunkSigning): WireRequest;
}

const hashForm = /^[0-9a-f]{64}$/;

/**
 * A declared hash is verified as the body is read, an undeclared one is computed now (the body is
 * held, bounded). Only S3 lets bodies be unsigned or signed in chunks.
 */
export async function readPayload(
  request: WireRequest,
  claim: Claim,
  dialect: RefusalDialect,
): Promise<Payload> {
  const declared = declaredHash(request, claim);
  if (declared !== undefined && hashForm.test(declared)) {
    return { hash: declared, open: () => withBody(request, verified(request, declared, dialect)) };
  }
  if (dialect === "s3") return readS3Payload(request, claim, declared);
  if (declared !== undefined) throw refusal(dialect, "mismatch");
  const body = await holdBody(request.body);
  return { hash: sha256Hex(body), open: () => withBody(request, new HeldBody(body)) };
}

/** Takes framing off an `aws-chunked` body without looking at its signatures; others stay as they are. */
export function openPayload(request: WireRequest): WireRequest {
  const declared = request.headers["x-amz-content-sha256"] ?? "";
  return declared.startsWith("STREAMING-")
    ? unframed(request, declared.endsWith("-TRAILER"), undefined)
    : request;
}

function readS3Payload(request: WireRequest, claim: Claim, declared: string | undefined): Payload {
  switch (declared) {
    case undefined:
      if (claim.placement === "query") return { hash: "UNSIGNED-PAYLOAD", open: () => request };
      throw refusal(
        "s3",
        "payload-form",
        "Missing required header for this request: x-amz-content-sha256",
      );
    case "UNSIGNED-PAYLOAD":
      return { hash: declared, open: () => request };
    case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD":
    case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER":
      return {
        hash: declared,
        open: (signing) => unframed(request, declared.endsWith("-TRAILER"), signing),
      };
    case "STREAMING-UNSIGNED-PAYLOAD-TRAILER":
      return { hash: declared, open: () => unframed(request, true, undefined) };
    default:
      throw new AuthenticationError(
        "InvalidArgument",
        "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.",
        400,
      );
  }
}

function declaredHash(request: WireRequest, claim: Claim): string | undefined {
  const header = request.headers["x-amz-content-sha256"];
  if (header !== undefined || claim.placement === "header") return header;
  return queryPairs(request.rawQuery).find(([name]) => name === "X-Amz-Content-Sha256")?.[1];
}

function verified(
  request: WireRequest,
  declared: string,
  dialect: RefusalDialect,
): AsyncIterable<Uint8Array> {
  const pieces = verifiedPieces(request, declared, dialect);
  const { body } = request;
  if (!isWholeBody(body)) return pieces;
  const whole = async (bytesMax: number): Promise<Uint8Array | undefined> => {
    const bytes = await body.whole(bytesMax);
    if (bytes && sha256Hex(bytes) !== declared) throw refusal(dialect, "payload-hash");
    return bytes;
  };
  return Object.assign(pieces, { whole }) satisfies WholeBody;
}

async function* verifiedPieces(
  request: WireRequest,
  declared: string,
  dialect: RefusalDialect,
): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = createHash("sha256");
  for await (const piece of request.body) {
    hash.update(piece);
    yield piece;
  }
  if (hash.digest("hex") !== declared) throw refusal(dialect, "payload-hash");
}

async function holdBody(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  if (isWholeBody(body)) {
    const whole = await body.whole(heldBodyBytesMax);
    if (!whole) throw tooLargeToHold();
    return whole;
  }
  const pieces: Uint8Array[] = [];
  let byteCount = 0;
  for await (const piece of body) {
    byteCount += piece.byteLength;
    if (byteCount > heldBodyBytesMax) throw tooLargeToHold();
    pieces.push(piece);
  }
  return Buffer.concat(pieces, byteCount);
}

function tooLargeToHold(): AuthenticationError {
  return new AuthenticationError(
    "RequestEntityTooLarge",
    `A request without x-amz-content-sha256 may have at most ${heldBodyBytesMax} bytes.`,
    413,
  );
}

function withBody(request: WireRequest, body: AsyncIterable<Uint8Array>): WireRequest {
  return { ...request, body };
}

/** The request as if its body had been sent plainly: framing is transport, not content. */
function unframed(
  request: WireRequest,
  hasTrailer: boolean,
  signing: ChunkSigning | undefined,
): WireRequest {
  const headers: Record<string, string> = { ...request.headers };
  const decodedText = headers["x-amz-decoded-content-length"];
  const isCount = decodedText !== undefined && /^\d{1,15}$/.test(decodedText);
  if (isCount) headers["content-length"] = decodedText;
  else delete headers["content-length"];
  const encodings = (headers["content-encoding"] ?? "").split(",").map((part) => part.trim());
  const remaining = encodings.filter((name) => name !== "aws-chunked" && name !== "");
  if (remaining.length > 0) headers["content-encoding"] = remaining.join(",");
  else delete headers["content-encoding"];
  const trailers: Record<string, string> = {};
  const trailerNames = (headers["x-amz-trailer"] ?? "").toLowerCase().split(",");
  return {
    ...request,
    headers,
    trailers: () => trailers,
    body: decodeChunked(request.body, {
      signing,
      hasTrailer,
      trailerNames: trailerNames.map((name) => name.trim()).filter((name) => name !== ""),
      decodedByteCount: isCount ? Number(decodedText) : undefined,
      onTrailer: (name, value) => void (trailers[name] = value),
    }),
  };
}
