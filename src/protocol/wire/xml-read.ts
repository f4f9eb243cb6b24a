import { assert } from "#base/assert.ts";
import { parseScalar } from "./scalars.ts";
import type { Member, Shape } from "./shapes.ts";
import { setOwn } from "./tree.ts";
import type { XmlElement } from "./xml-parse.ts";

/** The members found among an element's children and attributes; the rest is ignored. */
export function readXmlMembers(
  members: readonly Member[],
  element: XmlElement,
): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  const byName = Map.groupBy(element.children, ({ name }) => name);
  for (const member of members) {
    const name = localXmlName(member);
    if (member.traits.xmlAttribute) {
      const text = element.attributes.get(member.traits.xmlName ?? member.name);
      if (text !== undefined) result[member.name] = parseScalar(member.shape.kind, text);
      continue;
    }
    const found = byName.get(name);
    const [first] = found ?? [];
    if (!found || !first) continue;
    result[member.name] = member.traits.xmlFlattened
      ? readItems(member.shape, found)
      : readXmlValue(member.shape, first);
  }
  return result;
}

/** A prefix in `xmlName` is the model's; documents choose their own. */
function localXmlName(member: Member): string {
  const name = member.memberTraits.xmlName ?? member.name;
  return name.slice(name.indexOf(":") + 1);
}

export function readXmlValue(shape: Shape, element: XmlElement): unknown {
  if (shape.kind === "structure" || shape.kind === "union") {
    return readXmlMembers(shape.members, element);
  }
  if (shape.kind === "list" || shape.kind === "map") {
    const item = shape.kind === "map" ? "entry" : (shape.element?.traits.xmlName ?? "member");
    return readItems(
      shape,
      element.children.filter(({ name }) => name === item),
    );
  }
  return parseScalar(shape.kind, element.text);
}

/** The elements are the items of a list or the entries of a map. */
function readItems(shape: Shape, items: readonly XmlElement[]): unknown {
  const { element, key } = shape;
  assert(element, "only lists and maps are flattened");
  if (!key) return items.map((item) => readXmlValue(element.shape, item));
  const result: Record<string, unknown> = {};
  for (const entry of items) {
    const name = childOf(entry, key.traits.xmlName ?? "key");
    const value = childOf(entry, element.traits.xmlName ?? "value");
    if (name && value) setOwn(result, name.text, readXmlValue(element.shape, value));
  }
  return result;
}

function childOf(element: XmlElement, name: string): XmlElement | undefined {
  return element.children.find((child) => child.name === name);
}
