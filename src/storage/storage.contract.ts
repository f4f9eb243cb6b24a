import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { isPlatformError } from "#base/errors.ts";
import { key, keyBytesMax, keyPrefix } from "./keys.ts";
import type { Entry, KeyRange, Reader, Store, Transaction } from "./storage.ts";

/** What every driver must do. `open` returns a new empty store, disposed by the test that asked. */
export function describeStoreContract(name: string, open: () => Promise<Store>): void {
  describe(`${name}: reading and listing`, () => describeReading(open));
  describe(`${name}: transactions`, () => describeTransactions(open));
  describe(`${name}: against a model`, () => describeModel(open));
  describe(`${name}: watching`, () => describeWatching(open));
  describe(`${name}: life cycle`, () => describeLifeCycle(open));
}

const everything: KeyRange = { start: new Uint8Array(), end: Uint8Array.of(0xff, 0xff) };
const text = (value: string): Uint8Array => Uint8Array.from(Buffer.from(value));
const words = (entries: Iterable<Entry>): string[] =>
  Array.from(
    entries,
    (entry) => `${Buffer.from(entry.key).toString()}=${Buffer.from(entry.value).toString()}`,
  );

function putAll(store: Store, names: string): Promise<void> {
  return store.write((tx) => {
    for (const letter of names) tx.put(text(letter), text(letter.toUpperCase()));
  });
}

function describeReading(open: () => Promise<Store>): void {
  it("lists in byte order, half-open, limited and reversed", async () => {
    await using store = await open();
    await putAll(store, "dbaec");
    await store.read((reader) => {
      const range = { start: text("b"), end: text("e") };
      assert.deepEqual(words(reader.list(range)), ["b=B", "c=C", "d=D"]);
      assert.deepEqual(words(reader.list(range, { limit: 2 })), ["b=B", "c=C"]);
      assert.deepEqual(words(reader.list(range, { reverse: true })), ["d=D", "c=C", "b=B"]);
      assert.deepEqual(words(reader.list(range, { reverse: true, limit: 1 })), ["d=D"]);
      assert.deepEqual(words(reader.list(range, { limit: 0 })), []);
      assert.deepEqual(words(reader.list({ start: text("e"), end: text("b") })), []);
      assert.equal(words(reader.list(everything)).length, 5);
      assert.equal(words(reader.list(everything, { reverse: true }))[0], "e=E");
    });
  });

  it("orders a key before the longer keys it begins", async () => {
    await using store = await open();
    const keys = [[1], [1, 0], [1, 0, 0], [1, 1], [2], [0xff], [0xff, 0xfe]];
    await store.write((tx) => {
      for (const bytes of keys.toReversed()) tx.put(Uint8Array.from(bytes), new Uint8Array());
    });
    const listed = await store.read((reader) =>
      Array.from(reader.list(everything), (entry) => [...entry.key]),
    );
    assert.deepEqual(listed, keys);
  });

  it("keeps empty values apart from missing ones, and holds 1 MiB and the longest key", async () => {
    await using store = await open();
    const large = new Uint8Array(1024 * 1024).map((_, index) => index * 31);
    const longest = new Uint8Array(keyBytesMax).fill(0xfe);
    await store.write((tx) => {
      tx.put(text("empty"), new Uint8Array());
      tx.put(text("large"), large);
      tx.put(longest, text("long"));
    });
    await store.read((reader) => {
      assert.equal(reader.get(text("empty"))?.byteLength, 0);
      assert.equal(reader.get(text("missing")), undefined);
      assert.equal(Buffer.compare(reader.get(text("large")) ?? text(""), large), 0);
      assert.deepEqual(words([{ key: text("l"), value: reader.get(longest) ?? text("") }]), [
        "l=long",
      ]);
      const listed = [...reader.list(everything, { reverse: true })];
      assert.deepEqual([...(listed[0]?.key ?? [])], [...longest]);
      assert.equal(Buffer.compare(listed[1]?.value ?? text(""), large), 0);
    });
  });

  it("lists more entries than fit in one page, in both directions", async () => {
    await using store = await open();
    await store.write((tx) => {
      for (let index = 0; index < 3_000; index++) tx.put(key("n", index), key(index));
    });
    await store.read((reader) => {
      const forward = Array.from(reader.list(keyPrefix("n")), (entry) => byteHex(entry.key));
      const backward = Array.from(reader.list(keyPrefix("n"), { reverse: true }), (entry) =>
        byteHex(entry.key),
      );
      assert.equal(forward.length, 3_000);
      assert.deepEqual(forward, forward.toSorted());
      assert.deepEqual(backward, forward.toReversed());
    });
  });

  it("reads one snapshot however long it takes, and the newest one when it starts", async () => {
    await using store = await open();
    await putAll(store, "a");
    const holding = Promise.withResolvers<void>();
    const snapshot = store.read(async (reader) => {
      const before = words(reader.list(everything));
      await holding.promise;
      return [before, words(reader.list(everything)), reader.get(text("b"))];
    });
    await putAll(store, "bc");
    await store.write((tx) => tx.delete(text("a")));
    assert.deepEqual(await store.read((reader) => words(reader.list(everything))), ["b=B", "c=C"]);
    holding.resolve();
    assert.deepEqual(await snapshot, [["a=A"], ["a=A"], undefined]);
  });

  it("gives values that the caller may change without changing the store", async () => {
    await using store = await open();
    const mine = text("A");
    await store.write((tx) => {
      tx.put(text("a"), mine);
      mine[0] = 0;
    });
    await store.read((reader) => reader.get(text("a"))?.fill(0));
    assert.deepEqual(await store.read((reader) => words(reader.list(everything))), ["a=A"]);
  });
}

function byteHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

const readCount = (reader: Reader, name: string): number =>
  Number(Buffer.from(reader.get(text(name)) ?? text("0")).toString());

const writeCount = (tx: Transaction, name: string, count: number): void =>
  tx.put(text(name), text(String(count)));

function describeTransactions(open: () => Promise<Store>): void {
  it("shows a transaction its own changes and nobody else before it commits", async () => {
    await using store = await open();
    await putAll(store, "abcd");
    await store.write(async (tx) => {
      tx.delete(text("a"));
      tx.deleteRange({ start: text("c"), end: text("d") });
      tx.put(text("b"), text("2"));
      tx.put(text("e"), text("E"));
      assert.deepEqual(words(tx.list(everything)), ["b=2", "d=D", "e=E"]);
      assert.deepEqual(words(tx.list(everything, { reverse: true, limit: 2 })), ["e=E", "d=D"]);
      assert.equal(tx.get(text("a")), undefined);
      assert.equal(tx.get(text("c")), undefined);
      const others = await store.read((reader) => words(reader.list(everything)));
      assert.deepEqual(others, ["a=A", "b=B", "c=C", "d=D"]);
    });
    const after = await store.read((reader) => words(reader.list(everything)));
    assert.deepEqual(after, ["b=2", "d=D", "e=E"]);
  });

  it("deletes a range that is put into again, and while it is being listed", async () => {
    await using store = await open();
    await putAll(store, "abcde");
    await store.write((tx) => {
      tx.deleteRange({ start: text("b"), end: text("e") });
      tx.put(text("c"), text("new"));
    });
    assert.deepEqual(await store.read((r) => words(r.list(everything))), ["a=A", "c=new", "e=E"]);
    await store.write((tx) => {
      for (const entry of tx.list(everything)) tx.delete(entry.key);
    });
    assert.deepEqual(await store.read((r) => words(r.list(everything))), []);
  });

  it("leaves nothing of a transaction that throws, and passes the error on", async () => {
    await using store = await open();
    await putAll(store, "a");
    const failure = new Error("no");
    const abort = (tx: Transaction): void => {
      tx.put(text("b"), text("B"));
      tx.delete(text("a"));
      throw failure;
    };
    await assert.rejects(store.write(abort), failure);
    await assert.rejects(
      store.write(async (tx) => abort(tx)),
      failure,
    );
    assert.deepEqual(await store.read((reader) => words(reader.list(everything))), ["a=A"]);
  });

  for (const kind of ["synchronous", "asynchronous"] as const) {
    it(`counts to fifty with fifty ${kind} writers of one counter`, async () => {
      await using store = await open();
      const increment = (tx: Transaction): number => {
        const next = readCount(tx, "count") + 1;
        writeCount(tx, "count", next);
        return next;
      };
      const writers = Array.from({ length: 50 }, () =>
        store.write(
          kind === "synchronous"
            ? increment
            : async (tx) => {
                await Promise.resolve();
                return increment(tx);
              },
        ),
      );
      const seen = await Promise.all(writers);
      assert.deepEqual(
        seen.toSorted((a, b) => a - b),
        Array.from({ length: 50 }, (_, index) => index + 1),
      );
      assert.equal(await store.read((reader) => readCount(reader, "count")), 50);
    });
  }

  it("runs a transaction again when what it read has changed", async () => {
    await using store = await open();
    let runs = 0;
    const total = await store.write(async (tx) => {
      const base = readCount(tx, "base");
      if (runs++ === 0) await store.write((other) => writeCount(other, "base", 41));
      writeCount(tx, "total", base + 1);
      return base + 1;
    });
    assert.deepEqual([runs, total], [2, 42]);
    assert.equal(await store.read((reader) => readCount(reader, "total")), 42);
  });

  it("does not let two transactions that read each other's entry both commit (write skew)", async () => {
    await using store = await open();
    await store.write((tx) => {
      writeCount(tx, "on-call-1", 1);
      writeCount(tx, "on-call-2", 1);
    });
    const bothRead = Promise.withResolvers<void>();
    let arrived = 0;
    const leave = (who: string): Promise<boolean> =>
      store.write(async (tx) => {
        const others = words(tx.list(keyRange("on-call-"))).filter((word) => word.endsWith("=1"));
        if (++arrived === 2) bothRead.resolve();
        await bothRead.promise;
        if (others.length < 2) return false;
        writeCount(tx, who, 0);
        return true;
      });
    const left = await Promise.all([leave("on-call-1"), leave("on-call-2")]);
    assert.equal(left.filter((hasLeft) => hasLeft).length, 1);
  });

  it("sees a new entry in a range it has listed as a conflict (phantom)", async () => {
    await using store = await open();
    await putAll(store, "ac");
    let runs = 0;
    const counted = await store.write(async (tx) => {
      const found = words(tx.list({ start: text("a"), end: text("d") })).length;
      if (runs++ === 0) await putAll(store, "b");
      writeCount(tx, "z", found);
      return found;
    });
    assert.deepEqual([runs, counted], [2, 3]);
  });

  it("does not conflict over what was not looked at", async () => {
    await using store = await open();
    await putAll(store, "abcd");
    let runs = 0;
    await store.write(async (tx) => {
      runs++;
      assert.deepEqual(words(tx.list(everything, { limit: 1 })), ["a=A"]);
      for (const entry of tx.list(keyRange("b"))) assert.equal(words([entry])[0], "b=B");
      await store.write((other) => writeCount(other, "c", 1));
      tx.deleteRange({ start: text("c"), end: text("d") });
      tx.put(text("d"), text("blind"));
    });
    assert.equal(runs, 1);
    const after = await store.read((reader) => words(reader.list(everything)));
    assert.deepEqual(after, ["a=A", "b=B", "d=blind"]);
  });

  it("gives up with storage.conflict when what it read changes every time", async () => {
    await using store = await open();
    const endless = store.write(async (tx) => {
      const seen = readCount(tx, "contended");
      await store.write((other) => writeCount(other, "contended", seen + 1));
      writeCount(tx, "never", 1);
    });
    await assert.rejects(endless, (error) => isPlatformError(error, "storage.conflict"));
    assert.equal(await store.read((reader) => readCount(reader, "never")), 0);
  });

  it("keeps the sum of the accounts while money moves between them", async () => {
    await using store = await open();
    const accounts = 8;
    const seed = Math.floor(Math.random() * 2 ** 31);
    const random = fc.sample(fc.tuple(fc.nat(accounts - 1), fc.nat(accounts - 1), fc.nat(50)), {
      numRuns: 200,
      seed,
    });
    await store.write((tx) => {
      for (let at = 0; at < accounts; at++) writeCount(tx, `account-${at}`, 100);
    });
    const sum = (reader: Reader): number =>
      [...reader.list(keyRange("account-"))].reduce(
        (total, entry) => total + Number(Buffer.from(entry.value).toString()),
        0,
      );
    const transfers = random.map(([from, to, amount], index) =>
      store.write(async (tx) => {
        if (index % 2 === 0) await Promise.resolve();
        const available = readCount(tx, `account-${from}`);
        if (from === to || available < amount) return;
        writeCount(tx, `account-${from}`, available - amount);
        writeCount(tx, `account-${to}`, readCount(tx, `account-${to}`) + amount);
      }),
    );
    const audits = transfers.map(async (transfer) => {
      await transfer;
      return store.read(sum);
    });
    for (const total of await Promise.all(audits))
      assert.equal(total, accounts * 100, `seed ${seed}`);
  });

  it("refuses keys that are empty or too long, and a transaction kept beyond its callback", async () => {
    await using store = await open();
    const put = (bytes: number) => store.write((tx) => tx.put(new Uint8Array(bytes), text("")));
    await assert.rejects(put(0), /at least one byte/);
    await assert.rejects(put(keyBytesMax + 1), /at most/);
    const [reader, tx] = [await store.read((kept) => kept), await store.write((kept) => kept)];
    assert.throws(() => reader.get(text("a")), /after its callback/);
    assert.throws(() => [...reader.list(everything)], /after its callback/);
    assert.throws(() => tx.put(text("a"), text("")), /after its callback/);
  });
}

function keyRange(prefix: string): KeyRange {
  return { start: text(prefix), end: Uint8Array.from([...text(prefix), 0xff]) };
}

type Step =
  | { readonly do: "put"; readonly key: number[]; readonly value: number[] }
  | { readonly do: "delete"; readonly key: number[] }
  | { readonly do: "deleteRange"; readonly start: number[]; readonly end: number[] }
  | {
      readonly do: "list";
      readonly start: number[];
      readonly end: number[];
      readonly limit: number | undefined;
      readonly reverse: boolean;
    };

function describeModel(open: () => Promise<Store>): void {
  const bytes = (minLength: number) =>
    fc.array(fc.constantFrom(0, 1, 2, 0x7f, 0xff), { minLength, maxLength: 3 });
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({ do: fc.constant("put" as const), key: bytes(1), value: bytes(0) }),
    fc.record({ do: fc.constant("delete" as const), key: bytes(1) }),
    fc.record({ do: fc.constant("deleteRange" as const), start: bytes(0), end: bytes(0) }),
    fc.record({
      do: fc.constant("list" as const),
      start: bytes(0),
      end: bytes(0),
      limit: fc.option(fc.nat(4), { nil: undefined }),
      reverse: fc.boolean(),
    }),
  );
  const transactions = fc.array(
    fc.record({ steps: fc.array(step, { maxLength: 12 }), abort: fc.boolean() }),
    { maxLength: 8 },
  );

  it("answers as a sorted list would, inside and after random transactions", async () => {
    await using store = await open();
    await fc.assert(
      fc.asyncProperty(transactions, async (run) => {
        await store.write((tx) => tx.deleteRange({ start: new Uint8Array(), end: longestEnd }));
        const model = new Map<string, number[]>();
        for (const { steps, abort } of run) {
          const draft = new Map(model);
          const stop = new Error("abort");
          const write = store.write((tx) => {
            draft.clear();
            for (const [name, value] of model) draft.set(name, value);
            for (const each of steps) takeStep(tx, draft, each);
            if (abort) throw stop;
          });
          if (abort) await assert.rejects(write, stop);
          else await write;
          if (!abort) {
            model.clear();
            for (const [name, value] of draft) model.set(name, value);
          }
          await store.read((reader) => compare(reader, model, { start: [], end: [...longestEnd] }));
        }
      }),
      { numRuns: 60 },
    );
  });
}

const longestEnd = Uint8Array.of(0xff, 0xff, 0xff, 0xff);

function takeStep(tx: Transaction, model: Map<string, number[]>, step: Step): void {
  const of = (bytes: number[]): Uint8Array => Uint8Array.from(bytes);
  if (step.do === "put") {
    tx.put(of(step.key), of(step.value));
    model.set(byteHex(of(step.key)), step.value);
  } else if (step.do === "delete") {
    tx.delete(of(step.key));
    model.delete(byteHex(of(step.key)));
  } else if (step.do === "deleteRange") {
    tx.deleteRange({ start: of(step.start), end: of(step.end) });
    for (const name of model.keys())
      if (name >= byteHex(of(step.start)) && name < byteHex(of(step.end))) model.delete(name);
  } else {
    compare(tx, model, step);
  }
}

function compare(
  reader: Reader,
  model: ReadonlyMap<string, number[]>,
  range: {
    readonly start: number[];
    readonly end: number[];
    readonly limit?: number | undefined;
    readonly reverse?: boolean;
  },
): void {
  const [start, end] = [Uint8Array.from(range.start), Uint8Array.from(range.end)];
  const names = [...model.keys()]
    .filter((name) => name >= byteHex(start) && name < byteHex(end))
    .toSorted();
  if (range.reverse) names.reverse();
  const expected = names
    .slice(0, range.limit ?? Infinity)
    .map((name) => [name, byteHex(Uint8Array.from(model.get(name) ?? []))]);
  const listed = reader.list(
    { start, end },
    {
      ...(range.limit === undefined ? {} : { limit: range.limit }),
      reverse: range.reverse ?? false,
    },
  );
  const found = Array.from(listed, (entry) => [byteHex(entry.key), byteHex(entry.value)]);
  assert.deepEqual(found, expected);
  for (const [name, value] of expected)
    assert.equal(byteHex(reader.get(Buffer.from(name ?? "", "hex")) ?? text("?")), value);
}

function describeWatching(open: () => Promise<Store>): void {
  it("yields at once, then after commits that touch the range, until aborted", async () => {
    await using store = await open();
    const stop = new AbortController();
    const looks = store.watch(keyRange("job-"), stop.signal)[Symbol.asyncIterator]();
    assert.equal((await looks.next()).done, false);
    let woken = false;
    const next = looks.next().then((result) => ((woken = true), result));
    await putAll(store, "xyz");
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(woken, false, "a commit elsewhere does not wake in the same process");
    await store.write((tx) => tx.put(text("job-1"), text("")));
    assert.equal((await next).done, false);
    await store.write((tx) => tx.deleteRange(keyRange("job")));
    assert.equal((await looks.next()).done, false);
    const last = looks.next();
    stop.abort();
    assert.equal((await last).done, true);
  });

  it("never leaves a watcher asleep after a change it has not seen", async () => {
    await using store = await open();
    const stop = new AbortController();
    const total = 60;
    const watching = (async () => {
      for await (const _ of store.watch(keyRange("job-"), stop.signal)) {
        const found = await store.read((reader) => words(reader.list(keyRange("job-"))).length);
        if (found === total) return found;
      }
      return 0;
    })();
    for (let index = 0; index < total; index++)
      await store.write((tx) => tx.put(text(`job-${index}`), text("")));
    assert.equal(await watching, total);
  });
}

function describeLifeCycle(open: () => Promise<Store>): void {
  it("answers storage.closed after it was closed, and ends watches", async () => {
    const store = await open();
    const signal = new AbortController().signal;
    const looks = store.watch(everything, signal)[Symbol.asyncIterator]();
    await looks.next();
    const waiting = looks.next();
    await store[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
    assert.equal((await waiting).done, true);
    const isClosed = (error: unknown): boolean => isPlatformError(error, "storage.closed");
    await assert.rejects(
      store.read(() => undefined),
      isClosed,
    );
    await assert.rejects(
      store.write(() => undefined),
      isClosed,
    );
    await assert.rejects(store.usage(), isClosed);
  });

  it("finishes the writes that were under way when it is closed", async () => {
    const store = await open();
    const writes = Array.from({ length: 10 }, (_, index) =>
      store.write((tx) => writeCount(tx, `late-${index}`, index)),
    );
    await store[Symbol.asyncDispose]();
    assert.equal(
      (await Promise.allSettled(writes)).filter((w) => w.status === "rejected").length,
      0,
    );
  });

  it("reports what it uses", async () => {
    await using store = await open();
    await store.write((tx) => tx.put(text("large"), new Uint8Array(100_000)));
    const usage = await store.usage();
    assert.ok(usage.bytes >= 100_000 && usage.bytes < usage.bytesMax);
    assert.equal(usage.full, false);
  });
}
