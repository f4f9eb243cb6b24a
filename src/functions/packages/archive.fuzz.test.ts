import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isPlatformError } from "#base/errors.ts";
import { createSeededRandom } from "#base/random.ts";
import { archiveLimits } from "./archive.ts";
import { writeZip } from "./testing/zip.ts";
import { unpackArchive } from "./unpack.ts";

test("archives with changed, missing and added bytes are unpacked or refused, never worse", async (t) => {
  const seed = Date.now() & 0xffffff;
  t.diagnostic(`seed ${seed}`);
  const random = createSeededRandom(seed);
  const pick = (below: number): number => Math.floor(random.fraction() * below);
  const place = await mkdtemp(join(tmpdir(), "skerry-fuzz-"));
  t.after(() => rm(place, { recursive: true, force: true }));
  const original = writeZip([
    { name: "index.js", content: "exports.handler = 1".repeat(20) },
    { name: "lib/", mode: 0o040_755 },
    { name: "lib/link", content: "../index.js", mode: 0o120_777 },
    { name: "lib/run", content: "#!/bin/sh", mode: 0o100_755, stored: true },
  ]);
  const counts = { unpacked: 0, refused: 0 };
  for (let round = 0; round < 400; round++) {
    let zip = Buffer.from(original);
    for (let changes = 1 + pick(3); changes > 0; changes--) {
      const at = pick(zip.length);
      const kind = pick(4);
      if (kind <= 1) zip[at] = pick(256);
      else if (kind === 2)
        zip = Buffer.concat([zip.subarray(0, at), zip.subarray(at + 1 + pick(8))]);
      else
        zip = Buffer.concat([
          zip.subarray(0, at),
          Buffer.alloc(1 + pick(4), pick(256)),
          zip.subarray(at),
        ]);
    }
    const tree = join(place, "tree");
    await writeFile(join(place, "archive.zip"), zip);
    await mkdir(tree);
    try {
      await unpackArchive(join(place, "archive.zip"), tree, {
        ...archiveLimits,
        bytesMax: 1_000_000,
      });
      counts.unpacked++;
    } catch (error) {
      const isRefusal =
        isPlatformError(error, "package.invalid") || isPlatformError(error, "package.too-large");
      assert(isRefusal, `seed ${seed}, round ${round}: ${String(error)} ${zip.toString("hex")}`);
      counts.refused++;
    }
    assert.deepEqual((await readdir(place)).toSorted(), ["archive.zip", "tree"], `seed ${seed}`);
    await rm(tree, { recursive: true });
  }
  assert(counts.refused > 100 && counts.unpacked > 0, JSON.stringify(counts));
});
