import assert from "node:assert/strict";
import { test } from "node:test";
import { compileFilterPattern } from "./filter-pattern.ts";

const json = JSON.stringify({
  eventType: "UpdateTrail",
  sourceIPAddress: "111.111.111.111",
  arrayKey: ["value", "another value"],
  objectList: [
    { name: "a", id: 1 },
    { name: "b", id: 2 },
  ],
  SomeObject: null,
  ThisFlag: true,
  latency: 1500.5,
  "dotted.name": "x",
});
const access =
  '127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534';

/** Pattern, message, whether it matches; undefined: the pattern is refused. */
const cases: readonly (readonly [string, string, boolean | undefined])[] = [
  ["", "anything", true],
  ["ERROR", "[ERROR 400] BAD REQUEST", true],
  ["ERROR", "[error 400]", false],
  ["ERROR ARGUMENTS", "[ERROR 419] MISSING ARGUMENTS", true],
  ["ERROR ARGUMENTS", "[ERROR 400] BAD REQUEST", false],
  ["?ERROR ?ARGUMENTS", "MISSING ARGUMENTS", true],
  ["?ERROR ?ARGUMENTS", "fine", false],
  ["?INFO REQUEST", "REQUEST", true],
  ["ERROR -ARGUMENTS", "[ERROR 400]", true],
  ["ERROR -ARGUMENTS", "[ERROR 419] ARGUMENTS", false],
  ['"INTERNAL SERVER ERROR"', "500 INTERNAL SERVER ERROR", true],
  ['"INTERNAL SERVER ERROR"', "INTERNAL ERROR SERVER", false],
  ['-"a b"', "x a b", false],
  ['"say \\"hi\\""', 'say "hi" now', true],
  ["a:b", "a:b", undefined],
  ['"open', "x", undefined],
  ["%AUTHORIZED%", "UNAUTHORIZED", true],
  ["%^[hc]at%", "the hat", false],
  ["%^[hc]at%", "hats", true],
  ["%[hc]at$%", "the cat", true],
  ["%colou?r%", "color", true],
  ["%a{3,5}$%", "aa", false],
  ["%^a{3,5}$%", "aaaaaa", false],
  ["%10|20%", "x20", true],
  [String.raw`%\d{1,3}\.\d{1,3}%`, "v 10.200", true],
  [String.raw`%[^\d]x%`, "1x", false],
  ["%(a)%", "a", undefined],
  ["%a!%", "a", undefined],
  ['{ $.eventType = "UpdateTrail" }', json, true],
  ["{ $.eventType = UpdateTrail }", json, true],
  ['{ $.eventType = "Update*" }', json, true],
  ['{ $.eventType != "UpdateTrail" }', json, false],
  ["{ $.sourceIPAddress != 123.123.* }", json, true],
  ["{ $.sourceIPAddress = 111.* }", json, true],
  ['{ $.arrayKey[0] = "value" }', json, true],
  ['{ $.arrayKey[1] = "value" }', json, false],
  ['{ $.objectList[*].name = "b" }', json, true],
  ["{ $.objectList[1].id = 2 }", json, true],
  ["{ $.SomeObject IS NULL }", json, true],
  ["{ $.eventType IS NULL }", json, false],
  ["{ $.SomeOtherObject NOT EXISTS }", json, true],
  ["{ $.SomeObject NOT EXISTS }", json, false],
  ["{ $.ThisFlag IS TRUE }", json, true],
  ["{ $.ThisFlag IS FALSE }", json, false],
  ["{ $.latency > 1.5e3 }", json, true],
  ["{ $.latency <= 1500 }", json, false],
  ['{ ($.latency > 1000) && ($.eventType = "X" || $.ThisFlag IS TRUE) }', json, true],
  ['{ $.latency > 1000 && $.eventType = "X" || $.ThisFlag IS TRUE }', json, true],
  ['{ $.["dotted.name"] = "x" }', json, true],
  ["{ $.['dotted.name'] = \"x\" }", json, true],
  ["{ $.eventType = %Trail$% }", json, true],
  ["{ $.missing = * }", json, false],
  ["{ $.eventType = * }", json, true],
  ['{ $.a = "b" }', "not json", false],
  ['{ $.a = "b" }', "[1]", false],
  ["{ $.[0] = 1 }", "[1]", true],
  ["{ $.toString = * }", "{}", false],
  ["{ $.a }", "{}", undefined],
  ["{ a = 1 }", "{}", undefined],
  ["{ $.a = 1", "{}", undefined],
  ["{ $.a = 1 && }", "{}", undefined],
  ["{ $.a = %x% && $.b = %y% && $.c = %z% }", "{}", undefined],
  ["{ ($.a = 1 }", "{}", undefined],
  ["[ip, user, username, timestamp, request, status, bytes]", access, true],
  ["[ip, user, username, timestamp, request, status]", access, false],
  ["[ip, user, username, timestamp, request, status = 4*, bytes > 1000]", access, true],
  ["[ip, user, username, timestamp, request, status = 2*, bytes]", access, false],
  ["[ip, user, username, timestamp, request = *html*, status = 4*, bytes]", access, true],
  ["[..., status = 404 || status = 410, bytes]", access, true],
  ["[ip != 127.*, ...]", access, false],
  ["[ip = 127.*, ..., bytes < 2000]", access, true],
  ["[ip=%127.0.0.[1-9]%, ...]", access, true],
  ["[..., a, ...]", access, undefined],
  ["[a b]", access, undefined],
  ["[a", access, undefined],
];

for (const [pattern, message, expected] of cases) {
  test(`${pattern || "the empty pattern"} on ${message.slice(0, 30)}: ${expected ?? "refused"}`, () => {
    const compiled = compileFilterPattern(pattern);
    assert.equal(compiled?.(message), expected);
  });
}

test("no expression is slow on a long message", () => {
  const message = "a".repeat(200_000);
  const compiled = compileFilterPattern("%.*.*.*.*.*b%");
  assert.equal(compiled?.(message), false);
  const starred = compileFilterPattern('{ $.a = "*a*a*a*a*b*" }');
  assert.equal(starred?.(JSON.stringify({ a: message })), false);
});

test("an expression that grows too large is refused", () => {
  assert.equal(compileFilterPattern("%a{2001}%"), undefined);
  assert.equal(compileFilterPattern("%a{9999,9999}b{9999}%"), undefined);
});
