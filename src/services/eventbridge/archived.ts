import type { DueTimes } from "#events/schedules/schedules.ts";
import { keyParts } from "#storage/keys.ts";
import type { Reader, Transaction } from "#storage/storage.ts";
import { readEventText, type BusEvent } from "./bus-event.ts";
import { archiveSweepMs, expiredBatchMax, replayBatchMax } from "./limits.ts";
import {
  archivedCodec,
  archiveRecords,
  keys,
  ranges,
  replayRecords,
  type ArchiveRecord,
  type Home,
  type ReplayRecord,
} from "./records.ts";
import type { Router } from "./router.ts";
import { keyAfter } from "#storage/keys.ts";

const dayMs = 86_400_000;

interface Due {
  readonly dueMs: number;
  readonly name: readonly string[];
  readonly nowMs: number;
}

export function sweepName({ accountId, region }: Home, archive: string): readonly string[] {
  return ["sweep", accountId, region, archive];
}

export function replayName({ accountId, region }: Home, replay: string): readonly string[] {
  return ["replay", accountId, region, replay];
}

/** Before this an archive keeps nothing; for ever: zero. */
function keptFromMs(archive: ArchiveRecord, nowMs: number): number {
  return archive.retentionDays === 0 ? 0 : Math.max(0, nowMs - archive.retentionDays * dayMs);
}

/** Lets go of what is older than the archive keeps, some at a time. */
export function sweepArchive(tx: Transaction, dueTimes: DueTimes, due: Due): void {
  const [, accountId = "", region = "", name = ""] = due.name;
  const home = { accountId, region };
  const archive = archiveRecords.read(tx, home, name);
  if (!archive) return;
  const end = keys.archived(home, name, { ms: keptFromMs(archive, due.nowMs), id: "" });
  const range = { start: ranges.archived(home, name).start, end };
  const expired = [...tx.list(range, { limit: expiredBatchMax })].map(({ key }) =>
    Uint8Array.from(key),
  );
  for (const key of expired) tx.delete(key);
  const isMore = expired.length === expiredBatchMax;
  dueTimes.add(tx, { dueMs: due.nowMs + (isMore ? 1 : archiveSweepMs), name: due.name });
}

/** How much an archive holds. */
export function measureArchive(
  reader: Reader,
  home: Home,
  { archive, nowMs }: { readonly archive: ArchiveRecord; readonly nowMs: number },
): { readonly EventCount: number; readonly SizeBytes: number } {
  const start = keys.archived(home, archive.name, { ms: keptFromMs(archive, nowMs), id: "" });
  let [EventCount, SizeBytes] = [0, 0];
  for (const { value } of reader.list({ start, end: ranges.archived(home, archive.name).end })) {
    EventCount++;
    SizeBytes += value.byteLength;
  }
  return { EventCount, SizeBytes };
}

/** Sends the next events of a replay, in the order of their times, and comes back for more. */
export function continueReplay(
  { router, dueTimes }: { readonly router: Router; readonly dueTimes: DueTimes },
  tx: Transaction,
  due: Due,
): void {
  const [, accountId = "", region = "", name = ""] = due.name;
  const home = { accountId, region };
  const replay = replayRecords.read(tx, home, name);
  if (!replay) return;
  const finish = (state: ReplayRecord["state"]): void =>
    replayRecords.save(tx, home, { ...replay, state, endedMs: due.nowMs });
  const archive = archiveRecords.read(tx, home, replay.archive);
  if (replay.state === "CANCELLING") return finish("CANCELLED");
  if (!archive) return finish("FAILED");
  const found = nextEvents(tx, home, { replay, archive, nowMs: due.nowMs });
  for (const { event } of found)
    router.replay(tx, { ...home, bus: replay.bus }, event, replay.ruleArns);
  const last = found.at(-1);
  const moved = { ...replay, ...(last && { lastReplayedMs: last.ms, lastEventId: last.id }) };
  const isOver = found.length < replayBatchMax;
  replayRecords.save(tx, home, {
    ...moved,
    state: isOver ? "COMPLETED" : "RUNNING",
    ...(isOver && { endedMs: due.nowMs }),
  });
  if (!isOver) dueTimes.add(tx, { dueMs: due.nowMs, name: due.name });
}

interface Found {
  readonly ms: number;
  readonly id: string;
  readonly event: BusEvent;
}

function nextEvents(
  reader: Reader,
  home: Home,
  from: { readonly replay: ReplayRecord; readonly archive: ArchiveRecord; readonly nowMs: number },
): readonly Found[] {
  const { replay, archive, nowMs } = from;
  const { lastReplayedMs, lastEventId } = replay;
  const firstMs = Math.max(replay.fromMs, keptFromMs(archive, nowMs));
  const start =
    lastReplayedMs === undefined || lastEventId === undefined
      ? keys.archived(home, archive.name, { ms: firstMs, id: "" })
      : keyAfter(keys.archived(home, archive.name, { ms: lastReplayedMs, id: lastEventId }));
  const end = keys.archived(home, archive.name, { ms: replay.toMs, id: "" });
  const found: Found[] = [];
  for (const { key, value } of reader.list({ start, end }, { limit: replayBatchMax })) {
    const [, , , , , ms, id] = keyParts(key);
    const stored = archivedCodec.decode(value);
    const event = readEventText(stored.event, stored.trace);
    if (event) found.push({ ms: Number(ms), id: String(id), event: marked(event, replay.name) });
  }
  return found;
}

/** Replayed events say so: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-replay-archived-event.html */
function marked(event: BusEvent, replay: string): BusEvent {
  const value = { ...event.value, "replay-name": replay };
  return { ...event, value, text: JSON.stringify(value) };
}
