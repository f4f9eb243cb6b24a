import assert from "node:assert/strict";
import { test } from "node:test";
import { DescribeLogGroups$ } from "@aws-sdk/client-cloudwatch-logs";
import type * as Logs from "@aws-sdk/client-cloudwatch-logs";
import type { RequestContext } from "#base/context.ts";
import { rootPrincipal } from "#protocol/protocol.ts";
import { defineService } from "#protocol/service/service.ts";
import {
  type Constraints,
  type ConstraintTable,
  type ConstraintWording,
  createConstraintCheck,
} from "./constraints.ts";
import * as limits from "./limits.ts";

class Refusal extends Error {}

const wording: ConstraintWording = {
  error: (message) => new Refusal(message),
  reports: "each-demand",
  shown: { structures: "json" },
};
const perMember: ConstraintWording = {
  ...wording,
  reports: "each-member",
  shown: { structures: "pairs" },
};

/** What is said of `input` to an operation of any name; undefined when nothing is. */
function said(members: Constraints, input: object, how = wording): string | undefined {
  return saidOf({ everywhere: members, only: {} }, input, { how });
}

function saidOf(
  table: ConstraintTable,
  input: object,
  { how = wording, operation = "Any" }: { how?: ConstraintWording; operation?: string },
): string | undefined {
  try {
    createConstraintCheck(table, how).check(operation, input);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof Refusal);
    return error.message;
  }
}

const failed = "failed to satisfy constraint: Member must";

test("bounds are inclusive, for the value of numbers and the length of all else", () => {
  const between: Constraints = { Of: { min: 2, max: 3 } };
  const values = (size: number): unknown[] => [
    size,
    "x".repeat(size),
    Array.from({ length: size }, () => "x"),
    Object.fromEntries(Array.from({ length: size }, (_, index) => [`k${index}`, "x"])),
  ];
  for (const Of of [...values(2), ...values(3), undefined, null]) {
    assert.equal(said(between, { Of }), undefined);
  }
  for (const [index, Of] of values(1).entries()) {
    const measure = index === 0 ? "value" : "length";
    assert.match(said(between, { Of }) ?? "", new RegExp(`${measure} greater than or equal to 2$`));
  }
  for (const Of of values(4)) {
    assert.match(said(between, { Of }) ?? "", /less than or equal to 3$/);
  }
  assert.match(said(between, { Of: NaN }) ?? "", /value greater than or equal to 2$/);
});

test("a pattern must match the whole text", () => {
  const members: Constraints = { Name: { pattern: "a|b" } };
  assert.equal(said(members, { Name: "b" }), undefined);
  assert.equal(
    said(members, { Name: "ab" }),
    `1 validation error detected: Value 'ab' at 'name' ${failed} satisfy regular expression pattern: a|b`,
  );
});

test("every demand of every value is told, entries by their place", () => {
  const key = { min: 1, pattern: "[a-z]+" };
  const members: Constraints = {
    "Tags[].Key": key,
    Names: { max: 1, items: key },
    Pairs: { names: key, items: { values: ["x", "y"] } },
  };
  const input = { Tags: [{ Key: "ok" }, { Key: "" }], Names: ["a", "B"], Pairs: { C: "z" } };
  const pattern = "satisfy regular expression pattern: [a-z]+";
  assert.equal(
    said(members, input),
    `6 validation errors detected: ${[
      `Value '' at 'tags.2.member.key' ${failed} have length greater than or equal to 1`,
      `Value '' at 'tags.2.member.key' ${failed} ${pattern}`,
      `Value '[a, B]' at 'names' ${failed} have length less than or equal to 1`,
      `Value 'B' at 'names.2.member' ${failed} ${pattern}`,
      `Value 'C' at 'pairs' ${failed} ${pattern}`,
      `Value 'z' at 'pairs.C.member' ${failed} satisfy enum value set: [x, y]`,
    ].join("; ")}`,
  );
});

test("or one demand of each member, and of a container all that its entries must satisfy", () => {
  const name = { min: 1, pattern: "[a-z]+" };
  const members: Constraints = {
    KMSKeyArn: name,
    "Vpc.Ids": { items: { max: 2 } },
    Weights: { names: name, items: { min: 0, max: 1 } },
  };
  const input = { KMSKeyArn: "", Vpc: { Ids: ["abc"] }, Weights: { a: 2 } };
  assert.equal(
    said(members, input, perMember),
    `3 validation errors detected: ${[
      `Value '' at 'kMSKeyArn' ${failed} have length greater than or equal to 1`,
      `Value '[abc]' at 'vpc.ids' ${failed} satisfy constraint: [Member must have length less than or equal to 2, Member must not be null]`,
      "Value '{a=2}' at 'weights' failed to satisfy constraint: Map value must satisfy constraint: [Member must have value less than or equal to 1, Member must have value greater than or equal to 0, Member must not be null]",
    ].join("; ")}`,
  );
  assert.match(
    said(members, { Weights: { A: 1 } }, perMember) ?? "",
    /Map keys must satisfy constraint: \[Member must have length greater than or equal to 1, /,
  );
});

test("an operation's own row replaces the one for all, in its place", () => {
  const table: ConstraintTable = {
    everywhere: { Limit: { max: 50 }, Name: { max: 1 } },
    only: { Filter: { Limit: { max: 10_000 } } },
  };
  assert.equal(saidOf(table, { Limit: 51 }, { operation: "Filter" }), undefined);
  assert.match(saidOf(table, { Limit: 51 }, { operation: "Get" }) ?? "", /equal to 50$/);
  const both = saidOf(table, { Limit: 10_001, Name: "ab" }, { operation: "Filter" });
  assert.match(both ?? "", /^2 .* at 'limit' .* at 'name' /);
});

test("a mismatch is told in the service's own sentence, alone", () => {
  const members: Constraints = {
    Path: { max: 1 },
    Name: { min: 1, max: 3, pattern: "[a-z]+", mismatch: (at) => `${at} is strange` },
  };
  assert.equal(said(members, { Path: "//", Name: "a b c" }), "name is strange");
  assert.match(said(members, { Name: "" }) ?? "", /^2 validation errors/);
  assert.match(said(members, { Name: "abcd" }) ?? "", /^1 validation error .* equal to 3$/);
});

test("a sensitive value is not repeated, a long one is cut", () => {
  const secret: Constraints = { Secret: { max: 1, sensitive: true } };
  assert.equal(
    said(secret, { Secret: "hush" }),
    `1 validation error detected: Value at 'secret' ${failed} have length less than or equal to 1`,
  );
  const cut = { ...wording, shown: { structures: "json", charactersMax: 3 } } as const;
  assert.match(said({ Text: { max: 1 } }, { Text: "abcdef" }, cut) ?? "", /Value 'abc…' at/);
});

test("a bounded number of breaches is told, all of their row are counted", () => {
  const members: Constraints = { List: { items: { max: 1 } } };
  const input = { List: Array.from({ length: 5_000 }, () => "ab") };
  const message = said(members, input) ?? "";
  assert.match(message, /^5000 validation errors detected: /);
  assert.equal(message.split("; ").length, limits.breachesMax);
  const few = said(members, input, { ...wording, breachesMax: 2 });
  assert.equal(few?.split("; ").length, 2);
});

test("an oversized text never meets its pattern", () => {
  const members: Constraints = { Name: { max: 10, pattern: "(a+)+" } }; // takes for ever on a^n b
  const text = `${"a".repeat(40)}b`;
  assert.match(
    said(members, { Name: text }, perMember) ?? "",
    /^1 validation error .* equal to 10$/,
  );
  const huge = `${"a".repeat(limits.matchedCharactersMax)}b`;
  assert.match(said(members, { Name: huge }) ?? "", /^1 validation error .* equal to 10$/);
});

test("a guarded service refuses before its handler and otherwise answers as before", async () => {
  const seen: string[] = [];
  const service = defineService<typeof Logs>(
    {
      sdkId: "CloudWatch Logs",
      signingName: "logs",
      endpointPrefix: "logs",
      protocols: ["awsJson1_1"],
      apiVersion: "2014-03-28",
    },
    {
      DescribeLogGroups: [
        DescribeLogGroups$,
        async ({ nextToken = "none" }) => {
          seen.push(nextToken);
          return { logGroups: [] };
        },
      ],
    },
  );
  const table: ConstraintTable = { everywhere: { nextToken: { max: 1 } }, only: {} };
  const guarded = createConstraintCheck(table, wording).guard(service);
  assert.equal(guarded.description, service.description);
  const operation = guarded.operations.get("DescribeLogGroups");
  assert.ok(operation);
  assert.equal(operation.schema, DescribeLogGroups$);
  assert.deepEqual(await operation.handle({ nextToken: "a" }, context), { logGroups: [] });
  await assert.rejects(operation.handle({ nextToken: "ab" }, context), Refusal);
  assert.deepEqual(seen, ["a"]);
});

const context: RequestContext = {
  requestId: "00000000-0000-4000-8000-000000000000",
  principal: rootPrincipal("000000000000"),
  region: "us-east-1",
  deadlineMs: 0,
  signal: new AbortController().signal,
  trace: { traceId: "1-0-0", spanId: undefined, sampled: false, hops: 0 },
  endpoint: "http://localhost",
  log: { event: () => undefined },
};
