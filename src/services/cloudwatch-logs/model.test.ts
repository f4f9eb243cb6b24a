import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import type { StartLiveTailResponseStream } from "@aws-sdk/client-cloudwatch-logs";
import { createSeededRandom, systemRandom } from "#base/random.ts";
import { openLmdbStore } from "#storage/drivers/lmdb/lmdb.ts";
import { createMemoryStore } from "#storage/drivers/memory/memory.ts";
import type { Store } from "#storage/storage.ts";
import { tailUpdateMs } from "./limits.ts";
import { LogModel, type ModelEvent } from "./testing/model.ts";
import { accountId, region, setUp } from "./testing/set-up.ts";

const dayMs = 86_400_000;
const logGroupName = "g";
const streamNames = ["a", "b", "c"];
const group = { accountId, region, name: logGroupName };

const someSeed = Math.floor(systemRandom.fraction() * 2 ** 31);

for (const seed of [1, 2, 3, someSeed]) {
  test(`events are those of a plain list, whatever is read when, seed ${seed}`, async () => {
    await play(createMemoryStore(), { seed, steps: 250 });
  });
}

test(`so they are on disk, seed ${someSeed + 1}`, async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), "skerry-logs-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  await using store = await openLmdbStore({ path: directory, bytesMax: 2 ** 30 });
  await play(store, { seed: someSeed + 1, steps: 150 });
});

async function play(
  store: Store,
  { seed, steps }: { readonly seed: number; readonly steps: number },
): Promise<void> {
  const player = new Player(store, seed);
  await player.start();
  for (let step = 0; step < steps; step++) {
    try {
      await player.step();
    } catch (error) {
      throw new Error(`step ${step} of seed ${seed}`, { cause: error });
    }
  }
  await player.end();
}

type Service = ReturnType<typeof setUp>;

class Player {
  readonly #service: Service;
  readonly #model = new LogModel();
  readonly #fraction: () => number;
  readonly #seen = new Map<string, number>();
  #tail: AsyncIterator<StartLiveTailResponseStream> | undefined;

  constructor(store: Store, seed: number) {
    this.#service = setUp(store);
    const random = createSeededRandom(seed);
    this.#fraction = () => random.fraction();
  }

  async start(): Promise<void> {
    const { call } = this.#service;
    await call("CreateLogGroup", { logGroupName });
    for (const logStreamName of streamNames) {
      await call("CreateLogStream", { logGroupName, logStreamName });
      this.#model.put(logStreamName, [], 0);
    }
    const { responseStream } = await call("StartLiveTail", { logGroupIdentifiers: [logGroupName] });
    assert.ok(responseStream);
    const tail = responseStream[Symbol.asyncIterator]();
    await tail.next();
    this.#tail = tail;
    for (const name of streamNames) this.#seen.set(name, 0);
  }

  async end(): Promise<void> {
    await this.#follow();
    this.#service.gone.abort();
    await this.#tail?.next();
    await this.#service.logs[Symbol.asyncDispose]();
  }

  async step(): Promise<void> {
    const dice = this.#below(100);
    if (dice < 25) await this.#put();
    else if (dice < 40) this.#print();
    else if (dice < 45) await this.#flush();
    else if (dice < 50) await this.#sweep();
    else if (dice < 53) this.#service.clock.jumpWall(this.#below(dayMs));
    else if (dice < 56) await this.#retain();
    else if (dice < 57) await this.#replaceStream();
    else if (dice < 62) await this.#follow();
    else if (dice < 70) await this.#describe();
    else if (dice < 85) await this.#get();
    else await this.#filter();
  }

  #below(bound: number): number {
    return Math.floor(this.#fraction() * bound);
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#below(items.length)] as T; // never empty
  }

  get #nowMs(): number {
    return this.#service.clock.nowMs();
  }

  #messages(): string[] {
    const count = this.#pick([1, 1, 2, 5, 40, 40, 400]);
    const word = (): string => this.#below(2 ** 31).toString(36);
    return Array.from({ length: count }, () => {
      const kind = this.#below(count > 40 ? 20 : 60);
      if (kind === 0) return "é✓😀".repeat(1 + this.#below(3)) + word();
      if (kind === 1) return `\ude00 half ${word()} \ud83d`; // halves of a pair at both ends
      if (kind === 58) return Array.from({ length: 600 }, word).join(" ");
      if (kind === 59) return Array.from({ length: 20_000 }, word).join(" ");
      return `${this.#pick(["INFO", "ERROR"])} ${word()} ${"x".repeat(this.#below(200))}`;
    });
  }

  #lines(newestMs: number, spanMs: number): { readonly ms: number; readonly message: string }[] {
    return this.#messages().map((message) => ({ ms: newestMs - this.#below(spanMs + 1), message }));
  }

  async #put(): Promise<void> {
    const spanMs = this.#pick([0, 5, 5, 1_000, 60_000, 3 * 3_600_000, dayMs]);
    const agoMs = this.#pick([0, 0, 0, this.#below(1_000), this.#below(3 * dayMs)]);
    const lines = this.#lines(this.#nowMs - agoMs, spanMs).toSorted((a, b) => a.ms - b.ms);
    const logStreamName = this.#pick(streamNames);
    const logEvents = lines.map(({ ms, message }) => ({ timestamp: ms, message }));
    const answer = await this.#service.call("PutLogEvents", {
      logGroupName,
      logStreamName,
      logEvents,
    });
    const { retentionMs } = this.#model;
    const isKept = ({ ms }: { readonly ms: number }): boolean =>
      retentionMs === undefined || ms >= this.#nowMs - retentionMs;
    const expired = lines.findLastIndex((line) => !isKept(line)) + 1;
    assert.equal(answer.rejectedLogEventsInfo?.expiredLogEventEndIndex ?? 0, expired);
    this.#model.put(logStreamName, lines.slice(expired), this.#nowMs);
  }

  /** What a function prints; its clock may jump. */
  #print(): void {
    const streamName = this.#pick(streamNames);
    const lines = this.#lines(this.#nowMs, this.#pick([0, 0, 3, 100_000]));
    if (this.#below(2) === 0) lines.sort((a, b) => a.ms - b.ms);
    const writer = this.#service.sink.open(group, streamName);
    for (const { ms, message } of lines) writer.write(ms, message);
    this.#model.wait(streamName, lines);
  }

  async #flush(): Promise<void> {
    await this.#service.flush();
    this.#model.flush(this.#nowMs);
  }

  async #sweep(): Promise<void> {
    await this.#service.sweep();
    this.#model.sweep(this.#nowMs);
  }

  async #retain(): Promise<void> {
    const { call } = this.#service;
    if (this.#below(2) === 0) {
      await call("DeleteRetentionPolicy", { logGroupName });
      this.#model.retentionMs = undefined;
      return;
    }
    const retentionInDays = this.#pick([1, 3]);
    await call("PutRetentionPolicy", { logGroupName, retentionInDays });
    this.#model.retentionMs = retentionInDays * dayMs;
  }

  async #replaceStream(): Promise<void> {
    await this.#follow();
    const logStreamName = this.#pick(streamNames);
    await this.#service.call("DeleteLogStream", { logGroupName, logStreamName });
    await this.#service.call("CreateLogStream", { logGroupName, logStreamName });
    this.#model.deleteStream(logStreamName);
    this.#model.put(logStreamName, [], 0);
    this.#seen.set(logStreamName, 0);
  }

  /** A second of Live Tail: everything stored since the last one, in order of time. */
  async #follow(): Promise<void> {
    await this.#flush();
    const pending = this.#tail?.next();
    await new Promise((resolve) => setImmediate(resolve));
    await this.#service.clock.advance(tailUpdateMs);
    const update = (await pending)?.value as StartLiveTailResponseStream | undefined; // it does not return one
    const got = update?.sessionUpdate?.sessionResults ?? [];
    const fresh = streamNames.flatMap((name) => {
      const from = this.#seen.get(name) ?? 0;
      this.#seen.set(name, this.#model.next(name));
      return this.#model.everything(name).filter(({ sequence }) => sequence >= from);
    });
    const times = got.map(({ timestamp = 0 }) => timestamp);
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
    const isSampled = update?.sessionUpdate?.sessionMetadata?.sampled === true;
    const expected = fresh.map(({ message }) => message).toSorted();
    const messages = got.map(({ message = "" }) => message).toSorted();
    if (!isSampled) assert.deepEqual(messages, expected);
    else assert.ok(expected.length > messages.length && messages.length > 0);
  }

  async #describe(): Promise<void> {
    const { logStreams = [] } = await this.#service.call("DescribeLogStreams", { logGroupName });
    this.#model.flush(this.#nowMs);
    for (const stream of logStreams) {
      const { first, last } = this.#model.describe(stream.logStreamName ?? "");
      assert.equal(stream.firstEventTimestamp, first);
      assert.equal(stream.lastEventTimestamp, last);
    }
    const { logGroups } = await this.#service.call("DescribeLogGroups", {});
    assert.equal(logGroups?.[0]?.storedBytes, this.#model.storedBytes);
  }

  /** Pages in one direction, with something stored or swept between them now and then. */
  async #get(): Promise<void> {
    const streamName = this.#pick(streamNames);
    const isForward = this.#below(2) === 0;
    const limit = this.#pick([1, 7, 100, 10_000]);
    const window = this.#window();
    const input = { logGroupName, logStreamName: streamName, limit, ...window };
    let nextToken: string | undefined;
    let edge: ModelEvent | undefined;
    for (let pages = 0; pages < 6; pages++) {
      const start = nextToken === undefined ? { startFromHead: isForward } : { nextToken };
      const page = await this.#service.call("GetLogEvents", { ...input, ...start });
      this.#model.flush(this.#nowMs);
      const inWindow = this.#model
        .events(streamName, this.#nowMs)
        .filter(({ ms }) => ms >= (window.startTime ?? 0) && ms < (window.endTime ?? Infinity));
      const left = inWindow.filter(
        (event) => !edge || (isForward ? compare(event, edge) > 0 : compare(event, edge) < 0),
      );
      const events = page.events ?? [];
      const expected = isForward
        ? left.slice(0, events.length)
        : left.slice(Math.max(0, left.length - events.length));
      assert.deepEqual(
        events,
        expected.map(({ ms, message, ingestedAtMs }) => ({
          timestamp: ms,
          message,
          ingestionTime: ingestedAtMs,
        })),
      );
      assert.ok(isFullPage(events, { limit, leftCount: left.length }), "no page ends early");
      const token = isForward ? page.nextForwardToken : page.nextBackwardToken;
      if (events.length === 0 && nextToken !== undefined) assert.equal(token, nextToken);
      if (events.length === 0) return;
      nextToken = token;
      edge = isForward ? expected.at(-1) : expected[0];
      await this.#interrupt();
    }
  }

  #window(): { readonly startTime?: number; readonly endTime?: number } {
    const moment = (): number =>
      this.#nowMs - this.#below(this.#pick([3, 2_000, 100_000, dayMs, 4 * dayMs]));
    return {
      ...(this.#below(2) === 0 && { startTime: moment() }),
      ...(this.#below(2) === 0 && { endTime: moment() }),
    };
  }

  async #interrupt(): Promise<void> {
    const dice = this.#below(12);
    if (dice === 0) await this.#put();
    if (dice === 1) this.#print();
    if (dice === 2) await this.#sweep();
  }

  async #filter(): Promise<void> {
    const limit = this.#pick([3, 50, 10_000]);
    const names = this.#below(2) === 0 ? streamNames : [this.#pick(streamNames)];
    const filterPattern = this.#pick(["", "", "ERROR", "-INFO"]);
    const window = this.#window();
    const input = { logGroupName, logStreamNames: names, limit, filterPattern, ...window };
    let nextToken: string | undefined;
    let edge: ModelEvent | undefined;
    for (let pages = 0; pages < 6; pages++) {
      const page = await this.#service.call("FilterLogEvents", {
        ...input,
        ...(nextToken !== undefined && { nextToken }),
      });
      this.#model.flush(this.#nowMs);
      const left = this.#model
        .merged(names, this.#nowMs)
        .filter(({ ms }) => ms >= (window.startTime ?? 0) && ms <= (window.endTime ?? Infinity))
        .filter((event) => !edge || compareMerged(event, edge) > 0)
        .filter(({ message }) => isMatch(filterPattern, message));
      const events = page.events ?? [];
      const expected = left.slice(0, events.length);
      assert.deepEqual(
        events.map((event) => ({ ...event, eventId: undefined })),
        expected.map(({ streamName, ms, message, ingestedAtMs }) => ({
          logStreamName: streamName,
          timestamp: ms,
          message,
          ingestionTime: ingestedAtMs,
          eventId: undefined,
        })),
      );
      assert.equal(new Set(events.map(({ eventId }) => eventId)).size, events.length);
      if (page.nextToken === undefined) assert.equal(left.length, events.length);
      if (page.nextToken === undefined || events.length === 0) return;
      nextToken = page.nextToken;
      edge = expected.at(-1);
      // With a pattern the next page starts behind the last event looked at, which may be a later one.
      if (filterPattern === "") await this.#interrupt();
    }
  }
}

function compare(a: ModelEvent, b: ModelEvent): number {
  return a.ms - b.ms || a.sequence - b.sequence;
}

function compareMerged(a: ModelEvent, b: ModelEvent): number {
  if (a.ms !== b.ms) return a.ms - b.ms;
  if (a.streamName === b.streamName) return a.sequence - b.sequence;
  return a.streamName < b.streamName ? -1 : 1;
}

function isMatch(filterPattern: string, message: string): boolean {
  if (filterPattern === "ERROR") return message.includes("ERROR");
  return filterPattern === "" || !message.includes("INFO");
}

/** A page ends at its limit, at the end of the events, or because it is a mebibyte. */
function isFullPage(
  events: readonly { readonly message?: string | undefined }[],
  page: { readonly limit: number; readonly leftCount: number },
): boolean {
  const bytes = events.reduce((sum, { message = "" }) => sum + Buffer.byteLength(message), 0);
  return events.length === Math.min(page.limit, page.leftCount) || bytes > 500_000;
}
