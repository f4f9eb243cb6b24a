import type { Random } from "./random.ts";

/** RFC 9562 version 4 UUID, lower case, the form of every AWS request id. */
export function uuid(random: Random): string {
  const text = hex(random.bytes(16));
  const variant = variants[Number.parseInt(text.charAt(16), 16) & 3];
  return `${text.slice(0, 8)}-${text.slice(8, 12)}-4${text.slice(13, 16)}-${variant}${text.slice(17, 20)}-${text.slice(20)}`;
}

/** The first digit of the fourth group: two bits fixed, two random. */
const variants = "89ab";

/** Lower-case hexadecimal. */
function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}

/** `byteCount` random bytes as lower-case hexadecimal (two characters a byte). */
export function randomHex(random: Random, byteCount: number): string {
  return hex(random.bytes(byteCount));
}

const alphabet = "abcdefghijklmnopqrstuvwxyz234567";

/** `length` characters of RFC 4648 base32, lower case, as in function URL ids and role ids. */
export function randomBase32(random: Random, length: number): string {
  let text = "";
  for (const byte of random.bytes(length)) text += alphabet[byte & 31];
  return text;
}
