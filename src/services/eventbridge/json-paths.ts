/** `$.detail.items[0]["a.b"]`: names and places, as input paths use them. */
export type JsonPath = readonly (string | number)[];

const step = /\.([^.[\]*@?(),"'\s]+)|\[(\d{1,6})\]|\["([^"\\]*)"\]|\['([^'\\]*)'\]/y;

/** Undefined for what is no path. Filters, unions and wildcards are none. */
export function parseJsonPath(text: string): JsonPath | undefined {
  if (!text.startsWith("$")) return undefined;
  const path: (string | number)[] = [];
  for (let at = 1; at < text.length; at = step.lastIndex) {
    step.lastIndex = at;
    const found = step.exec(text);
    if (!found) return undefined;
    const [, name, index, quoted, single] = found;
    path.push(index === undefined ? (name ?? quoted ?? single ?? "") : Number(index));
  }
  return path;
}

/** Undefined where there is nothing. */
export function valueAt(value: unknown, path: JsonPath): unknown {
  let at = value;
  for (const step of path) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, step)) return undefined;
    at = (at as Readonly<Record<string | number, unknown>>)[step]; // it has it, by the line above
  }
  return at;
}
