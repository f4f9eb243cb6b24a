import { createHash } from "node:crypto";
import { writeSync } from "node:fs";
import path from "node:path";
import { systemRandom } from "#base/random.ts";
import { openBlobStore } from "#storage/blobs/blobs.ts";
import { openLmdbStore } from "#storage/drivers/lmdb/lmdb.ts";
import { key, keyPrefix } from "#storage/keys.ts";
import { recordCodec } from "#storage/records.ts";
import type { Transaction } from "#storage/storage.ts";
import {
  accountCount,
  groupKeys,
  type Message,
  type Operation,
  storeBytesMax,
  type Transfer,
} from "./kill-protocol.ts";

// Works until it is killed. Arguments: directory, a name unique to this process.
const [directory = "", processName = ""] = process.argv.slice(2);
const workers = 12;

const numbers = recordCodec<number>(1);
const transfers = recordCodec<Transfer>(1);
const strings = recordCodec<string>(1);

const store = await openLmdbStore({
  path: path.join(directory, "store"),
  bytesMax: storeBytesMax,
});
const blobs = await openBlobStore({ directory: path.join(directory, "blobs") });
tell({ say: "ready" });
await Promise.all(Array.from({ length: workers }, (_, worker) => work(worker)));

/** Synchronous: what the parent has not got in its pipe was not said. */
function tell(message: Message): void {
  writeSync(1, `${JSON.stringify(message)}\n`);
}

function below(bound: number): number {
  return Math.floor(systemRandom.fraction() * bound);
}

async function work(worker: number): Promise<void> {
  for (let index = 0; ; index++) {
    const id = `${processName}.${worker}.${index}`;
    const dice = below(100);
    if (dice < 40) await put(id, `${processName}.${worker}.${below(20)}`);
    else if (dice < 50) await remove(id, `${processName}.${worker}.${below(20)}`);
    else if (dice < 85) await transfer(id);
    else if (dice < 95) await group(id, `${processName}.${worker}`);
    else await blob(id);
    tell({ say: "done", id });
  }
}

function put(id: string, name: string): Promise<void> {
  const value = id + "x".repeat(below(10) === 0 ? below(20_000) : below(200));
  tell({ say: "intend", operation: { id, kind: "put", name, value } });
  return store.write((tx) => tx.put(key("single", name), strings.encode(value)));
}

function remove(id: string, name: string): Promise<void> {
  tell({ say: "intend", operation: { id, kind: "delete", name } });
  return store.write((tx) => tx.delete(key("single", name)));
}

function transfer(id: string): Promise<void> {
  const operation: Operation = { id, kind: "transfer" };
  tell({ say: "intend", operation });
  const [from, amount] = [below(accountCount), below(100)];
  const to = (from + 1 + below(accountCount - 1)) % accountCount;
  const move = (tx: Transaction): void => {
    const balance = (account: number): number =>
      numbers.decode(tx.get(key("account", account)) ?? numbers.encode(0));
    tx.put(key("account", from), numbers.encode(balance(from) - amount));
    tx.put(key("account", to), numbers.encode(balance(to) + amount));
    tx.put(key("transfer", id), transfers.encode({ from, to, amount }));
  };
  return below(4) > 0
    ? store.write(move)
    : store.write(async (tx) => {
        await Promise.resolve();
        move(tx);
      });
}

function group(id: string, name: string): Promise<void> {
  tell({ say: "intend", operation: { id, kind: "group", name, value: id } });
  return store.write((tx) => {
    tx.deleteRange(keyPrefix("group", name));
    for (let index = 0; index < groupKeys; index++)
      tx.put(key("group", name, index), strings.encode(id));
  });
}

async function blob(id: string): Promise<void> {
  const bytes = systemRandom.bytes(below(50_000));
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const byteCount = bytes.byteLength;
  tell({ say: "intend", operation: { id, kind: "blob", sha256, byteCount } });
  await blobs.put(bytes);
}
