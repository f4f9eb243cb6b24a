import { assert } from "#base/assert.ts";
import { depthMax } from "./limits.ts";
import { parseScalar } from "./scalars.ts";
import type { Member, Shape } from "./shapes.ts";
import { setOwn, tooDeep } from "./tree.ts";

/** Form parameters as the tree their dotted names describe: `Tags.member.1.Key` is four levels. */
export interface QueryNode {
  text: string | undefined;
  readonly children: Map<string, QueryNode>;
}

export function queryTree(form: URLSearchParams): QueryNode {
  const root: QueryNode = { text: undefined, children: new Map() };
  for (const [name, value] of form) {
    const parts = name.split(".", depthMax + 2);
    if (parts.length > depthMax) throw tooDeep();
    let node = root;
    for (const part of parts) {
      let child = node.children.get(part);
      if (!child) {
        child = { text: undefined, children: new Map() };
        node.children.set(part, child);
      }
      node = child;
    }
    node.text ??= value;
  }
  return root;
}

/** https://smithy.io/2.0/aws/protocols/aws-query-protocol.html */
export function readQueryMembers(
  members: readonly Member[],
  node: QueryNode,
): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const member of members) {
    const found = node.children.get(member.memberTraits.xmlName ?? member.name);
    const value = found && readQueryValue(member, found);
    if (value !== undefined) result[member.name] = value;
  }
  return result;
}

function readQueryValue({ shape }: Member, node: QueryNode): unknown {
  if (shape.kind === "structure" || shape.kind === "union") {
    return readQueryMembers(shape.members, node);
  }
  if (shape.kind === "list") return readList(shape, node);
  if (shape.kind === "map") return readMap(shape, node);
  return node.text === undefined ? undefined : parseScalar(shape.kind, node.text);
}

/** Items sit under the member name, or directly if flattened; hand-written clients mix the two, and both are clear. */
function readList(shape: Shape, node: QueryNode): unknown[] {
  const { element } = shape;
  assert(element, "a list has an element");
  const wrapper =
    node.children.get(element.traits.xmlName ?? "member") ?? node.children.get("member") ?? node;
  const items: unknown[] = [];
  for (const item of numbered(wrapper)) {
    const value = readQueryValue(element, item);
    if (value !== undefined) items.push(value);
  }
  return items;
}

function readMap(shape: Shape, node: QueryNode): Record<string, unknown> {
  const { element, key } = shape;
  assert(element && key, "a map has keys and values");
  const result: Record<string, unknown> = {};
  for (const entry of numbered(node.children.get("entry") ?? node)) {
    const name = entry.children.get(key.traits.xmlName ?? "key")?.text;
    const found = entry.children.get(element.traits.xmlName ?? "value");
    const value = found && readQueryValue(element, found);
    if (name !== undefined && value !== undefined) setOwn(result, name, value);
  }
  return result;
}

/** In the order of their numbers, whatever the order of the form; gaps close. */
function numbered(node: QueryNode): QueryNode[] {
  return [...node.children]
    .filter(([name]) => /^[0-9]{1,9}$/.test(name))
    .toSorted(([a], [b]) => Number(a) - Number(b))
    .map(([, child]) => child);
}
