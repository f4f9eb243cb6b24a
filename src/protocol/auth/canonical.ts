import { hash } from "node:crypto";

/**
 * The canonical request of Signature Version 4, as pure text.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 *
 * Requests arrive as bytes, and bytes are what was signed: every string here holds one byte per
 * character, as `node:http` delivers them. Text beyond that (from a caller inside) counts as UTF-8.
 */
export interface SignableRequest {
  readonly method: string;
  readonly path: string;
  readonly rawQuery: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * `normalise`: dot segments and repeated slashes go, then what was sent is encoded once more.
 * `verbatim` (S3): the path is an opaque key, encoded exactly once.
 */
export type PathRule = "normalise" | "verbatim";

export interface CanonicalOptions {
  /** As the request lists them: their order and case are part of what was signed. */
  readonly signedHeaders: readonly string[];
  readonly payloadHash: string;
  readonly pathRule: PathRule;
}

/** A signed header that is absent counts as empty, so the signature cannot match by accident. */
export function canonicalRequest(request: SignableRequest, options: CanonicalOptions): string {
  const headers = options.signedHeaders.map(
    (name) => `${name}:${canonicalHeaderValue(request.headers[name] ?? "")}\n`,
  );
  return [
    request.method,
    canonicalPath(request.path, options.pathRule),
    canonicalQuery(request.rawQuery),
    headers.join(""),
    options.signedHeaders.join(";"),
    options.payloadHash,
  ].join("\n");
}

export function stringToSign(canonical: string, amzDate: string, scope: string): string {
  const bytes = asciiOnly.test(canonical) ? canonical : toBytes(canonical);
  return `AWS4-HMAC-SHA256\n${amzDate}\n${scope}\n${hash("sha256", bytes)}`;
}

/** Such text has the same bytes in every encoding. */
const asciiOnly = /^[\x00-\x7f]*$/; // oxlint-disable-line no-control-regex -- all of ASCII is meant

/** Lower-case hexadecimal SHA-256. */
export function sha256Hex(bytes: Uint8Array): string {
  return hash("sha256", bytes);
}

/** Only blanks go: `trim` would also take the byte A0, which ends characters such as à. */
function canonicalHeaderValue(value: string): string {
  if (!blanks.test(value)) return value;
  return value
    .replaceAll(/[ \t\r\n]+/g, " ")
    .replace(/^ /, "")
    .replace(/ $/, "");
}

const blanks = /[ \t\r\n]/;

function canonicalPath(path: string, rule: PathRule): string {
  if (path === "/") return path;
  if (rule === "verbatim") return encodeUri(decodePercent(path || "/"), true);
  return encodeUri(normalisePath(path), true);
}

/** RFC 3986 dot segments, and slashes in a row count as one. */
function normalisePath(path: string): string {
  const kept: string[] = [];
  const segments = path.split("/");
  for (const segment of segments) {
    if (segment === "..") kept.pop();
    else if (segment !== "" && segment !== ".") kept.push(segment);
  }
  const last = segments.at(-1);
  const trailing = kept.length > 0 && (last === "" || last === "." || last === "..") ? "/" : "";
  return `/${kept.join("/")}${trailing}`;
}

/** Every parameter but the signature itself, encoded anew and ordered by name, then value. */
function canonicalQuery(rawQuery: string): string {
  if (rawQuery === "") return "";
  const pairs: (readonly [name: string, value: string])[] = [];
  for (const [name, value] of queryPairs(rawQuery)) {
    if (name !== "X-Amz-Signature") pairs.push([encodeUri(name, false), encodeUri(value, false)]);
  }
  return pairs
    .toSorted((a, b) => compareText(a[0], b[0]) || compareText(a[1], b[1]))
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
}

/**
 * Names and values percent-decoded, in order, empty parameters left out. A plus sign is a space, as
 * every reader of the query takes it: what is signed and what is read must be the same.
 */
export function queryPairs(rawQuery: string): readonly (readonly [string, string])[] {
  if (rawQuery === "") return [];
  return rawQuery
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => {
      const at = pair.indexOf("=");
      const name = at < 0 ? pair : pair.slice(0, at);
      return [decodeQueryPart(name), at < 0 ? "" : decodeQueryPart(pair.slice(at + 1))] as const;
    });
}

function decodeQueryPart(text: string): string {
  return decodePercent(text.replaceAll("+", " "));
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Malformed escapes stay as they are. */
function decodePercent(text: string): string {
  if (!text.includes("%")) return text;
  return text.replaceAll(/%([0-9a-fA-F]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
}

const encodings = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  if (/[A-Za-z0-9_.~-]/.test(character)) return character;
  return `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
});

const unreservedOnly = /^[A-Za-z0-9_.~-]*$/;

function encodeUri(text: string, keepSlash: boolean): string {
  if (unreservedOnly.test(text)) return text;
  let encoded = "";
  for (const byte of toBytes(text)) {
    encoded += keepSlash && byte === 0x2f ? "/" : (encodings[byte] ?? "");
  }
  return encoded;
}

/** One byte per character, or UTF-8 when a character does not fit. */
function toBytes(text: string): Buffer {
  const latin = Buffer.from(text, "latin1");
  return latin.toString("latin1") === text ? latin : Buffer.from(text, "utf8");
}
