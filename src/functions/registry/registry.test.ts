import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createVirtualClock } from "#base/clock.ts";
import { createSeededRandom } from "#base/random.ts";
import { openLmdbStore } from "#storage/drivers/lmdb/lmdb.ts";
import { createMemoryStore } from "#storage/drivers/memory/memory.ts";
import { keyPrefix } from "#storage/keys.ts";
import type { Store } from "#storage/storage.ts";
import {
  createRegistry,
  type FunctionEntry,
  type FunctionRegistry,
  type Revision,
  type RevisionState,
} from "./registry.ts";

const place = { accountId: "000000000000", region: "us-east-1" };
const id = { ...place, name: "f" };

const active: RevisionState = {
  state: "Active",
  reason: undefined,
  reasonCode: undefined,
  lastUpdate: "Successful",
  lastUpdateReason: undefined,
  lastUpdateReasonCode: undefined,
};

function revision(fields: Partial<Revision> = {}): Revision {
  return {
    ...id,
    revisionId: "r1",
    functionArn: "arn:aws:lambda:us-east-1:000000000000:function:f",
    version: "$LATEST",
    description: "",
    runtime: "nodejs24.x",
    handler: "index.handler",
    roleArn: "arn:aws:iam::000000000000:role/r",
    codeSha256: "0".repeat(64),
    codeByteCount: 1,
    memoryMiB: 128,
    timeoutMs: 3_000,
    scratchMiB: 512,
    environment: {},
    layers: [],
    architecture: "x86_64",
    deadLetterArn: undefined,
    tracingMode: "PassThrough",
    logging: { format: "Text", applicationLevel: undefined, systemLevel: undefined, group: "g" },
    egress: "platform",
    state: active,
    lastModifiedMs: 0,
    ...fields,
  };
}

function entry(fields: Partial<FunctionEntry> = {}): FunctionEntry {
  return {
    latest: revision(),
    serving: undefined,
    unpackedByteCount: 1,
    layersUnpackedByteCount: 0,
    reservedConcurrency: undefined,
    egress: "platform",
    published: undefined,
    ...fields,
  };
}

function open(store: Store, seed = 5): FunctionRegistry {
  const log = { event: () => undefined };
  return createRegistry({
    store,
    clock: createVirtualClock(0),
    random: createSeededRandom(seed),
    log,
  });
}

/** The store with its read transactions counted. */
function counted(store: Store): Store & { reads: number } {
  const counting = {
    reads: 0,
    read: <T>(work: Parameters<typeof store.read<T>>[0]) => {
      counting.reads++;
      return store.read(work);
    },
    write: <T>(work: Parameters<typeof store.write<T>>[0]) => store.write(work),
    watch: (...range: Parameters<Store["watch"]>) => store.watch(...range),
    usage: () => store.usage(),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
  return counting;
}

const latest = { ...id, qualifier: undefined };

/** Lets watchers hear of what was committed, a bounded number of times. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 1_000; turn++) {
    if (await holds()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.fail("it never came to hold");
}

test("a warm name is resolved without reading storage", async () => {
  await using memory = createMemoryStore();
  const store = counted(memory);
  await using registry = open(store);
  await registry.write((edit) => edit.functions.put(id, entry({ reservedConcurrency: 7 })));
  let found: unknown;
  await until(async () => {
    const before = store.reads; // the watcher may have dropped the first answers
    found = await registry.resolve(latest, place);
    return store.reads === before;
  });
  assert.partialDeepStrictEqual(found, { qualifier: undefined, reservedConcurrency: 7 });
});

test("a change is visible to the next call here, and soon in other processes", async () => {
  await using store = createMemoryStore();
  await using here = open(store);
  await using there = open(store);
  await here.write((edit) => edit.functions.put(id, entry()));
  assert.equal((await there.resolve(latest, place))?.revision.revisionId, "r1");
  assert.equal((await here.resolve(latest, place))?.revision.revisionId, "r1");
  const next = entry({ latest: revision({ revisionId: "r2" }) });
  await here.write((edit) => edit.functions.put(id, next));
  assert.equal((await here.resolve(latest, place))?.revision.revisionId, "r2");
  await until(async () => (await there.resolve(latest, place))?.revision.revisionId === "r2");
  await here.write((edit) => edit.functions.remove(id));
  assert.equal(await here.resolve(latest, place), undefined);
  await until(async () => (await there.resolve(latest, place)) === undefined);
});

test("two handles on one LMDB store see each other's deployments", async () => {
  const path = await mkdtemp(join(tmpdir(), "skerry-registry-"));
  try {
    await using first = await openLmdbStore({ path, bytesMax: 2 ** 26 });
    await using second = await openLmdbStore({ path, bytesMax: 2 ** 26 });
    await using here = open(first);
    await using there = open(second);
    await here.write((edit) => edit.functions.put(id, entry()));
    assert.equal((await there.resolve(latest, place))?.revision.revisionId, "r1");
    const isTold = new AbortController();
    const told = (async () => {
      let count = 0;
      for await (const _ of second.watch(keyPrefix("functions"), isTold.signal)) {
        if (++count > 1) return;
      }
    })();
    const next = entry({ latest: revision({ revisionId: "r2" }) });
    await here.write((edit) => edit.functions.put(id, next));
    await told;
    await until(async () => (await there.resolve(latest, place))?.revision.revisionId === "r2");
    isTold.abort();
    const versions = await Promise.all(
      [here, there, here, there].map((registry) =>
        registry.write((edit) => {
          const found = edit.functions.get(id);
          assert.ok(found);
          const timeoutMs = found.latest.timeoutMs + 1_000;
          edit.functions.put(id, { ...found, latest: { ...found.latest, timeoutMs } });
          return edit.versions.publish(id, undefined)?.version;
        }),
      ),
    );
    assert.deepEqual(new Set(versions), new Set(["1", "2", "3", "4"]));
  } finally {
    await rm(path, { recursive: true, force: true });
  }
});

test("a changed network setting is another environment, whichever process has it warm", async () => {
  await using store = createMemoryStore();
  await using registry = open(store);
  await registry.write((edit) => edit.functions.put(id, entry()));
  const before = await registry.resolve(latest, place);
  await registry.write((edit) => edit.functions.put(id, entry({ egress: "internet" })));
  const after = await registry.resolve(latest, place);
  assert.equal(after?.revision.egress, "internet");
  assert.notEqual(after.revision.revisionId, before?.revision.revisionId);
});

test("what ran before keeps serving while the newest state is prepared", async () => {
  await using store = createMemoryStore();
  await using registry = open(store);
  const updating = revision({ revisionId: "r2", state: { ...active, lastUpdate: "InProgress" } });
  await registry.write((edit) =>
    edit.functions.put(id, entry({ latest: updating, serving: revision() })),
  );
  assert.equal((await registry.resolve(latest, place))?.revision.revisionId, "r1");
  assert.deepEqual(await registry.read((view) => view.functions.preparing()), [id]);
  await registry.write((edit) =>
    edit.functions.put(id, entry({ latest: { ...updating, state: active } })),
  );
  assert.equal((await registry.resolve(latest, place))?.revision.revisionId, "r2");
  assert.deepEqual(await registry.read((view) => view.functions.preparing()), []);
});

test("publishing twice without a change gives one version; numbers survive deletion", async () => {
  await using store = createMemoryStore();
  await using registry = open(store);
  const publish = (description?: string) =>
    registry.write((edit) => edit.versions.publish(id, description)?.version);
  assert.equal(await publish(), undefined);
  await registry.write((edit) => edit.functions.put(id, entry()));
  assert.equal(await publish("one"), "1");
  assert.equal(await publish("other words"), "1");
  await registry.write((edit) => {
    const before = edit.functions.get(id);
    assert.ok(before);
    const changed = { ...before.latest, memoryMiB: 256, revisionId: "r2" };
    edit.functions.put(id, { ...before, latest: changed });
  });
  assert.equal(await publish(), "2");
  await registry.write((edit) => edit.versions.remove(id, 2));
  assert.equal(await publish(), "3");
  await registry.write((edit) => edit.functions.remove(id));
  assert.equal(await registry.resolve({ ...id, qualifier: "1" }, place), undefined);
  await registry.write((edit) => edit.functions.put(id, entry()));
  assert.equal(await publish(), "4");
});

test("an alias draws its version once per call from the injected randomness", async () => {
  await using store = createMemoryStore();
  const seed = 23;
  await using registry = open(store, seed);
  await registry.write((edit) => {
    edit.functions.put(id, entry());
    edit.versions.publish(id, undefined);
    edit.functions.put(id, { ...entry(), latest: revision({ memoryMiB: 256 }) });
    edit.versions.publish(id, undefined);
    edit.aliases.put(id, {
      name: "live",
      version: "1",
      description: "",
      weights: { "2": 0.1 },
      revisionId: "a",
    });
  });
  const counts = { "1": 0, "2": 0 };
  for (let count = 0; count < 5_000; count++) {
    const found = await registry.resolve({ ...id, qualifier: "live" }, place);
    assert.equal(found?.qualifier, "live");
    counts[found.revision.version as "1" | "2"]++; // the alias names no other
  }
  assert.ok(counts["2"] > 400 && counts["2"] < 600, `${counts["2"]} of 5,000 with seed ${seed}`);
});

test("qualifiers that lead nowhere are not found, however they are written", async () => {
  await using store = createMemoryStore();
  await using registry = open(store);
  await registry.write((edit) => edit.functions.put(id, entry()));
  for (const qualifier of ["1", "none", "0", "9".repeat(30)]) {
    assert.equal(await registry.resolve({ ...id, qualifier }, place), undefined);
  }
});

test("a transaction that fails leaves nothing, not even in the cache", async () => {
  await using store = createMemoryStore();
  await using registry = open(store);
  await registry.write((edit) => edit.functions.put(id, entry()));
  await registry.resolve(latest, place);
  const work = registry.write((edit) => {
    edit.functions.remove(id);
    throw new Error("changed its mind");
  });
  await assert.rejects(work, { message: "changed its mind" });
  assert.equal((await registry.resolve(latest, place))?.revision.revisionId, "r1");
});

test("listings of names and numbers continue after what they are given", async () => {
  await using store = createMemoryStore();
  await using registry = open(store);
  const names = ["a", "a-b", "b", "c"];
  await registry.write((edit) => {
    for (const name of names) {
      edit.functions.put({ ...place, name }, entry({ latest: revision({ name }) }));
      const draft = {
        ...place,
        name,
        description: "",
        licence: undefined,
        runtimes: [],
        architectures: [],
        codeSha256: "",
        codeByteCount: 2,
        unpackedByteCount: 3,
        createdMs: 0,
      };
      edit.layers.publish(draft);
      edit.layers.publish(draft);
    }
  });
  await registry.read((view) => {
    const page = { after: "a", limit: 2 };
    assert.deepEqual(
      view.functions.list(place, page).map((each) => each.latest.name),
      ["a-b", "b"],
    );
    assert.deepEqual(view.layers.names(place, page), ["a-b", "b"]);
    const newest = view.layers.list({ ...place, name: "a" }, { after: undefined, limit: 1 });
    assert.deepEqual(
      newest.map((layer) => layer.version),
      [2],
    );
    assert.equal(view.usage(place).codeByteCount, 20);
  });
});
