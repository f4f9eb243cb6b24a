import { mkdir } from "node:fs/promises";
import path from "node:path";
import { open, type RootDatabase } from "lmdb";
import { syncDirectory } from "../../blobs/files.ts";
import { readersMax } from "../../limits.ts";

/** The LMDB environment of a store: one directory with `data.mdb` and `lock.mdb`. */
export type Environment = RootDatabase<Uint8Array, Uint8Array>;

export interface EnvironmentStatus {
  /** Identifies the newest commit of any process. */
  readonly lastTransactionId: number;
  /** Bytes of pages that hold entries or structure. */
  readonly usedBytes: number;
  /** Bytes of the file that are free for reuse. */
  readonly reusableBytes: number;
}

/**
 * Durability, from lmdb-js 3.5.6 (README, "Overlapping Sync Options"; dependencies/lmdb, mdb.c,
 * mdb_txn_commit): without `noSync` every commit writes its pages, calls fdatasync, and only then
 * writes the meta page through a descriptor opened with O_DSYNC. `overlappingSync`, on by default,
 * moves the flush behind the commit: readers see, and may answer with, what a power cut still takes
 * away, and `flushed` has to be awaited separately. It is off here, so that visible means durable and
 * the promise of a write resolves after the flush. Flushes are shared by batching instead.
 *
 * `mapSize` is address space, not disk. The library grows a map that is too small by mapping it
 * again and keeping the old one, which other processes notice late; twice the limit avoids that.
 */
export async function openEnvironment(directory: string, bytesMax: number): Promise<Environment> {
  await mkdir(directory, { recursive: true });
  const environment = open<Uint8Array, Uint8Array>({
    path: directory,
    noSubdir: false,
    keyEncoding: "binary",
    encoding: "binary",
    overlappingSync: false,
    mapSize: roundUp(2 * bytesMax + 256 * 1024 * 1024, 1024 * 1024),
    maxReaders: readersMax,
  });
  await syncDirectory(directory);
  await syncDirectory(path.dirname(path.resolve(directory)));
  return environment;
}

export function environmentStatus(environment: Environment): EnvironmentStatus {
  const tables = environment.getStats() as Statistics; // typed `{}` by the library; its README names no fields
  const pages = pageCount(tables) + pageCount(tables.free) + 2; // and two meta pages
  const { pageSize, lastPageNumber, lastTxnId } = tables;
  return {
    lastTransactionId: lastTxnId,
    usedBytes: pages * pageSize,
    reusableBytes: Math.max(0, lastPageNumber + 1 - pages) * pageSize,
  };
}

interface PageCounts {
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
}

interface Statistics extends PageCounts {
  readonly pageSize: number;
  readonly lastPageNumber: number;
  readonly lastTxnId: number;
  readonly free: PageCounts;
}

function pageCount(table: PageCounts): number {
  return table.treeBranchPageCount + table.treeLeafPageCount + table.overflowPages;
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
