/** How a value is written into a sentence. */
export interface ShownAs {
  /** `{"name":"value"}` or `{name=value}`. */
  readonly structures: "json" | "pairs";
  /** Of one text or structure; without it all of them. */
  readonly charactersMax?: number;
}

/** Text as it is, a list as `[a, b]`. */
export function show(value: unknown, as: ShownAs): string {
  if (Array.isArray(value)) return `[${value.map((entry) => show(entry, as)).join(", ")}]`;
  const { charactersMax = Infinity } = as;
  const isScalar = typeof value === "string" || typeof value === "number";
  const text = isScalar ? String(value) : showStructure(value, as);
  return text.length > charactersMax ? `${text.slice(0, charactersMax)}…` : text;
}

function showStructure(value: unknown, { structures }: ShownAs): string {
  if (typeof value !== "object" || value === null || structures === "json")
    return JSON.stringify(value);
  const entries = Object.entries(value).map(([name, item]) => `${name}=${String(item)}`);
  return `{${entries.join(", ")}}`;
}

/**
 * Characters, entries, or the number itself; undefined for what has no size. The decoder refused
 * values of another type than the model's.
 */
export function sizeOf(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value === "string" || Array.isArray(value)) return value.length;
  return typeof value === "object" && value !== null ? Object.keys(value).length : undefined;
}

/** Of a map; a list has none. */
export function keysOf(value: unknown): readonly string[] {
  return typeof value === "object" && !Array.isArray(value) ? Object.keys(value ?? {}) : [];
}

/** Entries that are there, by place in a list (from 1) or by name. */
export function entriesOf(value: unknown): readonly (readonly [number | string, unknown])[] {
  const entries = Array.isArray(value)
    ? value.map((entry: unknown, index) => [index + 1, entry] as const)
    : Object.entries(value ?? {});
  return entries.filter(([, entry]) => entry !== undefined && entry !== null);
}
