import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { systemClock } from "#base/clock.ts";
import { systemRandom } from "#base/random.ts";
import { openBlobStore } from "#storage/blobs/blobs.ts";
import { cachesPerPackageMax } from "./limits.ts";
import { createPackages, type Packages } from "./packages.ts";
import { writeZip } from "./testing/zip.ts";

interface Place extends AsyncDisposable {
  open(cacheBytesMax?: number): Promise<Packages>;
  put(content: string): Promise<string>;
}

async function createPlace(): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), "skerry-caches-"));
  const blobs = await openBlobStore({ directory: join(directory, "blobs"), random: systemRandom });
  const deps = { blobs, workDir: directory, clock: systemClock, random: systemRandom };
  const log = { event: () => undefined };
  return {
    open: (cacheBytesMax) =>
      createPackages({ ...deps, log, ...(cacheBytesMax && { settings: { cacheBytesMax } }) }),
    put: async (content) => (await blobs.put(writeZip([{ name: "a.js", content }]))).sha256,
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

const key = (number: number): string => number.toString(16).padStart(64, "0");
const files = (text: string): ReadonlyMap<string, Uint8Array> =>
  new Map([["v24-x/abc", Buffer.from(text)]]);

test("what is kept under a key is found under it, and under no other of code or key", async () => {
  await using place = await createPlace();
  const packages = await place.open();
  const { caches } = packages;
  const [one, two] = [await place.put("1"), await place.put("2")];
  await packages.unpack(one);
  assert.equal(caches.find(one, key(1)), undefined);
  await caches.keep(one, key(1), files("byte code"));
  const path = caches.find(one, key(1)) ?? "";
  assert.equal(await readFile(join(path, "v24-x/abc"), "utf8"), "byte code");
  assert.equal(caches.find(one, key(2)), undefined);
  assert.equal(caches.find(two, key(1)), undefined);
  await caches.keep(one, key(1), files("later"));
  assert.equal(await readFile(join(path, "v24-x/abc"), "utf8"), "byte code", "the first stays");
  await caches.drop(one, key(1));
  assert.equal(caches.find(one, key(1)), undefined);
  await caches.drop(one, key(1));
});

test("a path that leads out of a cache is refused, and nothing of that cache is kept", async () => {
  await using place = await createPlace();
  const packages = await place.open();
  const sha256 = await place.put("1");
  const root = dirname(await packages.unpack(sha256));
  for (const path of ["../x", "/x", "a/../../x", "", "a//b", "."]) {
    const escaping = new Map([
      ["v24/ok", Buffer.from("1")],
      [path, Buffer.from("2")],
    ]);
    await assert.rejects(packages.caches.keep(sha256, key(1), escaping), path);
    assert.equal(packages.caches.find(sha256, key(1)), undefined);
    assert.deepEqual(await readdir(join(root, "building")), []);
  }
});

test("of many caches of one package the newest stay", async () => {
  await using place = await createPlace();
  const packages = await place.open();
  const { caches } = packages;
  const sha256 = await place.put("1");
  await packages.unpack(sha256);
  for (let number = 0; number < cachesPerPackageMax + 3; number++) {
    await caches.keep(sha256, key(number), files("1"));
    const path = caches.find(sha256, key(number)) ?? "";
    await utimes(path, number, number);
  }
  const left = Array.from({ length: cachesPerPackageMax + 3 }, (_, number) => number).filter(
    (number) => caches.find(sha256, key(number)) !== undefined,
  );
  assert.equal(left.length, cachesPerPackageMax);
  assert.equal(left.at(-1), cachesPerPackageMax + 2);
});

test("caches count as bytes of their package and go with it", async () => {
  await using place = await createPlace();
  const [old, recent] = [await place.put("1"), await place.put("2")];
  const roomy = await place.open();
  const tree = await roomy.unpack(old);
  await utimes(tree, 1, 1);
  await roomy.unpack(recent);
  await roomy.caches.keep(old, key(1), files("x".repeat(1_000)));
  await roomy.caches.keep(recent, key(1), files("x"));
  const packages = await place.open(900);
  await packages.trim();
  assert.equal(packages.caches.find(old, key(1)), undefined);
  assert.notEqual(packages.caches.find(recent, key(1)), undefined);
  const names = await readdir(dirname(tree));
  assert.deepEqual(
    names.filter((name) => name.endsWith(old)),
    [],
  );
});
