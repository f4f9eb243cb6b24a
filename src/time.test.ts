import assert from "node:assert/strict";
import { test } from "node:test";
import { readMove } from "./time.ts";

test("moves of the clock are read from JSON, one at a time", () => {
  const day = 86_400_000;
  assert.deepEqual(readMove('{"advance":"40d"}'), { kind: "advance", ms: 40 * day });
  assert.deepEqual(readMove('{"advance":"1h30m"}'), { kind: "advance", ms: 5_400_000 });
  assert.deepEqual(readMove('{"advance":"0.5s250ms"}'), { kind: "advance", ms: 750 });
  assert.deepEqual(readMove('{"set":"2027-01-01T00:00:00Z"}'), {
    kind: "set",
    toMs: Date.UTC(2027, 0, 1),
  });
  assert.deepEqual(readMove('{"freeze":true}'), { kind: "freeze" });
  assert.deepEqual(readMove('{"freeze":false}'), { kind: "unfreeze" });
});

test("whatever else is sent is told what to send", () => {
  const refused = [
    "",
    "no JSON",
    "null",
    "7",
    "[]",
    "{}",
    '{"advance":"40d","freeze":true}',
    '{"advance":40}',
    '{"advance":"forty days"}',
    '{"advance":"-1d"}',
    '{"advance":"200000w"}',
    '{"set":"tomorrow"}',
    '{"set":12}',
    '{"freeze":"yes"}',
    '{"__proto__":{"advance":"1d"}}',
    '{"rewind":"1d"}',
  ];
  for (const text of refused) assert.equal(typeof readMove(text), "string", text);
});
