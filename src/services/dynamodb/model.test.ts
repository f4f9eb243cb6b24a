import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { systemRandom } from "#base/random.ts";
import { createMemoryStore } from "#storage/drivers/memory/memory.ts";
import { key, setUp, TableName, withNotes } from "./testing/set-up.ts";
import type { Item } from "./values/values.ts";

type Call = Awaited<ReturnType<typeof withNotes>>["call"];
/** What the table should hold, by owner and time. */
type Model = Map<string, Item>;

const owner = fc.constantFrom("a", "b", "a\0", "ab");
const at = fc.constantFrom("-2", "-1.5", "0", "1", "10", "1000");
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const itemOf = fc.record({
  owner,
  at,
  kind: optional(fc.constantFrom("x", "y", "x\0")),
  rank: optional(at),
  title: optional(fc.string()),
});
const step = fc.oneof(
  fc.record({ type: fc.constant("put" as const), item: itemOf }),
  fc.record({ type: fc.constant("delete" as const), owner, at }),
  fc.record({
    type: fc.constant("update" as const),
    owner,
    at,
    kind: optional(fc.constantFrom("x", "y")),
  }),
  fc.record({
    type: fc.constant("transact" as const),
    items: fc.uniqueArray(itemOf, {
      minLength: 1,
      maxLength: 4,
      selector: (one) => `${one.owner}/${one.at}`,
    }),
    fails: fc.boolean(),
  }),
  fc.record({ type: fc.constant("reopen" as const) }),
);

test("any sequence of writes leaves in the table and its indexes what a map would hold", async (t) => {
  const seed = Math.floor(systemRandom.fraction() * 2 ** 31);
  t.diagnostic(`seed ${seed}`);
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      await using store = createMemoryStore();
      let made = await withNotes(store);
      const model: Model = new Map();
      for (const one of steps) {
        if (one.type === "reopen") {
          await made.dynamodb[Symbol.asyncDispose]();
          made = setUp(store);
        } else await apply(made.call, model, one);
      }
      await compare(made.call, model);
      await made.dynamodb[Symbol.asyncDispose]();
    }),
    { seed, numRuns: 60 },
  );
});

type Step = Exclude<typeof step extends fc.Arbitrary<infer T> ? T : never, { type: "reopen" }>;

async function apply(call: Call, model: Model, one: Step): Promise<void> {
  switch (one.type) {
    case "put": {
      const Item = attributes(one.item);
      const old = model.get(nameOf(one.item));
      const { Attributes } = await call("PutItem", { TableName, Item, ReturnValues: "ALL_OLD" });
      assert.deepEqual(Attributes, old);
      return void model.set(nameOf(one.item), Item);
    }
    case "delete": {
      await call("DeleteItem", { TableName, Key: key(one.owner, one.at) });
      return void model.delete(nameOf(one));
    }
    case "update": {
      const Key = key(one.owner, one.at);
      const set = one.kind === undefined ? "REMOVE kind" : "SET kind = :k";
      const { Attributes } = await call("UpdateItem", {
        TableName,
        Key,
        UpdateExpression: set,
        ...(one.kind !== undefined && { ExpressionAttributeValues: { ":k": { S: one.kind } } }),
        ReturnValues: "ALL_NEW",
      });
      const before: Item = model.get(nameOf(one)) ?? Key;
      const { kind: _, ...rest } = before;
      const next: Item = one.kind === undefined ? rest : { ...rest, kind: { S: one.kind } };
      assert.deepEqual(Attributes, next);
      return void model.set(nameOf(one), next);
    }
    case "transact": {
      const TransactItems = one.items.map((item) => ({
        Put: { TableName, Item: attributes(item) },
      }));
      const check = {
        ConditionCheck: {
          TableName,
          Key: key("never", "1"),
          ConditionExpression: "attribute_exists(kind)",
        },
      };
      const asked = { TransactItems: one.fails ? [...TransactItems, check] : TransactItems };
      if (one.fails)
        return assert.rejects(call("TransactWriteItems", asked), {
          name: "TransactionCanceledException",
        });
      await call("TransactWriteItems", asked);
      for (const item of one.items) model.set(nameOf(item), attributes(item));
    }
  }
}

async function compare(call: Call, model: Model): Promise<void> {
  const items = [...model.values()];
  assert.deepEqual(sorted((await call("Scan", { TableName })).Items), sorted(items));
  for (const one of ["a", "b", "a\0", "ab"]) {
    const own = items.filter((item) => item["owner"]?.S === one);
    const asked = {
      TableName,
      KeyConditionExpression: "#o = :o",
      ExpressionAttributeNames: { "#o": "owner" },
      ExpressionAttributeValues: { ":o": { S: one } },
    };
    const { Items } = await call("Query", asked);
    assert.deepEqual(Items, own.toSorted(by("at")));
    const ranked = await call("Query", {
      ...asked,
      IndexName: "by-rank",
      Select: "ALL_ATTRIBUTES",
    });
    const withRank = own.filter((item) => item["rank"]);
    assert.deepEqual(
      ranked.Items?.map((item) => item["rank"]),
      withRank.toSorted(by("rank")).map((item) => item["rank"]),
    );
    assert.deepEqual(sorted(ranked.Items), sorted(withRank));
  }
  for (const kind of ["x", "y", "x\0"]) {
    const { Items } = await call("Query", {
      TableName,
      IndexName: "by-kind",
      KeyConditionExpression: "kind = :k",
      ExpressionAttributeValues: { ":k": { S: kind } },
    });
    const own = items.filter((item) => item["kind"]?.S === kind);
    assert.deepEqual(sorted(Items), sorted(own.map(withoutRank)));
    assert.deepEqual(
      Items?.map((item) => item["at"]),
      own.toSorted(by("at")).map((item) => item["at"]),
    );
  }
}

function by(name: string): (left: Item, right: Item) => number {
  return (left, right) => Number(left[name]?.N) - Number(right[name]?.N);
}

function sorted(items: readonly Item[] | undefined): string[] {
  const text = (item: Item): string =>
    JSON.stringify(Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return (items ?? []).map(text).toSorted();
}

function nameOf(one: { readonly owner: string; readonly at: string }): string {
  return JSON.stringify([one.owner, one.at]);
}

function attributes(item: {
  owner: string;
  at: string;
  kind: string | undefined;
  rank: string | undefined;
  title: string | undefined;
}): Item {
  return {
    ...key(item.owner, item.at),
    ...(item.kind !== undefined && { kind: { S: item.kind } }),
    ...(item.rank !== undefined && { rank: { N: item.rank } }),
    ...(item.title !== undefined && { title: { S: item.title } }),
  };
}

/** What the global index holds of an item. */
function withoutRank(item: Item): Item {
  const { rank: _, ...held } = item;
  return held;
}
