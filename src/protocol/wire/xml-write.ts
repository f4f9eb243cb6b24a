import { assert } from "#base/assert.ts";
import { formatScalar } from "./scalars.ts";
import type { Member, Shape, Traits } from "./shapes.ts";

/** `content` is already XML. */
export function xmlElement(name: string, content: string, attributes = ""): string {
  return content === "" ? `<${name}${attributes}/>` : `<${name}${attributes}>${content}</${name}>`;
}

export function xmlText(name: string, text: string): string {
  return `<${name}>${escapeText(text)}</${name}>`;
}

/** Members as children, without the attributes, which `xmlAttributes` writes into the start tag. */
export function writeXmlMembers(members: readonly Member[], value: object): string {
  const values = value as Record<string, unknown>; // members by name
  let xml = "";
  for (const member of members) {
    const item = values[member.name];
    if (item === undefined || item === null || member.traits.xmlAttribute) continue;
    const name = member.memberTraits.xmlName ?? member.name;
    xml += member.traits.xmlFlattened
      ? writeItems(member.shape, item, name)
      : writeXmlValue(name, member, item);
  }
  return xml;
}

export function xmlAttributes(members: readonly Member[], value: object): string {
  const values = value as Record<string, unknown>; // members by name
  let text = "";
  for (const member of members) {
    const item = values[member.name];
    if (!member.traits.xmlAttribute || item === undefined || item === null) continue;
    const name = member.traits.xmlName ?? member.name;
    text += ` ${name}="${escapeAttribute(formatScalar(member.shape, item, "date-time"))}"`;
  }
  return text;
}

/** `xmlns`, or `xmlns:prefix` where the model has one. */
export function xmlnsAttribute(traits: Traits): string {
  const { xmlNamespace } = traits;
  if (xmlNamespace === undefined) return "";
  const [uri, prefix] = typeof xmlNamespace === "string" ? [xmlNamespace] : xmlNamespace;
  return ` xmlns${prefix ? `:${prefix}` : ""}="${escapeAttribute(uri)}"`;
}

/** One element called `name`. */
function writeXmlValue(name: string, member: Member, value: unknown): string {
  const { shape, traits } = member;
  const attributes = xmlnsAttribute(traits);
  if (shape.kind === "structure" || shape.kind === "union") {
    assert(typeof value === "object" && value !== null, "a structure is an object");
    const content = writeXmlMembers(shape.members, value);
    return xmlElement(name, content, attributes + xmlAttributes(shape.members, value));
  }
  if (shape.kind === "list" || shape.kind === "map") {
    const item = shape.kind === "map" ? "entry" : (shape.element?.traits.xmlName ?? "member");
    return xmlElement(name, writeItems(shape, value, item), attributes);
  }
  return `<${name}${attributes}>${escapeText(formatScalar(shape, value, "date-time"))}</${name}>`;
}

function writeItems(shape: Shape, value: unknown, name: string): string {
  const { element, key } = shape;
  assert(element && typeof value === "object" && value !== null, "a collection is an object");
  if (!key) {
    assert(Array.isArray(value), "a list is an array");
    return value
      .map((item: unknown) =>
        item === undefined || item === null
          ? xmlElement(name, "")
          : writeXmlValue(name, element, item),
      )
      .join("");
  }
  let xml = "";
  for (const [entryKey, item] of Object.entries(value)) {
    if (item === undefined || item === null) continue;
    const keyXml = writeXmlValue(key.traits.xmlName ?? "key", key, entryKey);
    xml += xmlElement(
      name,
      keyXml + writeXmlValue(element.traits.xmlName ?? "value", element, item),
    );
  }
  return xml;
}

/** What XML 1.0 cannot say in any way (most control characters, lone surrogates) becomes U+FFFD. */
export function escapeText(text: string): string {
  return (
    text
      .toWellFormed()
      .replaceAll(
        /[&<>\r\u0085\u2028]/g,
        (c) => textEscapes[c] ?? `&#x${c.charCodeAt(0).toString(16).toUpperCase()};`,
      )
      // oxlint-disable-next-line no-control-regex -- exactly these are what the rule is about
      .replaceAll(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g, "\uFFFD")
  );
}

const textEscapes: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

function escapeAttribute(text: string): string {
  return escapeText(text)
    .replaceAll('"', "&quot;")
    .replaceAll("\n", "&#xA;")
    .replaceAll("\t", "&#x9;");
}
