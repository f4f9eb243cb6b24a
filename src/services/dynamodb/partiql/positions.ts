import { hash } from "node:crypto";
import {
  checkedItem,
  setAttribute,
  validation,
  type AttributeValue,
  type Item,
} from "../values/values.ts";

/** Where a SELECT goes on: in which of its partitions, and behind which key. */
export interface Position {
  readonly part: number;
  readonly key: Item | undefined;
}

/** What a token belongs to: the statement with its parameters. */
export function fingerprintOf(statement: string, parameters: readonly AttributeValue[]): string {
  const shown = parameters.map((value) => JSON.stringify(value, withBase64));
  return hash("sha256", [statement, ...shown].join("\n"), "base64url").slice(0, 16);
}

function withBase64(_name: string, value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value;
}

/** `NextToken`: opaque to callers. */
export function writePosition({ part, key }: Position, fingerprint: string): string {
  const attributes = key && Object.entries(key).map(([name, value]) => [name, ...written(value)]);
  return Buffer.from(JSON.stringify([fingerprint, part, attributes ?? null])).toString("base64url");
}

/** Throws ValidationException for what `writePosition` did not write for this statement. */
export function readPosition(token: string, fingerprint: string): Position {
  const [owner, part, attributes] = parsed(token);
  if (typeof owner !== "string" || !Number.isSafeInteger(part) || Number(part) < 0) throw invalid();
  if (owner !== fingerprint) throw validation("NextToken does not match request");
  if (attributes === null) return { part: Number(part), key: undefined };
  if (!Array.isArray(attributes)) throw invalid();
  const key: Record<string, AttributeValue> = {};
  for (const attribute of attributes as unknown[]) {
    const [name, type, text] = Array.isArray(attribute) ? (attribute as unknown[]) : [];
    if (typeof name !== "string" || typeof text !== "string") throw invalid();
    setAttribute(key, name, readValue(type, text));
  }
  return { part: Number(part), key: checkedItem(key) };
}

function invalid(): Error {
  return validation("Invalid NextToken");
}

function parsed(token: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, "base64url").toString("utf8"));
    if (Array.isArray(value)) return value as unknown[];
  } catch {
    // Not ours: refused below.
  }
  throw invalid();
}

/** Keys are strings, numbers and binaries. */
function written({ S, N, B }: AttributeValue): readonly [string, string] {
  if (S !== undefined) return ["S", S];
  return N === undefined ? ["B", Buffer.from(B ?? []).toString("base64")] : ["N", N];
}

function readValue(type: unknown, text: string): AttributeValue {
  if (type === "S") return { S: text };
  if (type === "N") return { N: text };
  if (type === "B") return { B: Uint8Array.from(Buffer.from(text, "base64")) };
  throw invalid();
}
