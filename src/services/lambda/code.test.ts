import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createVirtualClock } from "#base/clock.ts";
import { createSeededRandom } from "#base/random.ts";
import { openBlobStore } from "#storage/blobs/blobs.ts";
import { createMemoryStore } from "#storage/drivers/memory/memory.ts";
import { createCodeLinks } from "./code.ts";

test("download links work for ten minutes, in every process, and cannot be altered", async () => {
  const directory = await mkdtemp(join(tmpdir(), "skerry-links-"));
  try {
    await using store = createMemoryStore();
    const blobs = await openBlobStore({ directory });
    const clock = createVirtualClock(1_700_000_000_000);
    const { sha256 } = await blobs.put(Buffer.from("package"));
    const other = await blobs.put(Buffer.from("another package"));
    const [here, there] = [1, 2].map((seed) =>
      createCodeLinks({ store, blobs, clock, random: createSeededRandom(seed) }),
    );
    assert.ok(here && there);
    const link = new URL(await here.link("http://localhost:4566", sha256));
    const get = async (url: URL, method = "GET"): Promise<number | undefined> => {
      const rawQuery = url.search.slice(1);
      return (await there.serve({ method, path: url.pathname, rawQuery }))?.status;
    };
    const altered = (change: (url: URL) => void): URL => {
      const url = new URL(link);
      change(url);
      return url;
    };
    assert.equal(await get(link), 200);
    assert.equal(await get(link, "PUT"), 405);
    assert.equal(await get(new URL("http://localhost:4566/2015-03-31/functions")), undefined);
    const forgeries = [
      altered((url) => (url.pathname = url.pathname.replace(sha256, other.sha256))),
      altered((url) => (url.pathname = "/_skerry/code/../../etc/passwd")),
      altered((url) => (url.pathname = "/_skerry/code/" + "z".repeat(64))),
      altered((url) => url.searchParams.set("expires", "9999999999999")),
      altered((url) => url.searchParams.set("expires", "")),
      altered((url) => url.searchParams.delete("signature")),
    ];
    for (const url of forgeries) {
      const status = await get(url);
      assert.ok(status === 403 || status === undefined, url.href); // no longer below the prefix: not ours
    }
    await clock.advance(600_001);
    assert.equal(await get(link), 403);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
