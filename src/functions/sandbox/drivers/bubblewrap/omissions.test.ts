import assert from "node:assert/strict";
import { test } from "node:test";
import { cutArguments } from "./omissions.ts";

const profile = ["--ro-bind", "/dev/null", "/proc/keys", "--ro-bind", "/x", "/proc/acpi", "--new"];

test("a cut takes out the run it names, and puts another in its place", () => {
  const cuts = [
    { words: ["--ro-bind", null, "/proc/acpi"] },
    { words: ["--new"], instead: ["--old", "1"] },
    { words: ["--ro-bind", null, "/proc/keys"], instead: ["--bind", null, "/proc/keys"] },
  ];
  const left = ["--bind", "/dev/null", "/proc/keys", "--old", "1"];
  assert.deepEqual(cutArguments(profile, cuts), left);
});

test("nothing to leave out leaves everything", () => {
  assert.deepEqual(cutArguments(profile, undefined), profile);
});

test("a cut that finds nothing is an error", () => {
  const cuts = [{ words: ["--ro-bind", "/dev/null", "/proc/acpi"] }];
  assert.throws(() => cutArguments(profile, cuts), /no such run of arguments/);
});
