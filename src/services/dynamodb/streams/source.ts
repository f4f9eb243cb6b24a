import { PlatformError } from "#base/errors.ts";
import type { EventSource, StreamSource } from "#events/events.ts";
import type { KeyRange, Reader } from "#storage/storage.ts";
import { keyAfter } from "#storage/keys.ts";
import { readStreamHead, streamKeys, type Shard, type StreamPlace } from "../stream-records.ts";
import type { StreamsDeps } from "./deps.ts";
import { placeOfStream, shardId } from "./names.ts";
import {
  endOfShard,
  findShard,
  firstRetained,
  firstSince,
  readRecords,
  readStream,
  type StreamState,
} from "./reading.ts";
import { sourceRecordOf } from "./record-views.ts";

type ReadOptions = Parameters<StreamSource["read"]>[0];

/** Streams as sources of events. For `SourceRegistry.register("dynamodb", …)`. */
export function createStreamSources(deps: StreamsDeps): (arn: string) => EventSource | undefined {
  return (arn) => {
    const place = placeOfStream(arn);
    return place && streamSource(deps, place, arn);
  };
}

function streamSource(deps: StreamsDeps, place: StreamPlace, arn: string): StreamSource {
  const { store, clock } = deps;
  const stateOf = (reader: Reader): StreamState => {
    const state = readStream(reader, place);
    if (state) return state;
    throw new PlatformError("target.unknown", `there is no stream ${arn}`);
  };
  const shardOf = (state: StreamState, id: string): Shard => {
    const shard = findShard(state.head, id);
    if (shard) return shard;
    throw new PlatformError("target.unknown", `there is no shard ${id} in ${arn}`);
  };

  /** What is there now. A trimmed position goes on at the oldest record that is kept. */
  const readNow = (options: ReadOptions) =>
    store.read((reader) => {
      const state = stateOf(reader);
      const shard = shardOf(state, options.shardId);
      const oldest = firstRetained(reader, state, clock.nowMs());
      const position = Math.max(Number(options.position), Math.min(oldest, state.head.next));
      const page = readRecords(reader, state, { ...options, shard, position });
      const isOver = shard.last !== undefined && page.next >= endOfShard(shard, state.head);
      return {
        records: page.records.map((record) => sourceRecordOf(state.stream, record)),
        next: isOver ? undefined : String(page.next),
        streamId: state.stream.streamId,
      };
    });

  return {
    kind: "stream",
    arn,
    shards: () => store.read((reader) => describedShards(stateOf(reader).head.shards)),
    locate: (id, start) =>
      store.read((reader) => {
        const state = stateOf(reader);
        const shard = shardOf(state, id);
        if (start === "LATEST") return String(endOfShard(shard, state.head));
        const oldest = Math.max(shard.first, firstRetained(reader, state, clock.nowMs()));
        if (start === "TRIM_HORIZON") return String(oldest);
        const since = firstSince(reader, state, { shard, atMs: start.atMs });
        return String(Math.max(oldest, since));
      }),
    async read(options) {
      const { signal, waitMs } = options;
      const { streamId, ...first } = await readNow(options);
      if (first.records.length > 0 || first.next === undefined || waitMs === 0) return first;
      const over = new AbortController();
      using _timer = Number.isFinite(waitMs) ? clock.timer(waitMs, () => over.abort()) : undefined;
      const changes = only(streamKeys.head(streamId));
      for await (const _ of store.watch(changes, AbortSignal.any([signal, over.signal]))) {
        const isWorthIt = await store.read((reader) =>
          isWorthReading(reader, streamId, Number(first.next)),
        );
        if (!isWorthIt) continue;
        const { streamId: _same, ...page } = await readNow(options);
        if (page.records.length > 0 || page.next === undefined) return page;
      }
      signal.throwIfAborted();
      return first;
    },
  };
}

function describedShards(shards: readonly Shard[]) {
  return shards.map((shard, at) => {
    const parent = shards[at - 1];
    return {
      id: shardId(shard),
      parentId: parent && shardId(parent),
      isClosed: shard.last !== undefined,
    };
  });
}

/** A store of several processes wakes whoever waits with every commit of another one. */
function isWorthReading(reader: Reader, streamId: string, position: number): boolean {
  const head = readStreamHead(reader, streamId);
  return !head || head.next > position || head.shards.at(-1)?.last !== undefined;
}

function only(key: Uint8Array): KeyRange {
  return { start: key, end: keyAfter(key) };
}
