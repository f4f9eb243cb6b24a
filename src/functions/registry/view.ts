import { type KeyPart, keyAfter, keyParts } from "#storage/keys.ts";
import type { RecordCodec } from "#storage/records.ts";
import type { KeyRange, Reader } from "#storage/storage.ts";
import { codecs, type FunctionId, keys, ranges } from "./records.ts";
import type { RegistryView } from "./registry.ts";
import { usageIn } from "./usage.ts";

/** The registry as one snapshot shows it; keeps nothing. */
export function createView(reader: Reader): RegistryView {
  const view: Omit<RegistryView, "usage"> = {
    reader,
    functions: {
      get: (id) => find(reader, keys.function(id), codecs.function),
      list: (scope, { after, limit }) => {
        const range = ranges.functions(scope);
        const from = after === undefined ? undefined : keys.function({ ...scope, name: after });
        return page(reader, codecs.function, continued(range, from), limit);
      },
      preparing: () => page(reader, codecs.mark, ranges.preparing, Number.POSITIVE_INFINITY),
      provisioned: () => page(reader, codecs.mark, ranges.provisioned, Number.POSITIVE_INFINITY),
    },
    versions: {
      get: (id, version) =>
        isNumber(version) ? find(reader, keys.version(id, version), codecs.version) : undefined,
      list: (id, { after, limit }) => {
        const from = after === undefined ? undefined : keys.version(id, after);
        return page(reader, codecs.version, continued(ranges.versions(id), from), limit);
      },
    },
    aliases: {
      get: (id, alias) => find(reader, keys.alias(id, alias), codecs.alias),
      list: (id, { after, limit }) => {
        const from = after === undefined ? undefined : keys.alias(id, after);
        return page(reader, codecs.alias, continued(ranges.aliases(id), from), limit);
      },
    },
    layers: layersView(reader),
  };
  return { ...view, usage: (scope) => usageIn(view, scope) };
}

function layersView(reader: Reader): RegistryView["layers"] {
  return {
    get: (id, version) =>
      isNumber(version) ? find(reader, keys.layer(id, version), codecs.layer) : undefined,
    list: (id, { after, limit }) => {
      const all = ranges.layerVersions(id);
      const range = after === undefined ? all : { start: all.start, end: keys.layer(id, after) };
      const entries = reader.list(range, { ...atMost(limit), reverse: true });
      return Array.from(entries, (entry) => codecs.layer.decode(entry.value));
    },
    names: (scope, { after, limit }) => {
      const from = after === undefined ? undefined : keys.layerCounter({ ...scope, name: after });
      const range = continued(ranges.layerCounters(scope), from);
      const names: string[] = [];
      for (const entry of reader.list(range)) {
        const name = lastPart(entry.key);
        if (hasVersion(reader, { ...scope, name })) names.push(name);
        if (names.length >= limit) break;
      }
      return names;
    },
  };
}

export function find<T>(reader: Reader, at: Uint8Array, codec: RecordCodec<T>): T | undefined {
  const bytes = reader.get(at);
  return bytes && codec.decode(bytes);
}

function page<T>(reader: Reader, codec: RecordCodec<T>, range: KeyRange, limit: number): T[] {
  return Array.from(reader.list(range, atMost(limit)), (entry) => codec.decode(entry.value));
}

function atMost(limit: number): { limit?: number } {
  return Number.isFinite(limit) ? { limit } : {};
}

function continued(range: KeyRange, after: Uint8Array | undefined): KeyRange {
  return after ? { start: keyAfter(after), end: range.end } : range;
}

function hasVersion(reader: Reader, id: FunctionId): boolean {
  for (const _ of reader.list(ranges.layerVersions(id), { limit: 1 })) return true;
  return false;
}

function lastPart(encoded: Uint8Array): string {
  const part: KeyPart | undefined = keyParts(encoded).at(-1);
  return String(part);
}

/** Callers pass on what a client wrote; more than a key can hold is simply not there. */
function isNumber(version: number): boolean {
  return Number.isSafeInteger(version) && version >= 0;
}
