import { createHash } from "node:crypto";
import { assert } from "#base/assert.ts";
import type { Clock } from "#base/clock.ts";
import { uuid } from "#base/ids.ts";
import type { Random } from "#base/random.ts";
import type { Transaction } from "#storage/storage.ts";
import { codecs, type FunctionId, keys, ranges, type Scope } from "./records.ts";
import { isPreparing } from "./preparing.ts";
import type { RegistryEdit, Revision, Usage } from "./registry.ts";
import { functionKeyOf } from "./resolver.ts";
import { changeUsage, codeShare, shareOf } from "./usage.ts";
import { createView, find } from "./view.ts";

const everything = { after: undefined, limit: Number.POSITIVE_INFINITY };

/** The registry inside one transaction. `touched` collects the functions whose resolution may change. */
export function createEdit(
  tx: Transaction,
  env: { readonly clock: Clock; readonly random: Random; readonly touched: Set<string> },
): RegistryEdit {
  const view = createView(tx);
  const touch = (id: FunctionId): void => void env.touched.add(functionKeyOf(id));
  const change = (scope: Scope, before: Usage, after: Usage): void =>
    changeUsage(tx, { view, scope }, { before, after });
  return {
    ...view,
    tx,
    functions: {
      ...view.functions,
      put(id, entry) {
        touch(id);
        change(id, shareOf(view.functions.get(id)), shareOf(entry));
        tx.put(keys.function(id), codecs.function.encode(entry));
        const { accountId, region, name } = id;
        const mark = codecs.mark.encode({ accountId, region, name });
        if (isPreparing(entry.latest)) tx.put(keys.preparing(id), mark);
        else tx.delete(keys.preparing(id));
        if (Object.keys(entry.provisioned ?? {}).length > 0) tx.put(keys.provisioned(id), mark);
        else tx.delete(keys.provisioned(id));
      },
      remove(id) {
        touch(id);
        change(id, shareOf(view.functions.get(id)), shareOf(undefined));
        for (const version of view.versions.list(id, everything)) {
          change(id, codeShare(version), codeShare(undefined));
        }
        tx.delete(keys.function(id));
        tx.delete(keys.preparing(id));
        tx.delete(keys.provisioned(id));
        tx.deleteRange(ranges.versions(id));
        tx.deleteRange(ranges.aliases(id));
      },
    },
    versions: versionsEdit({ tx, view, touch, change, env }),
    aliases: {
      ...view.aliases,
      put(id, alias) {
        touch(id);
        tx.put(keys.alias(id, alias.name), codecs.alias.encode(alias));
      },
      remove(id, alias) {
        touch(id);
        tx.delete(keys.alias(id, alias));
      },
    },
    layers: {
      ...view.layers,
      publish(draft) {
        const version = nextNumber(tx, keys.layerCounter(draft));
        const layer = { ...draft, version };
        change(draft, codeShare(undefined), codeShare(layer));
        tx.put(keys.layer(draft, version), codecs.layer.encode(layer));
        return layer;
      },
      remove(id, version) {
        change(id, codeShare(view.layers.get(id, version)), codeShare(undefined));
        tx.delete(keys.layer(id, version));
      },
    },
  };
}

function versionsEdit(scope: {
  readonly tx: Transaction;
  readonly view: ReturnType<typeof createView>;
  readonly touch: (id: FunctionId) => void;
  readonly change: (scope: Scope, before: Usage, after: Usage) => void;
  readonly env: { readonly clock: Clock; readonly random: Random };
}): RegistryEdit["versions"] {
  const { tx, view, touch, change, env } = scope;
  const put = (id: FunctionId, revision: Revision): void => {
    touch(id);
    change(id, codeShare(view.versions.get(id, Number(revision.version))), codeShare(revision));
    tx.put(keys.version(id, Number(revision.version)), codecs.version.encode(revision));
  };
  return {
    ...view.versions,
    put,
    publish(id, description) {
      const entry = view.functions.get(id);
      if (!entry) return undefined;
      const fingerprint = fingerprintOf(entry.latest);
      const last = entry.published;
      const same =
        last?.fingerprint === fingerprint ? view.versions.get(id, last.version) : undefined;
      if (same) return same;
      const version = nextNumber(tx, keys.versionCounter(id));
      const revision: Revision = {
        ...entry.latest,
        version: String(version),
        description: description ?? entry.latest.description,
        revisionId: uuid(env.random),
        lastModifiedMs: env.clock.nowMs(),
      };
      put(id, revision);
      tx.put(
        keys.function(id),
        codecs.function.encode({ ...entry, published: { version, fingerprint } }),
      );
      return revision;
    },
    remove(id, version) {
      touch(id);
      change(id, codeShare(view.versions.get(id, version)), codeShare(undefined));
      tx.delete(keys.version(id, version));
    },
  };
}

/** Equal for two states that would behave the same; ids, times and states do not count. */
function fingerprintOf(revision: Revision): string {
  const { revisionId: _id, lastModifiedMs: _at, state: _state, ...settings } = revision;
  const ordered = Object.entries(settings).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256").update(JSON.stringify(ordered)).digest("hex");
}

function nextNumber(tx: Transaction, at: Uint8Array): number {
  const next = (find(tx, at, codecs.counter) ?? 0) + 1;
  assert(Number.isSafeInteger(next), "a counter stays an exact integer");
  tx.put(at, codecs.counter.encode(next));
  return next;
}
