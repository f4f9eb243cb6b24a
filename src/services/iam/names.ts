import type { Random } from "#base/random.ts";

/** Ids, keys and ARNs as IAM writes them: pure, given randomness. */
const idPrefixes = {
  role: "AROA",
  user: "AIDA",
  group: "AGPA",
  policy: "ANPA",
  "instance-profile": "AIPA",
} as const;

const base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** 21 characters, e.g. `AROA3XFRBF535PLBIFPI4`: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html. */
export function newId(kind: keyof typeof idPrefixes, random: Random): string {
  return idPrefixes[kind] + encodeBase32(random.bytes(11)).slice(0, 17);
}

/**
 * 20 characters that carry the account, as the real ones do since 2019: GetAccessKeyInfo can answer
 * for any key without knowing it. `AKIA` is a long-term key, `ASIA` a temporary one.
 */
export function newAccessKeyId(prefix: "AKIA" | "ASIA", accountId: string, random: Random): string {
  const bytes = Uint8Array.from(random.bytes(10));
  const marked = (1n << 47n) | (BigInt(accountId) << 7n) | BigInt((bytes[5] ?? 0) & 0x7f);
  for (let index = 0; index < 6; index++) {
    bytes[index] = Number((marked >> BigInt(8 * (5 - index))) & 0xffn);
  }
  return prefix + encodeBase32(bytes);
}

/** The account a key id was made for; undefined when it is not of that form. */
export function accountOfAccessKeyId(accessKeyId: string): string | undefined {
  const bytes = decodeBase32(accessKeyId.slice(4));
  if (!/^A[KS]IA/.test(accessKeyId) || accessKeyId.length !== 20 || !bytes) return undefined;
  let marked = 0n;
  for (const byte of bytes.subarray(0, 6)) marked = (marked << 8n) | BigInt(byte);
  if (marked >> 47n !== 1n) return undefined;
  const account = (marked >> 7n) & ((1n << 40n) - 1n);
  return account < 10n ** 12n ? account.toString().padStart(12, "0") : undefined;
}

/** 40 characters of base64 from 30 bytes. */
export function newSecretAccessKey(random: Random): string {
  return Buffer.from(random.bytes(30)).toString("base64");
}

/** `path` begins and ends with a slash. */
export function iamArn(
  accountId: string,
  kind: "role" | "user" | "group" | "policy" | "instance-profile",
  entity: { readonly path: string; readonly name: string },
): string {
  return `arn:aws:iam::${accountId}:${kind}${entity.path}${entity.name}`;
}

/** A policy as IAM returns it: percent-encoded as in RFC 3986. */
export function encodeDocument(document: string): string {
  return encodeURIComponent(document).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function encodeBase32(bytes: Uint8Array): string {
  let text = "";
  let buffer = 0;
  let bits = 0;
  for (const byte of bytes) {
    buffer = (buffer << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) text += base32.charAt((buffer >> (bits - 5)) & 31);
    buffer &= (1 << bits) - 1;
  }
  return bits > 0 ? text + base32.charAt((buffer << (5 - bits)) & 31) : text;
}

function decodeBase32(text: string): Uint8Array | undefined {
  const bytes: number[] = [];
  let buffer = 0;
  let bits = 0;
  for (const character of text) {
    const value = base32.indexOf(character);
    if (value < 0) return undefined;
    buffer = (buffer << 5) | value;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((buffer >> bits) & 0xff);
    buffer &= (1 << bits) - 1;
  }
  return Uint8Array.from(bytes);
}
