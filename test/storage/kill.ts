import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { systemClock } from "#base/clock.ts";
import { createSeededRandom } from "#base/random.ts";
import { openBlobStore } from "#storage/blobs/blobs.ts";
import { openLmdbStore } from "#storage/drivers/lmdb/lmdb.ts";
import { key, keyParts, keyPrefix } from "#storage/keys.ts";
import { recordCodec } from "#storage/records.ts";
import type { BlobStore, Reader, Store } from "#storage/storage.ts";
import {
  accountCount,
  accountStart,
  groupKeys,
  type Message,
  type Operation,
  storeBytesMax,
  type Transfer,
} from "./kill-protocol.ts";

export interface KillReport {
  readonly kills: number;
  readonly acknowledged: number;
  /** Operations under way at a kill: seen by nobody as done, found whole or not at all. */
  readonly unfinished: number;
}

/** What one child said before it died. */
interface Testimony {
  readonly operations: readonly Operation[];
  readonly done: ReadonlySet<string>;
}

const strings = recordCodec<string>(1);
const numbers = recordCodec<number>(1);
const transfers = recordCodec<Transfer>(1);

/**
 * Kills processes that write to the store in `directory` with SIGKILL at random moments, one process
 * or two at once, and after each round opens it and checks that everything acknowledged is there and
 * everything else is there whole or not at all. Rejects with an assertion that names the round.
 */
export async function killRepeatedly(options: {
  readonly directory: string;
  readonly kills: number;
  readonly seed: number;
  readonly onRound?: (report: KillReport) => void;
}): Promise<KillReport> {
  const random = createSeededRandom(options.seed);
  const below = (bound: number): number => Math.floor(random.fraction() * bound);
  const balances = Array.from({ length: accountCount }, () => accountStart);
  await inspect(options.directory, (store) =>
    store.write((tx) =>
      balances.forEach((balance, at) => tx.put(key("account", at), numbers.encode(balance))),
    ),
  );
  const total = { kills: 0, acknowledged: 0, unfinished: 0 };
  for (let round = 0; total.kills < options.kills; round++) {
    const childCount = round % 4 === 3 ? 2 : 1;
    const children = Array.from({ length: childCount }, (_, index) =>
      runAndKill(options.directory, `${round}-${index}`, {
        afterDone: below(10) === 0 ? -1 : below(300),
        delayMs: random.fraction() * 12,
      }),
    );
    const testimonies = await Promise.all(children);
    try {
      await inspect(options.directory, (store, blobs) =>
        check(store, blobs, testimonies, balances),
      );
    } catch (error) {
      throw new Error(`round ${round} of seed ${options.seed}`, { cause: error });
    }
    total.kills += childCount;
    for (const { operations, done } of testimonies) {
      total.acknowledged += done.size;
      total.unfinished += operations.length - done.size;
    }
    options.onRound?.(total);
  }
  return total;
}

async function inspect(
  directory: string,
  look: (store: Store, blobs: BlobStore) => Promise<void>,
): Promise<void> {
  const blobs = await openBlobStore({ directory: path.join(directory, "blobs") });
  await using store = await openLmdbStore({
    path: path.join(directory, "store"),
    bytesMax: storeBytesMax,
  });
  await look(store, blobs);
}

/** `afterDone` −1 kills it while it starts, before it is ready. */
async function runAndKill(
  directory: string,
  name: string,
  moment: { readonly afterDone: number; readonly delayMs: number },
): Promise<Testimony> {
  const program = fileURLToPath(new URL("kill-child.ts", import.meta.url));
  const child = spawn(process.execPath, ["--conditions=source", program, directory, name], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const operations: Operation[] = [];
  const done = new Set<string>();
  let doomed = false;
  const doom = (delayMs: number): void => {
    if (doomed) return;
    doomed = true;
    void killLater(child, delayMs);
  };
  if (moment.afterDone < 0) doom(100 + moment.delayMs * 20);
  for await (const line of createInterface({ input: child.stdout })) {
    const message = parseMessage(line);
    if (message?.say === "intend") operations.push(message.operation);
    if (message?.say === "done") done.add(message.id);
    if (message && done.size >= moment.afterDone) doom(moment.delayMs);
  }
  const [code, signal] = (await exited) as [number | null, string | null]; // the event's arguments
  assert.equal(signal, "SIGKILL", `the child ended by itself with code ${code}`);
  return { operations, done };
}

async function killLater(child: ChildProcess, delayMs: number): Promise<void> {
  await systemClock.sleep(delayMs, new AbortController().signal);
  child.kill("SIGKILL");
}

/** Undefined for the line the kill cut in two. */
function parseMessage(line: string): Message | undefined {
  try {
    return JSON.parse(line) as Message; // written by our own child
  } catch {
    return undefined;
  }
}

async function check(
  store: Store,
  blobs: BlobStore,
  testimonies: readonly Testimony[],
  balances: number[],
): Promise<void> {
  await store.read((reader) => {
    for (const testimony of testimonies) {
      checkSingles(reader, testimony);
      checkGroups(reader, testimony);
      for (const { id, kind } of testimony.operations)
        if (kind === "transfer" && testimony.done.has(id))
          assert.ok(reader.get(key("transfer", id)), `acknowledged transfer ${id} is there`);
    }
    checkBalances(reader, balances);
  });
  for (const { operations, done } of testimonies) {
    for (const operation of operations) {
      if (operation.kind !== "blob" || !done.has(operation.id)) continue;
      const bytes = await blobs.get(operation.sha256);
      assert.equal(bytes.byteLength, operation.byteCount);
      await blobs.delete(operation.sha256);
    }
  }
  await store.write((tx) => {
    for (const table of ["single", "group", "transfer"]) tx.deleteRange(keyPrefix(table));
  });
  assert.equal((await store.usage()).full, false);
}

/** A worker does one thing after the other, so of its entries only the last change can be open. */
function checkSingles(reader: Reader, { operations, done }: Testimony): void {
  const possible = new Map<string, (string | undefined)[]>();
  for (const operation of operations) {
    if (operation.kind !== "put" && operation.kind !== "delete") continue;
    const value = operation.kind === "put" ? operation.value : undefined;
    const before = possible.get(operation.name) ?? [undefined];
    possible.set(operation.name, done.has(operation.id) ? [value] : [...before, value]);
  }
  for (const [name, values] of possible) {
    const found = reader.get(key("single", name));
    const value = found && strings.decode(found);
    assert.ok(values.includes(value), `${name} is ${value?.slice(0, 40)}, not its last change`);
  }
}

function checkGroups(reader: Reader, { operations, done }: Testimony): void {
  const possible = new Map<string, string[]>();
  for (const operation of operations) {
    if (operation.kind !== "group") continue;
    const { id, name, value } = operation;
    possible.set(name, done.has(id) ? [value] : [...(possible.get(name) ?? [""]), value]);
  }
  for (const [name, values] of possible) {
    const found = Array.from(reader.list(keyPrefix("group", name)), (e) => strings.decode(e.value));
    const distinct = new Set(found);
    assert.ok(distinct.size <= 1, `group ${name} is whole`);
    assert.ok(found.length === 0 || found.length === groupKeys, `group ${name} is whole`);
    assert.ok(values.includes(found[0] ?? ""), `group ${name} has its last value`);
  }
}

/** Every transfer that left its record moved its money, once, and none that did not. */
function checkBalances(reader: Reader, balances: number[]): void {
  for (const { key: name, value } of reader.list(keyPrefix("transfer"))) {
    assert.equal(keyParts(name).length, 2);
    const { from, to, amount } = transfers.decode(value);
    balances[from] = (balances[from] ?? 0) - amount;
    balances[to] = (balances[to] ?? 0) + amount;
  }
  const found = balances.map((_, at) =>
    numbers.decode(reader.get(key("account", at)) ?? numbers.encode(-1)),
  );
  assert.deepEqual(found, balances);
  const sum = found.reduce((all, balance) => all + balance, 0);
  assert.equal(sum, accountCount * accountStart, "no money was made or lost");
}
