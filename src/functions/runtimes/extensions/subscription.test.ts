import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { renderEvent } from "./schema.ts";
import { parseSubscription } from "./subscription.ts";

const destination = { protocol: "HTTP", URI: "http://sandbox.localdomain:8080/in?a=1" };
const telemetry = (changes: object): ReturnType<typeof parseSubscription> =>
  parseSubscription(
    "telemetry",
    JSON.stringify({ schemaVersion: "2022-12-13", types: ["platform"], destination, ...changes }),
    4566,
  );

describe("a subscription", () => {
  test("has the service's defaults where nothing is said", () => {
    assert.deepEqual(telemetry({}), {
      api: "telemetry",
      schemaVersion: "2022-12-13",
      types: ["platform"],
      destination: { protocol: "HTTP", port: 8080, path: "/in?a=1", method: "POST" },
      buffering: { maxItems: 10_000, maxBytes: 262_144, timeoutMs: 1_000 },
    });
    const logs = parseSubscription(
      "logs",
      JSON.stringify({ types: ["function"], destination: { protocol: "TCP", port: 53 } }),
      4566,
    );
    assert.partialDeepStrictEqual(logs, {
      schemaVersion: "2020-08-15",
      destination: { protocol: "TCP", port: 53 },
    });
  });

  test("outside of its ranges is refused with the name of the member", () => {
    const rows: readonly (readonly [object, RegExp])[] = [
      [{ schemaVersion: "2021-03-18" }, /^schemaVersion must be one of 2022-07-01/],
      [{ types: [] }, /^types must name/],
      [{ types: ["platform", "other"] }, /^types may only hold/],
      [{ types: "platform" }, /^types must name/],
      [{ buffering: { maxItems: 999 } }, /^buffering\.maxItems must be an integer from 1000/],
      [{ buffering: { maxBytes: 1.5 } }, /^buffering\.maxBytes/],
      [{ buffering: { timeoutMs: "100" } }, /^buffering\.timeoutMs/],
      [{ buffering: [] }, /^buffering must be an object/],
      [{ destination: undefined }, /^destination must be an object/],
      [{ destination: { protocol: "UDP" } }, /^destination\.protocol/],
      [{ destination: { protocol: "TCP", port: 9001 } }, /^destination\.port/],
      [{ destination: { protocol: "TCP", port: "80" } }, /^destination\.port/],
      [{ destination: { ...destination, method: "PUT" } }, /^destination\.method/],
      [{ destination: { ...destination, URI: "http://example.com:80" } }, /^destination\.URI/],
      [{ destination: { ...destination, URI: "https://sandbox:80" } }, /^destination\.URI/],
      [{ destination: { ...destination, URI: "http://sandbox:4566" } }, /^destination\.URI/],
      [{ destination: { ...destination, URI: "nonsense" } }, /^destination\.URI/],
    ];
    for (const [changes, message] of rows) {
      const found = telemetry(changes);
      assert.ok(typeof found === "string", JSON.stringify(changes));
      assert.match(found, message);
    }
    for (const body of ["", "[]", "null", "1", "{"]) {
      assert.equal(parseSubscription("telemetry", body, 4566), "the body is no JSON object");
    }
  });
});

describe("an event", () => {
  const time = "2026-11-25T10:00:00.000Z";
  const show = (type: string, record: unknown, how: object = {}, isJson = false): unknown => {
    const wanted = {
      api: "telemetry",
      schemaVersion: "2022-12-13",
      types: ["platform", "function", "extension"],
      ...how,
    } as Parameters<typeof renderEvent>[1]; // the rows below are of its type
    const text = renderEvent({ time, type, record, isJson }, wanted);
    return text === undefined ? undefined : (JSON.parse(text) as { record: unknown }).record;
  };
  const logs = { api: "logs", schemaVersion: "2021-03-18" };

  test("is left out where its stream was not asked for", () => {
    assert.equal(show("function", "line", { types: ["platform"] }), undefined);
    assert.equal(show("platform.start", {}, { types: ["function"] }), undefined);
    assert.equal(show("extension", "line", { types: ["extension"] }), "line");
  });

  test("of a function that logs JSON is embedded since 2022-12-13, if it is an object", () => {
    assert.deepEqual(show("function", '{"a":1}', {}, true), { a: 1 });
    assert.equal(show("function", '{"a":1}', { schemaVersion: "2022-07-01" }, true), '{"a":1}');
    assert.equal(show("function", '{"a":1}', {}, false), '{"a":1}');
    assert.equal(show("function", "[1]", {}, true), "[1]");
    assert.equal(show("function", "{no", {}, true), "{no");
    assert.equal(show("function", '{"a":1}', logs, true), '{"a":1}');
  });

  test("has fewer members in the Logs API, which knows no init", () => {
    assert.equal(show("platform.initStart", {}, logs), undefined);
    assert.equal(show("platform.telemetrySubscription", {}, logs), undefined);
    assert.equal(show("platform.logsSubscription", {}), undefined);
    assert.equal(show("platform.end", { requestId: "r" }), undefined);
    assert.deepEqual(show("platform.end", { requestId: "r" }, logs), { requestId: "r" });
    const done = { requestId: "r", status: "success", metrics: { durationMs: 1 } };
    assert.deepEqual(show("platform.runtimeDone", done), done);
    assert.deepEqual(show("platform.runtimeDone", done, logs), {
      requestId: "r",
      status: "success",
    });
    assert.equal(
      show("platform.runtimeDone", done, { ...logs, schemaVersion: "2020-08-15" }),
      undefined,
    );
    const report = { requestId: "r", metrics: { durationMs: 1 }, status: "success" };
    assert.deepEqual(show("platform.report", report, logs), {
      requestId: "r",
      metrics: { durationMs: 1 },
    });
  });
});
