import { writeSync } from "node:fs";
import { isPlatformError } from "#base/errors.ts";
import { openLmdbStore } from "#storage/drivers/lmdb/lmdb.ts";
import { key } from "#storage/keys.ts";
import { recordCodec } from "#storage/records.ts";
import type { Transaction } from "#storage/storage.ts";

// Increments one shared counter. Arguments: directory of the store, how often.
const [directory = "", times = "0"] = process.argv.slice(2);
const numbers = recordCodec<number>(1);
const counter = key("counter");

function increment(tx: Transaction): void {
  const stored = tx.get(counter);
  tx.put(counter, numbers.encode((stored ? numbers.decode(stored) : 0) + 1));
}

/** Asynchronous transactions on an entry that all processes change may give up; the caller insists. */
async function incrementAsync(): Promise<void> {
  for (;;) {
    try {
      return await store.write(async (tx) => {
        await Promise.resolve();
        increment(tx);
      });
    } catch (error) {
      if (!isPlatformError(error, "storage.conflict")) throw error;
    }
  }
}

const store = await openLmdbStore({ path: directory, bytesMax: 64 * 1024 * 1024 });
writeSync(1, "ready\n");
const lanes = Array.from({ length: 10 }, async (_, lane) => {
  for (let done = 0; done < Number(times) / 10; done++) {
    if (lane % 2 === 0) await store.write(increment);
    else {
      await incrementAsync();
    }
  }
});
await Promise.all(lanes);
await store[Symbol.asyncDispose]();
writeSync(1, "done\n");
