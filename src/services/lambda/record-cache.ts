import type { Logger } from "#base/context.ts";
import type { Soon } from "#base/soon.ts";
import type { Store } from "#storage/storage.ts";
import { cachedRecordsMax } from "./limits.ts";
import { everything } from "./records.ts";

/** Answers of the data plane kept in memory; dropped whole when anything of the service changes. */
export interface RecordCache extends AsyncDisposable {
  /** `load` runs when nothing is remembered under `name`; `undefined` is not remembered. */
  get<T>(name: string, load: () => Promise<T | undefined>): Soon<T | undefined>;
  /** After a change by this process; those of other processes are heard of through the store. */
  forget(): void;
}

export function createRecordCache(deps: {
  readonly store: Store;
  readonly log: Logger;
}): RecordCache {
  const values = new Map<string, unknown>();
  let generation = 0;
  const forget = (): void => {
    generation++;
    values.clear();
  };
  const remember = async <T>(name: string, load: () => Promise<T | undefined>) => {
    const began = generation;
    const value = await load();
    if (value !== undefined && began === generation) {
      if (values.size >= cachedRecordsMax) values.clear();
      values.set(name, value);
    }
    return value;
  };
  const stop = new AbortController();
  const watching = (async () => {
    for await (const _ of deps.store.watch(everything, stop.signal)) forget();
  })().catch((error: unknown) => deps.log.event("lambda.watch-failed", { error: String(error) }));
  return {
    forget,
    get<T>(name: string, load: () => Promise<T | undefined>) {
      const known = values.get(name);
      return known === undefined ? remember(name, load) : (known as T); // each name has one kind of answer
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await watching;
    },
  };
}
