import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { systemClock } from "#base/clock.ts";
import { createSeededRandom } from "#base/random.ts";
import type { Store } from "#storage/storage.ts";
import { idOf, openSpine, saidRange, seenRange, texts } from "./spine-process.ts";

export interface SpineKillReport {
  readonly kills: number;
  /** Transactions that were answered with success before a kill. */
  readonly acknowledged: number;
  /** Messages that reached the consumer, each at least once. */
  readonly delivered: number;
  /** How often the consumer saw one again. */
  readonly repeated: number;
}

/**
 * Kills processes that send through the outbox to queues and consume from them, with SIGKILL at random
 * moments; then lets one process finish. Everything acknowledged has reached the consumer, nothing that
 * was not sent has, and within a group of the ordered queue the first time of each is in order. Rejects
 * with an assertion otherwise.
 */
export async function killSpine(options: {
  readonly directory: string;
  readonly kills: number;
  readonly seed: number;
  readonly onKill?: (kills: number, acknowledged: number) => void;
}): Promise<SpineKillReport> {
  const random = createSeededRandom(options.seed);
  const acknowledged = new Set<string>();
  for (let kills = 0; kills < options.kills;) {
    const count = kills % 5 === 4 ? 2 : 1; // two processes on one store, now and then
    const lines = await Promise.all(
      Array.from({ length: count }, (_, index) =>
        runAndKill(options.directory, `${kills}-${index}`, {
          afterLines: Math.floor(random.fraction() * 40),
          delayMs: random.fraction() * 20,
        }),
      ),
    );
    for (const line of lines.flat()) acknowledged.add(line);
    kills += count;
    options.onKill?.(kills, acknowledged.size);
  }
  await using spine = await openSpine(options.directory);
  const sent = await sentIds(spine.store);
  for (const id of acknowledged) assert.ok(sent.has(id), `acknowledged ${id} is in the store`);
  const order = await allSeen(spine.store, sent);
  return {
    kills: options.kills,
    acknowledged: acknowledged.size,
    delivered: new Set(order).size,
    repeated: order.length - new Set(order).size,
  };
}

async function runAndKill(
  directory: string,
  name: string,
  moment: { readonly afterLines: number; readonly delayMs: number },
): Promise<readonly string[]> {
  const program = fileURLToPath(new URL("kill-child.ts", import.meta.url));
  const child = spawn(process.execPath, ["--conditions=source", program, directory, name], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const lines: string[] = [];
  let isDoomed = false;
  for await (const line of createInterface({ input: child.stdout })) {
    // The last one may have been cut.
    if (line !== "ready" && /\/\d{8}$/.test(line)) lines.push(line);
    if (isDoomed || lines.length < moment.afterLines) continue;
    isDoomed = true;
    void systemClock
      .sleep(moment.delayMs, new AbortController().signal)
      .then(() => child.kill("SIGKILL"));
  }
  await exited;
  return lines;
}

const sentIds = (store: Store): Promise<ReadonlySet<string>> =>
  store.read((reader) => new Set(Array.from(reader.list(saidRange), (entry) => idOf(entry.key))));

/** Waits until everything sent has been seen; what was seen, in order. */
async function allSeen(store: Store, sent: ReadonlySet<string>): Promise<readonly string[]> {
  const enough = new AbortController();
  let order: readonly string[] = [];
  for await (const _ of store.watch(seenRange, enough.signal)) {
    order = await store.read((reader) =>
      Array.from(reader.list(seenRange), (entry) => texts.decode(entry.value)),
    );
    if (new Set(order).size >= sent.size) break;
  }
  for (const id of order) assert.ok(sent.has(id), `${id} was sent`);
  const last = new Map<string, string>();
  const first = new Set<string>();
  for (const id of order) {
    if (!id.includes(".fifo/") || first.has(id)) continue;
    first.add(id);
    const group = id.slice(0, id.lastIndexOf("/"));
    const before = last.get(group);
    assert.ok(before === undefined || before < id, `${id} does not come behind ${before}`);
    last.set(group, id);
  }
  return order;
}
