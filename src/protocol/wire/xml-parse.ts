import { SerializationError } from "./errors.ts";
import { depthMax } from "./limits.ts";
import { tooDeep } from "./tree.ts";

/** An element; its name and its attributes' without namespace prefix. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: XmlElement[];
  /** Character data directly inside, joined. */
  text: string;
}

/**
 * The root element of a document. Only what request bodies need: elements, attributes, text, CDATA,
 * comments, the five predefined entities and character references. A document type is refused, so no
 * entity can be declared. Throws `SerializationError`.
 */
export function parseXml(source: string): XmlElement {
  const root: XmlElement = { name: "", attributes: new Map(), children: [], text: "" };
  const open: XmlElement[] = [root];
  let at = source.startsWith("\uFEFF") ? 1 : 0;
  while (at < source.length) {
    const top = open.at(-1) ?? root;
    const next = source.indexOf("<", at);
    const text = source.slice(at, next < 0 ? source.length : next);
    if (top !== root) top.text += decodeEntities(text);
    else if (text.trim() !== "") throw malformed("text outside the root element");
    if (next < 0) break;
    at = readMarkup(source, next, open);
  }
  const [document] = root.children;
  if (open.length !== 1) throw malformed(`<${open.at(-1)?.name}> is not closed`);
  if (!document || root.children.length !== 1) throw malformed("there must be one root element");
  return document;
}

/** Reads the markup that starts at `start`, pushes and pops `open`, and returns where it ends. */
function readMarkup(source: string, start: number, open: XmlElement[]): number {
  if (source.startsWith("<!--", start)) return skipTo(source, start + 4, "-->");
  if (source.startsWith("<?", start)) return skipTo(source, start + 2, "?>");
  if (source.startsWith("<![CDATA[", start)) {
    const end = skipTo(source, start + 9, "]]>");
    const top = open.at(-1);
    if (!top || open.length === 1) throw malformed("text outside the root element");
    top.text += source.slice(start + 9, end - 3);
    return end;
  }
  if (source.startsWith("<!", start)) throw malformed("a document type is not allowed");
  return source.startsWith("</", start)
    ? readEndTag(source, start, open)
    : readStartTag(source, start, open);
}

function skipTo(source: string, from: number, mark: string): number {
  const end = source.indexOf(mark, from);
  if (end < 0) throw malformed(`${mark} is missing`);
  return end + mark.length;
}

function readEndTag(source: string, start: number, open: XmlElement[]): number {
  const end = skipTo(source, start, ">");
  const name = localName(source.slice(start + 2, end - 1).trim());
  const top = open.at(-1);
  if (open.length === 1 || !top || top.name !== name) throw malformed(`unexpected </${name}>`);
  open.pop();
  return end;
}

const startTag = /<([^\s/>"'=<]+)((?:\s+[^\s/>"'=<]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>/y;
const attribute = /([^\s/>"'=<]+)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/g;

function readStartTag(source: string, start: number, open: XmlElement[]): number {
  startTag.lastIndex = start;
  const match = startTag.exec(source);
  if (!match) throw malformed("a tag is not well-formed");
  const [whole, name = "", attributes = "", selfClosing] = match;
  const element: XmlElement = {
    name: localName(name),
    attributes: attributes === "" ? noAttributes : readAttributes(attributes),
    children: [],
    text: "",
  };
  open.at(-1)?.children.push(element);
  if (selfClosing === "") open.push(element);
  if (open.length > depthMax) throw tooDeep();
  return start + whole.length;
}

const noAttributes: ReadonlyMap<string, string> = new Map();

function readAttributes(text: string): Map<string, string> {
  const attributes = new Map<string, string>();
  for (const [, name = "", double, single] of text.matchAll(attribute)) {
    if (name === "xmlns" || name.startsWith("xmlns:")) continue;
    attributes.set(name, decodeEntities(double ?? single ?? ""));
    attributes.set(localName(name), decodeEntities(double ?? single ?? ""));
  }
  return attributes;
}

function localName(name: string): string {
  return name.slice(name.indexOf(":") + 1);
}

const predefined: ReadonlyMap<string, string> = new Map([
  ["amp", "&"],
  ["lt", "<"],
  ["gt", ">"],
  ["quot", '"'],
  ["apos", "'"],
]);

function decodeEntities(text: string): string {
  if (!text.includes("&")) return text;
  return text.replaceAll(/&([^;&]{0,10});?/g, (whole, name: string) => {
    const character = whole.endsWith(";") ? (predefined.get(name) ?? reference(name)) : undefined;
    if (character === undefined) throw malformed(`unknown entity ${whole}`);
    return character;
  });
}

function reference(name: string): string | undefined {
  const match = /^#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}))$/.exec(name);
  if (!match) return undefined;
  const [, hexadecimal, decimal] = match;
  const code = hexadecimal ? Number.parseInt(hexadecimal, 16) : Number(decimal);
  const isCharacter = code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
  return isCharacter ? String.fromCodePoint(code) : undefined;
}

function malformed(why: string): SerializationError {
  return new SerializationError(`The XML you provided was not well-formed: ${why}`);
}
