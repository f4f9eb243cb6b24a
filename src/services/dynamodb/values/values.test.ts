import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import {
  addNumbers,
  canonicalNumber,
  checkedItem,
  checkedValue,
  compareNumbers,
  compareValues,
  decodeKeyValue,
  encodeKeyValue,
  isEqual,
  itemBytes,
  subtractNumbers,
  valueBytes,
} from "./values.ts";
import type { AttributeValue } from "./values.ts";

/** A number any spelling may have: digits, a power of ten, and where the point stands. */
const decimals = fc
  .record({
    isNegative: fc.boolean(),
    digits: fc.stringMatching(/^[1-9][0-9]{0,37}$/),
    exponent: fc.integer({ min: -90, max: 85 }),
  })
  .map(({ isNegative, digits, exponent }) => ({
    text: `${isNegative ? "-" : ""}${digits}e${exponent}`,
    /** The value times 10^100. */
    scaled: BigInt(`${isNegative ? "-" : ""}${digits}`) * 10n ** BigInt(exponent + 100),
  }));

const spellings: readonly (readonly [string, string])[] = [
  ["0", "0"],
  ["-0", "0"],
  ["000", "0"],
  ["0e500", "0"],
  [".5", "0.5"],
  ["5.", "5"],
  ["+7", "7"],
  ["1.2300", "1.23"],
  ["-0012.50", "-12.5"],
  ["1e3", "1000"],
  ["1E-3", "0.001"],
  ["123.456e1", "1234.56"],
  ["1e125", `1${"0".repeat(125)}`],
  ["1e-130", `0.${"0".repeat(129)}1`],
  ["9".repeat(38), "9".repeat(38)],
  [`${"9".repeat(38)}e88`, `${"9".repeat(38)}${"0".repeat(88)}`],
  [`${"1".repeat(38)}000`, `${"1".repeat(38)}000`],
];

for (const [text, canonical] of spellings) {
  test(`the number ${text.slice(0, 45)} has the text ${canonical.slice(0, 45)}`, () => {
    assert.equal(canonicalNumber(text), canonical);
  });
}

const refusals: readonly (readonly [string, string])[] = [
  ["", "The parameter cannot be converted to a numeric value"],
  ["b", "The parameter cannot be converted to a numeric value: b"],
  ["1e", "The parameter cannot be converted to a numeric value: 1e"],
  [".", "The parameter cannot be converted to a numeric value: ."],
  ["0x10", "The parameter cannot be converted to a numeric value: 0x10"],
  ["NaN", "The parameter cannot be converted to a numeric value: NaN"],
  ["1".repeat(39), "Attempting to store more than 38 significant digits in a Number"],
  [
    "1e126",
    "Number overflow. Attempting to store a number with magnitude larger than supported range",
  ],
  [
    "-1e131",
    "Number overflow. Attempting to store a number with magnitude larger than supported range",
  ],
  [
    "1e-131",
    "Number underflow. Attempting to store a number with magnitude smaller than supported range",
  ],
];

for (const [text, message] of refusals) {
  test(`the number "${text.slice(0, 45)}" is refused`, () => {
    assert.throws(() => canonicalNumber(text), { name: "ValidationException", message });
  });
}

test("arithmetic is exact or refused", () => {
  fc.assert(
    fc.property(decimals, decimals, (left, right) => {
      const [a, b] = [canonicalNumber(left.text), canonicalNumber(right.text)];
      for (const [operate, expected] of [
        [addNumbers, left.scaled + right.scaled],
        [subtractNumbers, left.scaled - right.scaled],
      ] as const) {
        const digits = expected.toString().replace("-", "").replace(/0+$/, "");
        if (digits.length > 38) {
          assert.throws(() => operate(a, b), { name: "ValidationException" });
        } else {
          assert.equal(operate(a, b), canonicalNumber(`${expected}e-100`));
        }
      }
    }),
  );
});

test("a sum of small integers is a sum", () => {
  assert.equal(addNumbers("999999999999999", "1"), "1000000000000000");
  assert.equal(subtractNumbers("1", "1"), "0");
  assert.equal(subtractNumbers("0", "5"), "-5");
});

test("a sum that leaves the range is an overflow", () => {
  const largest = canonicalNumber(`${"9".repeat(38)}e88`);
  assert.throws(() => addNumbers(largest, largest), /^DynamoDBServiceException|Number overflow/);
});

test("numbers are ordered by value, and so are their key bytes", () => {
  fc.assert(
    fc.property(decimals, decimals, (left, right) => {
      const [a, b] = [canonicalNumber(left.text), canonicalNumber(right.text)];
      const order = left.scaled < right.scaled ? -1 : left.scaled > right.scaled ? 1 : 0;
      assert.equal(Math.sign(compareNumbers(a, b)), order);
      const bytes = Buffer.compare(encodeKeyValue({ N: a }), encodeKeyValue({ N: b }));
      assert.equal(bytes, order);
      assert.deepEqual(decodeKeyValue("N", encodeKeyValue({ N: a })), { N: a });
    }),
    { numRuns: 500 },
  );
});

test("numbers near each other and near zero keep their order as key bytes", () => {
  const ascending = ["-1e125", "-1000", "-12", "-11.9", "-11", "-1.01", "-1", "-1e-130", "0"];
  ascending.push("1e-130", "0.001", "1", "1.01", "11", "11.9", "12", "1000", "1e125");
  const bytes = ascending.map((text) => encodeKeyValue({ N: canonicalNumber(text) }));
  assert.deepEqual(
    bytes.toSorted((left, right) => Buffer.compare(left, right)),
    bytes,
  );
});

test("strings are ordered by their UTF-8, and come back from key bytes", () => {
  const texts = fc.string({ unit: "binary" });
  fc.assert(
    fc.property(texts, texts, (left, right) => {
      const [a, b] = [encodeKeyValue({ S: left }), encodeKeyValue({ S: right })];
      assert.equal(
        Math.sign(compareValues({ S: left }, { S: right }) ?? Number.NaN),
        Buffer.compare(a, b),
      );
      assert.deepEqual(decodeKeyValue("S", a), { S: left });
    }),
  );
});

test("a binary is its own key bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      assert.deepEqual(decodeKeyValue("B", encodeKeyValue({ B: bytes })), { B: bytes });
    }),
  );
});

const empty =
  "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes";
const invalid = "One or more parameter values were invalid: ";
const badValues: readonly (readonly [string, object, string])[] = [
  ["nothing", {}, empty],
  ["nothing in a map", { M: { a: {} } }, empty],
  ["nothing in a list", { L: [{}] }, empty],
  [
    "two types",
    { S: "a", N: "1" },
    "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes",
  ],
  ["an empty string set", { SS: [] }, `${invalid}An string set  may not be empty`],
  ["an empty number set", { NS: [] }, `${invalid}An number set  may not be empty`],
  ["an empty binary set", { BS: [] }, `${invalid}Binary sets should not be empty`],
  [
    "a doubled string",
    { SS: ["a", "a"] },
    `${invalid}Input collection [a, a] contains duplicates.`,
  ],
  ["a doubled number", { NS: ["1", "1.0"] }, "Input collection contains duplicates"],
  [
    "a doubled binary",
    { BS: [Buffer.from("b"), Buffer.from("b")] },
    `${invalid}Input collection [Yg==, Yg==]of type BS contains duplicates.`,
  ],
];

for (const [what, value, message] of badValues) {
  test(`${what} is no value`, () => {
    assert.throws(() => checkedValue(value as AttributeValue), {
      name: "ValidationException",
      message,
    }); // what a caller may send is any object
  });
}

test("31 lists and maps around a value are allowed and 32 are not", () => {
  const nested = (levels: number): AttributeValue =>
    levels === 0
      ? { S: "x" }
      : levels % 2 === 0
        ? { L: [nested(levels - 1)] }
        : { M: { a: nested(levels - 1) } };
  assert.doesNotThrow(() => checkedValue(nested(31)));
  assert.throws(() => checkedValue(nested(32)), /Nesting Levels have exceeded supported limits/);
});

test("checking changes nothing but the text of numbers", () => {
  const item = { a: { M: { b: { L: [{ N: "1.0" }, { S: "" }] } } }, n: { NS: ["2", "01"] } };
  assert.deepEqual(checkedItem(item), {
    a: { M: { b: { L: [{ N: "1" }, { S: "" }] } } },
    n: { NS: ["2", "1"] },
  });
  const plain = { a: { N: "1" }, b: { M: { c: { BOOL: false } } } };
  assert.equal(checkedItem(plain), plain);
});

test("a null is a null, whatever it says", () => {
  assert.deepEqual(checkedItem({ a: { L: [{ NULL: false as true }] } }), {
    a: { L: [{ NULL: true }] },
  }); // the SDK's type knows only true
});

test("an attribute may be called __proto__", () => {
  const item = JSON.parse('{"__proto__":{"N":"1.0"}}') as Record<string, AttributeValue>; // as the wire reads it
  const checked = checkedItem(item);
  assert.equal(Object.getPrototypeOf(checked), Object.prototype);
  assert.deepEqual(Object.entries(checked), [["__proto__", { N: "1" }]]);
});

const sizes: readonly (readonly [AttributeValue, number])[] = [
  [{ S: "é" }, 2],
  [{ N: "0" }, 1],
  [{ N: "1" }, 2],
  [{ N: "12" }, 2],
  [{ N: "123" }, 3],
  [{ N: "1.2" }, 3],
  [{ N: "100.5" }, 4],
  [{ N: "3.14159" }, 5],
  [{ N: "123456" }, 4],
  [{ N: "0.15" }, 2],
  [{ N: "1010" }, 3],
  [{ N: "-1" }, 3],
  [{ N: "100" }, 2],
  [{ N: "9".repeat(38) }, 20],
  [{ B: new Uint8Array(5) }, 5],
  [{ BOOL: false }, 1],
  [{ NULL: true }, 1],
  [{ SS: ["a", "bc"] }, 3],
  [{ NS: ["1", "12"] }, 4],
  [{ L: [] }, 3],
  [{ L: [{ S: "abc" }, { BOOL: true }] }, 9],
  [{ M: {} }, 3],
  [{ M: { ab: { S: "c" } } }, 7],
];

for (const [value, bytes] of sizes) {
  test(`${JSON.stringify(value).slice(0, 60)} counts ${bytes} bytes`, () => {
    assert.equal(valueBytes(value), bytes);
  });
}

test("an item counts its names", () => {
  assert.equal(itemBytes({ id: { S: "abc" }, naïve: { NULL: true } }), 5 + 7);
});

test("sets are equal in any order, lists in theirs", () => {
  assert.ok(isEqual({ SS: ["a", "b"] }, { SS: ["b", "a"] }));
  assert.ok(
    isEqual(
      { BS: [Uint8Array.of(1), Uint8Array.of(2)] },
      { BS: [Uint8Array.of(2), Uint8Array.of(1)] },
    ),
  );
  assert.ok(!isEqual({ NS: ["1"] }, { NS: ["1", "2"] }));
  assert.ok(!isEqual({ L: [{ S: "a" }, { S: "b" }] }, { L: [{ S: "b" }, { S: "a" }] }));
  assert.ok(
    isEqual({ M: { a: { N: "1" }, b: { L: [] } } }, { M: { b: { L: [] }, a: { N: "1" } } }),
  );
  assert.ok(!isEqual({ M: { a: { N: "1" } } }, { M: { toString: { N: "1" } } }));
  assert.ok(!isEqual({ S: "1" }, { N: "1" }));
});
