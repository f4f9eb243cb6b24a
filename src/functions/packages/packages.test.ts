import assert from "node:assert/strict";
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { test } from "node:test";
import { systemClock } from "#base/clock.ts";
import { systemRandom } from "#base/random.ts";
import { openBlobStore } from "#storage/blobs/blobs.ts";
import type { BlobStore } from "#storage/storage.ts";
import { createPackages, type Packages, type PackagesDeps } from "./packages.ts";
import { writeZip, type ZipEntry } from "./testing/zip.ts";

interface Place extends AsyncDisposable {
  readonly blobs: BlobStore;
  readonly events: string[];
  open(settings?: PackagesDeps["settings"]): Promise<Packages>;
  put(...entries: readonly ZipEntry[]): Promise<string>;
}

async function createPlace(): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), "skerry-packages-"));
  const blobs = await openBlobStore({ directory: join(directory, "blobs"), random: systemRandom });
  const events: string[] = [];
  const log = { event: (name: string) => void events.push(name) };
  const workDir = join(directory, "work");
  await mkdir(workDir);
  return {
    blobs,
    events,
    open: (settings) =>
      createPackages({
        blobs,
        workDir,
        clock: systemClock,
        random: systemRandom,
        log,
        ...(settings && { settings }),
      }),
    put: async (...entries) => (await blobs.put(writeZip(entries))).sha256,
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

test("a package is unpacked once, however many ask at once and again later", async () => {
  await using place = await createPlace();
  const packages = await place.open();
  const sha256 = await place.put({ name: "index.js", content: "1" });
  const paths = await Promise.all(Array.from({ length: 10 }, () => packages.unpack(sha256)));
  assert.equal(new Set([...paths, await packages.unpack(sha256)]).size, 1);
  assert.equal(place.events.filter((name) => name === "package.unpacked").length, 1);
  assert.equal(await readFile(join(paths[0] ?? "", "index.js"), "utf8"), "1");
});

test("several processes share the trees; whoever loses the race uses the winner's", async () => {
  await using place = await createPlace();
  const all = await Promise.all([place.open(), place.open(), place.open()]);
  const sha256 = await place.put(
    ...Array.from({ length: 50 }, (_, n) => ({ name: `d/${n}`, content: "x".repeat(n) })),
  );
  const paths = await Promise.all(all.map((packages) => packages.unpack(sha256)));
  assert.equal(new Set(paths).size, 1);
  assert.equal((await readdir(join(paths[0] ?? "", "d"))).length, 50);
  assert.deepEqual(await readdir(join(dirname(paths[0] ?? ""), "building")), []);
});

test("a refused package leaves nothing; a missing blob says so", async () => {
  await using place = await createPlace();
  const packages = await place.open();
  const bad = await place.put({ name: "ok", content: "1" }, { name: "../evil", content: "1" });
  await assert.rejects(packages.unpack(bad), { code: "package.invalid" });
  await assert.rejects(packages.validateBlob(bad), { code: "package.invalid" });
  await assert.rejects(packages.unpack("0".repeat(64)), { code: "blob.missing" });
  const good = await packages.unpack(await place.put({ name: "f", content: "1" }));
  const entries = await readdir(dirname(good));
  assert.deepEqual(
    entries.filter((name) => name.startsWith("code-")),
    [basename(good)],
  );
  assert.deepEqual(await readdir(join(dirname(good), "building")), []);
});

test("what a package holds is told without unpacking it", async () => {
  await using place = await createPlace();
  const packages = await place.open({ archive: { bytesMax: 1_000 } });
  const zip = writeZip([{ name: "a", content: "x".repeat(600) }, { name: "b/" }]);
  assert.deepEqual(await packages.validate(zip), { byteCount: 600, entryCount: 2 });
  await assert.rejects(packages.validate(writeZip([{ name: "a", content: "x".repeat(1_001) }])), {
    code: "package.too-large",
    message: "Unzipped size must be smaller than 1000 bytes",
  });
});

test("layers lie over each other: later files win, directories unite, links are never followed", async () => {
  await using place = await createPlace();
  const packages = await place.open();
  const link = 0o120_777;
  const one = await place.put(
    { name: "lib/a", content: "1" },
    { name: "lib/b", content: "1" },
    { name: "swap", content: "elsewhere", mode: link },
    { name: "folder/inside", content: "1" },
    { name: "file", content: "1" },
  );
  const two = await place.put(
    { name: "lib/b", content: "2" },
    { name: "lib/c", content: "2" },
    { name: "swap/deep", content: "2" },
    { name: "folder", content: "lib", mode: link },
    { name: "file/now-folder", content: "2" },
  );
  const merged = await packages.mergeLayers([one, two]);
  const read = (path: string): Promise<string> => readFile(join(merged, path), "utf8");
  assert.deepEqual(
    await Promise.all(["lib/a", "lib/b", "lib/c", "swap/deep", "file/now-folder"].map(read)),
    ["1", "2", "2", "2", "2"],
  );
  assert.equal(await readlink(join(merged, "folder")), "lib");
  assert.equal(await packages.mergeLayers([one, two]), merged);
  assert.notEqual(await packages.mergeLayers([two, one]), merged);
  const original = await stat(join(await packages.unpack(one), "lib/a"));
  assert.equal((await stat(join(merged, "lib/a"))).ino, original.ino, "hard links, not copies");
  assert.equal(
    await readFile(join(await packages.unpack(one), "lib/b"), "utf8"),
    "1",
    "sources stay as they were",
  );
});

test("trees nobody uses go, the oldest first; held ones stay, whoever holds them", async () => {
  await using place = await createPlace();
  const roomy = await place.open();
  const shas = [];
  for (const name of ["a", "b", "c", "d"])
    shas.push(await place.put({ name, content: name.repeat(1_000) }));
  const trees: string[] = [];
  for (const [at, sha256] of shas.entries()) {
    const path = await roomy.unpack(sha256);
    await utimes(path, at, at);
    trees.push(path);
  }
  const other = await place.open();
  const packages = await place.open({ cacheBytesMax: 2_500 });
  const held = await other.hold(trees[0] ?? "");
  await packages.trim();
  const left = async (): Promise<string[]> =>
    (
      await Promise.all(
        trees.map((path) =>
          stat(path).then(
            () => path,
            () => "",
          ),
        ),
      )
    ).filter(Boolean);
  assert.deepEqual(await left(), [trees[0], trees[3]]);
  await held[Symbol.asyncDispose]();
  const again = await packages.unpack(shas[1] ?? "");
  assert.equal(await readFile(join(again, "b"), "utf8"), "b".repeat(1_000));
  await packages.trim();
  assert.equal((await left()).includes(trees[0] ?? ""), false);
});

test("leftovers of dead processes and of earlier boots are removed, nothing else", async () => {
  await using place = await createPlace();
  const packages = await place.open();
  const tree = await packages.unpack(await place.put({ name: "f", content: "1" }));
  const root = dirname(tree);
  const workDir = dirname(root);
  await mkdir(join(root, "building", "4194304-dead"));
  await mkdir(join(workDir, "earlier-boot"));
  await writeFile(join(workDir, "earlier-boot", "packages.marker"), "");
  await mkdir(join(workDir, "somebody-elses"));
  await symlink("/etc", join(workDir, "a-link"));
  await place.open();
  assert.deepEqual(
    (await readdir(workDir)).toSorted(),
    ["a-link", basename(root), "somebody-elses"].toSorted(),
  );
  assert.deepEqual(await readdir(join(root, "building")), []);
});
