import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { assert } from "#base/assert.ts";
import type { Clock } from "#base/clock.ts";
import type { Logger } from "#base/context.ts";
import { ignore } from "#base/ignore.ts";
import type { Random } from "#base/random.ts";
import type { BlobStore } from "#storage/storage.ts";
import { archiveLimits, type ArchiveLimits } from "./archive.ts";
import { type Caches, createCaches } from "./caches.ts";
import { cacheBytesMaxDefault } from "./limits.ts";
import { createTrees } from "./trees.ts";
import { createTrimmer } from "./trim.ts";
import { checkArchive, overlayTree, unpackArchive } from "./unpack.ts";

/**
 * Code packages: zip archives in the blob store, and the read-only trees they become on disk. A tree
 * is unpacked once per content hash and shared by every sandbox and every process on this machine.
 */
export interface Packages {
  /**
   * Reads the whole archive and keeps nothing. Errors: `package.invalid` and `package.too-large` with
   * the service's message; the cause says what was wrong.
   */
  validate(zip: Uint8Array): Promise<PackageSummary>;
  /** The same for what is already in the blob store, without loading it into memory. */
  validateBlob(codeSha256: string): Promise<PackageSummary>;
  /**
   * Absolute path of the unpacked tree. Calls for one hash share the work, also with other processes.
   * Errors: `blob.missing`, `package.invalid`, `package.too-large`. Hold it before using it for long.
   */
  unpack(codeSha256: string): Promise<string>;
  /** Tree of several packages laid over each other, later ones on top: what `/opt` shows. */
  mergeLayers(codeSha256s: readonly string[]): Promise<string>;
  /** Keeps a tree from being trimmed, by this process or another, until disposed. */
  hold(path: string): Promise<AsyncDisposable>;
  /**
   * Removes unheld trees, least recently used first, until the rest fits the setting; happens by
   * itself after each unpacking. What was used in the last ten minutes stays.
   */
  trim(): Promise<void>;
  /** What functions made of their code; removed with the package. */
  readonly caches: Caches;
}

export interface PackageSummary {
  /** Inflated bytes of all entries. */
  readonly byteCount: number;
  readonly entryCount: number;
}

export interface PackagesDeps {
  readonly blobs: BlobStore;
  /** Directory of its own; on the file system from which sandboxes are linked. */
  readonly workDir: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly settings?: {
    readonly cacheBytesMax?: number;
    /** An operator may raise what AWS limits. */
    readonly archive?: Partial<ArchiveLimits>;
  };
}

/**
 * Trees live in a directory named after this boot of the machine: a killed process loses nothing it
 * wrote, a power failure may, and then every tree is made again from its durable blob. That is why
 * unpacking 10,000 files needs no fsync. A finished tree appears by one rename.
 */
export async function createPackages(deps: PackagesDeps): Promise<Packages> {
  const { blobs, log } = deps;
  const limits = { ...archiveLimits, ...deps.settings?.archive };
  const root = join(deps.workDir, await bootId());
  const building = join(root, "building");
  await mkdir(building, { recursive: true, mode: 0o755 });
  await removeOtherBoots(deps.workDir, root);
  const trimmer = createTrimmer({
    root,
    building,
    bytesMax: deps.settings?.cacheBytesMax ?? cacheBytesMaxDefault,
    random: deps.random,
    log,
  });
  await trimmer.removeLeftovers();
  let trimming: Promise<void> | undefined;
  const trim = (): Promise<void> => {
    trimming ??= trimmer.trim(deps.clock.nowMs()).finally(() => (trimming = undefined));
    return trimming;
  };
  const { once } = createTrees({
    root,
    building,
    clock: deps.clock,
    random: deps.random,
    made(name, tookMs) {
      log.event("package.unpacked", { name, tookMs });
      ignore(trim(), "a tree that cannot be removed now is tried again after the next one");
    },
  });
  const unpack = (sha256: string): Promise<string> => {
    assert(/^[0-9a-f]{64}$/.test(sha256), "a code hash is 64 lower-case hexadecimal digits");
    return once(`code-${sha256}`, async (into) => {
      await assureBlob(blobs, sha256);
      await unpackArchive(blobs.path(sha256), into, limits);
    });
  };
  return {
    validate: (zip) => checkArchive(zip, limits),
    async validateBlob(sha256) {
      await assureBlob(blobs, sha256);
      return checkArchive(blobs.path(sha256), limits);
    },
    unpack,
    mergeLayers: (sha256s) =>
      once(`layers-${hashOf(sha256s)}`, async (into) => {
        for (const sha256 of sha256s) {
          await using _held = await trimmer.hold(`code-${sha256}`);
          await overlayTree(await unpack(sha256), into);
        }
      }),
    hold: (path) => trimmer.hold(path.slice(root.length + 1)),
    trim,
    caches: createCaches({ root, building, random: deps.random }),
  };
}

/** A missing file would otherwise surface as a plain file error from the archive reader. */
async function assureBlob(blobs: BlobStore, sha256: string): Promise<void> {
  for await (const _ of blobs.stream(sha256, { start: 0, end: 1 })) return;
}

function hashOf(sha256s: readonly string[]): string {
  return createHash("sha256").update(sha256s.join("\n")).digest("hex");
}

async function bootId(): Promise<string> {
  const text = await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "no-boot-id");
  return text.trim();
}

async function removeOtherBoots(workDir: string, root: string): Promise<void> {
  // Only what this module makes is touched: its directories carry a marker.
  await writeFile(join(root, "packages.marker"), "", { flag: "a" });
  for (const name of await readdir(workDir)) {
    const path = join(workDir, name);
    if (path === root) continue;
    const isOurs = await readFile(join(path, "packages.marker")).then(always(true), always(false));
    if (isOurs) await rm(path, { recursive: true, force: true });
  }
}

function always<T>(value: T): () => T {
  return () => value;
}
