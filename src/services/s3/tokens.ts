import { createHash } from "node:crypto";
import { invalidArgument } from "./errors.ts";

const markBytes = 6;

/**
 * A position in a listing as an opaque text, good for the same kind of listing of the same bucket only.
 * It protects from mix-ups and typing errors, not from forgery: a forged one begins somewhere else in
 * what its bearer may list anyway.
 */
export function formatToken(scope: string, position: string): string {
  return Buffer.concat([mark(scope, position), Buffer.from(position, "utf8")]).toString(
    "base64url",
  );
}

/** Errors: `InvalidArgument`. */
export function parseToken(scope: string, token: string): string {
  const bytes = /^[\w-]+$/.test(token) ? Buffer.from(token, "base64url") : Buffer.alloc(0);
  const position = bytes.subarray(markBytes).toString("utf8");
  if (bytes.byteLength > markBytes && mark(scope, position).equals(bytes.subarray(0, markBytes))) {
    return position;
  }
  throw invalidArgument(
    "The continuation token provided is incorrect",
    "continuation-token",
    token.slice(0, 256),
  );
}

function mark(scope: string, position: string): Buffer {
  const hash = createHash("sha256").update(scope).update("\0").update(position).digest();
  return hash.subarray(0, markBytes);
}
