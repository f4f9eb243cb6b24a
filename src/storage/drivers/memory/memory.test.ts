import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isPlatformError } from "#base/errors.ts";
import { key, keyPrefix } from "../../keys.ts";
import { describeStoreContract } from "../../storage.contract.ts";
import { createMemoryStore } from "./memory.ts";

describeStoreContract("memory store", async () => createMemoryStore());

describe("memory store: full", () => {
  it("refuses what only adds, keeps reading and deleting, and heals", async () => {
    await using store = createMemoryStore({ bytesMax: 1_000_000 });
    const value = new Uint8Array(10_000);
    let stored = 0;
    const fill = async (): Promise<void> => {
      for (;;) await store.write((tx) => tx.put(key("n", stored++), value));
    };
    await assert.rejects(fill(), (error) => isPlatformError(error, "storage.full"));
    await store.write((tx) => {
      tx.delete(key("n", 0));
      tx.put(key("deleted"), key(0));
    });
    await store.write((tx) => tx.deleteRange(keyPrefix("n")));
    await store.write((tx) => tx.put(key("n", 0), value));
    assert.equal((await store.usage()).full, false);
  });
});
