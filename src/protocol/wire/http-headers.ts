import { assert } from "#base/assert.ts";
import { encodeBase64 } from "./body.ts";
import type { Bindings } from "./http-bindings.ts";
import { formatNumber, formatTimestamp } from "./scalars.ts";
import type { Member } from "./shapes.ts";
import { toBytes } from "./tree.ts";

/** The bound members that are there, with lower-case names. Line breaks in values become spaces. */
export function writeHeaders(
  { headers, prefixHeaders }: Bindings,
  output: object,
): Record<string, string> {
  const values = output as Record<string, unknown>; // members by name
  const written: Record<string, string> = {};
  for (const [member, name] of headers) {
    const value = values[member.name];
    if (value === undefined || value === null) continue;
    written[name] = safe(
      Array.isArray(value) ? writeItems(member, value) : writeText(member, value),
    );
  }
  for (const [member, prefix] of prefixHeaders) {
    const map = values[member.name];
    if (typeof map !== "object" || map === null) continue;
    for (const [key, value] of Object.entries(map)) {
      const name = `${prefix}${key}`.toLowerCase();
      if (headerName.test(name)) written[name] = safe(String(value));
    }
  }
  return written;
}

/** RFC 9110 token: anything else could not be sent at all. */
const headerName = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;

/** A value that came from a caller must not begin a header of its own. */
function safe(text: string): string {
  return text.replaceAll(/[\r\n\0]+/g, " ");
}

function writeItems(member: Member, items: readonly unknown[]): string {
  const { element } = member.shape;
  assert(element, "a list has an element");
  return items
    .filter((item) => item !== undefined && item !== null)
    .map((item) => {
      const text = writeText(element, item);
      const needsQuotes = element.shape.kind === "string" && /[",]/.test(text);
      return needsQuotes ? `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"` : text;
    })
    .join(", ");
}

function writeText(member: Member, value: unknown): string {
  const { shape, traits } = member;
  switch (shape.kind) {
    case "timestamp":
      assert(value instanceof Date, "a timestamp is a Date");
      return formatTimestamp(value, shape.timestampFormat ?? "http-date");
    case "blob":
      return encodeBase64(toBytes(value));
    case "number":
    case "bigInteger":
    case "bigDecimal":
      return formatNumber(value);
    default:
      return traits.mediaType === undefined ? String(value) : encodeBase64(toBytes(String(value)));
  }
}
