import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { recordCodec } from "./records.ts";

describe("records", () => {
  it("come back as they went, bytes included", () => {
    const codec = recordCodec<unknown>(3);
    const value = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.string(),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.uint8Array(),
        fc.array(tie("value"), { maxLength: 4 }),
        fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), tie("value"), {
          maxKeys: 4,
          noNullPrototype: true,
        }),
      ),
    })).value;
    fc.assert(
      fc.property(value, (record) => {
        assert.deepEqual(codec.decode(codec.encode(record)), record);
      }),
    );
  });

  it("hold Buffers as bytes, also when the encoding is a view of something larger", () => {
    const codec = recordCodec<{ readonly body: Uint8Array }>(1);
    const encoded = codec.encode({ body: Buffer.from("rock") });
    const surrounded = new Uint8Array(encoded.byteLength + 10).fill(0x22);
    surrounded.set(encoded, 5);
    const decoded = codec.decode(surrounded.subarray(5, 5 + encoded.byteLength));
    assert.deepEqual(decoded, { body: Uint8Array.from(Buffer.from("rock")) });
  });

  it("of an older version are upgraded, and of a newer one refused", () => {
    const old = recordCodec<{ readonly name: string }>(1);
    const current = recordCodec<{ readonly title: string }>(2, (record, fromVersion) => {
      assert.equal(fromVersion, 1);
      return { title: (record as { name: string }).name }; // what version 1 wrote
    });
    assert.deepEqual(current.decode(old.encode({ name: "skerry" })), { title: "skerry" });
    assert.throws(() => old.decode(current.encode({ title: "x" })), /version 2 can be read/);
    assert.throws(() => recordCodec(0), /1 to 255/);
  });
});
