import { assert } from "#base/assert.ts";
import { encodeBase64, toBytes } from "./body.ts";
import type { Bindings } from "./http-bindings.ts";
import { formatScalar } from "./scalars.ts";
import type { Member } from "./shapes.ts";

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

function writeText({ shape, traits }: Member, value: unknown): string {
  const text = formatScalar(shape, value, "http-date");
  // Text with a media type travels as base64 (https://smithy.io/2.0/spec/http-bindings.html#httpheader-trait).
  const isEncoded = shape.kind === "string" && traits.mediaType !== undefined;
  return isEncoded ? encodeBase64(toBytes(text)) : text;
}
