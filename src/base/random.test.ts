import assert from "node:assert/strict";
import { test } from "node:test";
import { randomHex, uuid } from "./ids.ts";
import { systemRandom } from "./random.ts";

test("request ids are version 4 UUIDs and no two are alike", () => {
  const ids = Array.from({ length: 10_000 }, () => uuid(systemRandom));
  for (const id of ids) {
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
  assert.equal(new Set(ids).size, ids.length);
  // Every position of the random digits takes every value.
  for (const at of [0, 7, 9, 15, 20, 24, 35]) {
    assert.equal(new Set(ids.map((id) => id[at])).size, 16, `digit ${at}`);
  }
});

test("what was handed out stays what it was when the pool is used up and wiped", () => {
  const first = systemRandom.bytes(16);
  const before = Buffer.from(first).toString("hex");
  for (let count = 0; count < 2_000; count++) randomHex(systemRandom, 16);
  assert.equal(Buffer.from(first).toString("hex"), before);
  assert.notEqual(before, "0".repeat(32));
});
