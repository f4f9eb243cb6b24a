import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describeStoreContract } from "../../storage.contract.ts";
import type { Store } from "../../storage.ts";
import { openLmdbStore } from "./lmdb.ts";

/** A store in a directory of its own that goes with it. */
async function openScratchStore(): Promise<Store> {
  const directory = await mkdtemp(path.join(tmpdir(), "skerry-lmdb-"));
  const store = await openLmdbStore({ path: directory, bytesMax: 256 * 1024 * 1024 });
  return {
    read: (work) => store.read(work),
    write: (work) => store.write(work),
    watch: (range, signal) => store.watch(range, signal),
    usage: () => store.usage(),
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

describeStoreContract("LMDB store", openScratchStore);
