import { backoffMs } from "#base/backoff.ts";
import { assert } from "#base/assert.ts";
import { PlatformError } from "#base/errors.ts";
import type { SourceShard, StreamSource } from "../events.ts";
import { batchDrainMs, shardSearchMs, sourceTroubleBackoff } from "../limits.ts";
import type { PollerDeps } from "./poller-deps.ts";
import { forgetPosition, type Position, readPositions, writePosition } from "./positions.ts";
import { readShard } from "./shard-reader.ts";
import type { Mapping, Poller } from "./sources.ts";
import type { StreamMapping } from "./stream-batch.ts";
import { readableShards } from "./stream-decisions.ts";

/** Reads the shards of a stream, parents before children. */
export function pollStream(deps: PollerDeps, mapping: Mapping<StreamSource>): Poller {
  const { stream } = mapping.settings;
  assert(stream, "a mapping of a stream has a stream's settings");
  return new StreamPoller(deps, { ...mapping, stream });
}

class StreamPoller implements Poller {
  readonly #deps: PollerDeps;
  readonly #mapping: StreamMapping;
  readonly #stop = new AbortController();
  readonly #abandon = new AbortController();
  readonly #reading = new Map<string, Promise<void>>();
  readonly #polling: Promise<void>;
  #changed = Promise.withResolvers<void>();

  constructor(deps: PollerDeps, mapping: StreamMapping) {
    this.#deps = deps;
    this.#mapping = mapping;
    this.#polling = this.#poll();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new PlatformError("server.stopping", "the mapping is not polled any more"));
    this.#changed.resolve();
    using _limit = this.#deps.clock.timer(batchDrainMs, () => this.#abandon.abort());
    const abandoned = Promise.withResolvers<void>();
    this.#abandon.signal.addEventListener("abort", () => abandoned.resolve(), { once: true });
    const ended = this.#polling.then(() => Promise.allSettled(this.#reading.values()));
    await Promise.race([ended, abandoned.promise]);
    this.#abandon.abort();
  }

  async #poll(): Promise<void> {
    const { clock, random, log } = this.#deps;
    const { signal } = this.#stop;
    for (let troubles = 0; !signal.aborted;) {
      try {
        this.#changed = Promise.withResolvers<void>();
        await this.#beginReadable();
        troubles = 0;
        // Nothing is open any more: only looking again shows a new shard.
        using _search =
          this.#reading.size === 0
            ? clock.timer(shardSearchMs, () => this.#changed.resolve())
            : undefined;
        await this.#changed.promise;
      } catch (error) {
        if (signal.aborted) return;
        log.event("source.failed", { level: "warn", source: this.#mapping.source.arn, error });
        const pauseMs =
          sourceTroubleBackoff.baseMs + backoffMs(troubles++, sourceTroubleBackoff, random);
        await clock.sleep(pauseMs, signal).catch(() => undefined);
      }
    }
  }

  async #beginReadable(): Promise<void> {
    const { store } = this.#deps;
    const { source, id } = this.#mapping;
    const shards = await source.shards();
    let positions = await readPositions(store, id);
    if (positions.size === 0) {
      await this.#locateAll(shards);
      positions = await readPositions(store, id);
    }
    await this.#forgetGone(shards, positions);
    const isDone = (shardId: string): boolean => {
      const position = positions.get(shardId);
      return position !== undefined && position.at === undefined;
    };
    for (const shard of readableShards(shards, isDone)) {
      if (this.#reading.has(shard.id) || this.#stop.signal.aborted) continue;
      const position = positions.get(shard.id);
      // One that has appeared since: none of its records has been seen.
      const at = position?.at ?? (await source.locate(shard.id, "TRIM_HORIZON"));
      this.#begin(shard.id, { ...position, at });
    }
  }

  /** At first: where each shard is begun is written down before anything is read, for the next process. */
  async #locateAll(shards: readonly SourceShard[]): Promise<void> {
    const { source, id, stream } = this.#mapping;
    const located = await Promise.all(
      shards.map(async (shard) => ({
        shardId: shard.id,
        at: await source.locate(shard.id, stream.start),
      })),
    );
    await this.#deps.store.write((tx) => {
      for (const { shardId, at } of located) writePosition(tx, { mappingId: id, shardId }, { at });
    });
  }

  async #forgetGone(
    shards: readonly SourceShard[],
    positions: ReadonlyMap<string, Position>,
  ): Promise<void> {
    const known = new Set(shards.map((shard) => shard.id));
    const gone = [...positions.keys()].filter(
      (shardId) => !known.has(shardId) && !this.#reading.has(shardId),
    );
    // The last one stays: without any position the mapping would count as new.
    if (gone.length === 0 || gone.length === positions.size) return;
    await this.#deps.store.write((tx) =>
      gone.forEach((shardId) => forgetPosition(tx, this.#mapping.id, shardId)),
    );
  }

  #begin(shardId: string, position: Position & { readonly at: string }): void {
    const signals = { stop: this.#stop.signal, abandon: this.#abandon.signal };
    const reading = readShard(this.#deps, { mapping: this.#mapping, shardId, position, signals })
      .catch((error: unknown) =>
        this.#deps.log.event("source.shard-failed", { level: "error", shardId, error }),
      )
      .finally(() => {
        this.#reading.delete(shardId);
        this.#changed.resolve();
      });
    this.#reading.set(
      shardId,
      reading.then(() => undefined),
    );
  }
}
