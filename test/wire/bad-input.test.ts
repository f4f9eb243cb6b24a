import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import {
  CreateFunctionCommand,
  InvalidParameterValueException,
  LambdaClient,
  ListFunctionsCommand,
  PublishLayerVersionCommand,
} from "@aws-sdk/client-lambda";
import { writeZip } from "#functions/packages/testing/zip.ts";
import { deploy, roleArn, source } from "../support/functions.ts";
import { exchange, parseAnswers } from "../support/raw-http.ts";
import { invoke } from "../support/invoke.ts";
import { type Platform, startPlatform } from "./platform.ts";

let platform: Platform;
let lambda: LambdaClient;
before(async () => {
  platform = await startPlatform();
  lambda = new LambdaClient(platform.client);
  await deploy(lambda, "neighbour", { "index.mjs": await source("echo.mjs") });
});
after(async () => {
  lambda.destroy();
  await platform.stop();
});

async function stillAnswers(): Promise<void> {
  const { payload } = await invoke(lambda, "neighbour", { still: "here" });
  assert.deepEqual((payload as { event: unknown }).event, { still: "here" });
}

describe("archives", () => {
  const unreadable =
    "Could not unzip uploaded file. Please check your file, then try to upload again.";
  const file = 0o100_644;
  const good = writeZip([{ name: "index.mjs", content: "export const handler = () => 1;" }]);
  const link = (target: string) => ({ name: "out", content: target, mode: 0o120_777 });
  const rows: readonly (readonly [string, Uint8Array, string])[] = [
    ["a path that leaves the package", writeZip([{ name: "../evil", content: "x" }]), unreadable],
    ["an absolute path", writeZip([{ name: "/etc/evil", content: "x" }]), unreadable],
    ["a path with backslashes", writeZip([{ name: "..\\evil", content: "x" }]), unreadable],
    ["a name that differs between headers", lying(), unreadable],
    ["a link to an absolute path", writeZip([link("/etc/passwd")]), unreadable],
    ["a link that leaves the package", writeZip([link("../../etc/passwd")]), unreadable],
    [
      "a file below a link",
      writeZip([link("."), { name: "out/x", content: "x", mode: file }]),
      unreadable,
    ],
    ["a device", writeZip([{ name: "disk", mode: 0o060_644 }]), unreadable],
    ["a forged size", forgedSize(), unreadable],
    ["a truncated archive", good.subarray(0, good.length - 10), unreadable],
    ["a damaged entry", damaged(good), unreadable],
    ["something else", Buffer.from("#!/bin/sh\necho no archive\n"), unreadable],
    ["an archive without entries", writeZip([]), "Uploaded file must be a non-empty zip"],
    ["no bytes at all", new Uint8Array(), "Uploaded file must be a non-empty zip"],
    ["a bomb", bomb(), "Unzipped size must be smaller than 262144000 bytes"],
    ["too many entries", crowd(), "A package may have at most 200000 entries"],
  ];
  for (const [what, ZipFile, message] of rows) {
    test(`${what} is refused and leaves nothing behind`, async () => {
      const before = new Set(await listing(platform.dataDir));
      await assert.rejects(
        lambda.send(
          new CreateFunctionCommand({
            FunctionName: "refused",
            Role: roleArn,
            Runtime: "nodejs24.x",
            Handler: "index.handler",
            Code: { ZipFile },
          }),
        ),
        (error: unknown) => {
          assert.ok(error instanceof InvalidParameterValueException, String(error));
          assert.equal(error.$metadata.httpStatusCode, 400);
          assert.equal(error.message, message);
          return true;
        },
      );
      const added = (await listing(platform.dataDir)).filter((path) => !before.has(path));
      assert.deepEqual(added.slice(0, 10), []);
      const { Functions = [] } = await lambda.send(new ListFunctionsCommand({}));
      assert.deepEqual(
        Functions.map((one) => one.FunctionName),
        ["neighbour"],
      );
    });
  }

  test("a layer is read as carefully as a function", async () => {
    await assert.rejects(
      lambda.send(
        new PublishLayerVersionCommand({
          LayerName: "refused",
          Content: { ZipFile: writeZip([{ name: "../../evil", content: "x" }]) },
        }),
      ),
      { name: "InvalidParameterValueException", message: unreadable },
    );
    await stillAnswers();
  });
});

function lying(): Uint8Array {
  return writeZip([{ name: "index.mjs", localName: "../evil", content: "x" }]);
}

function forgedSize(): Uint8Array {
  return writeZip([{ name: "a", content: "x".repeat(100), forged: { uncompressedSize: 5 } }]);
}

function damaged(archive: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(archive);
  copy[45] = (copy[45] ?? 0) ^ 0xff; // in the middle of the deflated bytes
  return copy;
}

/** 10 entries of 30 MB: small to send, over the limit when unzipped. */
function bomb(): Uint8Array {
  const content = Buffer.alloc(30_000_000);
  return writeZip(Array.from({ length: 10 }, (_, index) => ({ name: `zeros-${index}`, content })));
}

/** More entries than the end record has room for: a ZIP64 record names their number. */
function crowd(): Uint8Array {
  const count = 200_001;
  const entries = Array.from({ length: count }, (_, index) => ({ name: `${index}`, stored: true }));
  const archive = writeZip(entries, { count: 0xffff });
  const [records, end] = [archive.subarray(0, -22), archive.subarray(-22)];
  const zip64 = Buffer.alloc(56 + 20);
  zip64.writeUInt32LE(0x06064b50, 0);
  zip64.writeBigUInt64LE(44n, 4); // bytes of this record that follow
  zip64.writeBigUInt64LE(BigInt(count), 24);
  zip64.writeBigUInt64LE(BigInt(count), 32);
  zip64.writeBigUInt64LE(BigInt(end.readUInt32LE(12)), 40);
  zip64.writeBigUInt64LE(BigInt(end.readUInt32LE(16)), 48);
  zip64.writeUInt32LE(0x07064b50, 56);
  zip64.writeBigUInt64LE(BigInt(records.length), 64);
  zip64.writeUInt32LE(1, 72);
  return Buffer.concat([records, zip64, end]);
}

/** Stored archives, unpacked trees and the data folder itself; runtimes and sandboxes come and go. */
async function listing(folder: string): Promise<string[]> {
  const below = async (part: string): Promise<string[]> =>
    (await readdir(join(folder, part), { recursive: true })).map((path) => join(part, path));
  const [blobs, packages] = await Promise.all([below("blobs"), below("work/packages")]);
  return [...(await readdir(folder)), ...blobs, ...packages];
}

describe("HTTP", () => {
  const host = (): string => `localhost:${platform.port}`;
  const rows: readonly (readonly [string, (host: string) => string, number])[] = [
    ["no HTTP at all", () => "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400],
    ["a head without Host", () => "GET /_skerry/health HTTP/1.1\r\n\r\n", 400],
    ["two Host headers", (name) => get("/", `Host: ${name}`, "Host: evil.example"), 400],
    ["the same Host twice", (name) => get("/", `Host: ${name}`, `Host: ${name}`), 400],
    [
      "the absolute form to another host",
      (name) => get("http://evil.example/_skerry/health", `Host: ${name}`),
      400,
    ],
    ["a Host that is not ours", () => get("/_skerry/health", "Host: rebound.example"), 403],
    [
      "a foreign Origin",
      (name) => get("/_skerry/functions", `Host: ${name}`, "Origin: https://evil.example"),
      403,
    ],
    ["the Origin of a sandboxed page", (name) => get("/", `Host: ${name}`, "Origin: null"), 403],
    [
      "Content-Length and Transfer-Encoding",
      (name) =>
        `POST / HTTP/1.1\r\nHost: ${name}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
    ],
    [
      "two lengths",
      (name) =>
        `POST / HTTP/1.1\r\nHost: ${name}\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab`,
      400,
    ],
    [
      "an unknown transfer coding",
      (name) => `POST / HTTP/1.1\r\nHost: ${name}\r\nTransfer-Encoding: chunked, x\r\n\r\n`,
      400,
    ],
    [
      "a chunk without an honest length",
      (name) => `POST / HTTP/1.1\r\nHost: ${name}\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n`,
      400,
    ],
    ["a folded header", (name) => get("/", `Host: ${name}`, "X-A: b\r\n c"), 400],
    ["a blank before the colon", (name) => get("/", `Host: ${name}`, "X-A : b"), 400],
    ["a NUL in a header", (name) => get("/", `Host: ${name}`, "X-A: b\0c"), 400],
    ["a bare line feed as an end", (name) => `GET / HTTP/1.1\nHost: ${name}\n\n`, 400],
    ["a head of 1 MB", (name) => get("/", `Host: ${name}`, `X-A: ${"a".repeat(1_000_000)}`), 431],
  ];
  for (const [what, request, status] of rows) {
    test(`${what} gets ${status} and nothing else`, async () => {
      const answers = parseAnswers(await exchange(platform.port, request(host())));
      assert.deepEqual(
        answers.map((answer) => answer.status),
        [status],
      );
      const health = await fetch(`${platform.endpoint}/_skerry/health`);
      assert.equal(health.status, 200);
      await health.body?.cancel();
    });
  }

  test("CONNECT closes the connection: this is nobody's proxy", async () => {
    const request = "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n";
    assert.equal(await exchange(platform.port, request), "");
    await stillAnswers();
  });

  test("a request hidden in the body of a refused one is never answered", async () => {
    const smuggled = get("/_skerry/health", `Host: ${host()}`);
    const request =
      `POST / HTTP/1.1\r\nHost: ${host()}\r\nContent-Length: ${smuggled.length}\r\n` +
      `Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`;
    const answers = parseAnswers(await exchange(platform.port, request));
    assert.deepEqual(
      answers.map((answer) => answer.status),
      [400],
    );
    await stillAnswers();
  });

  test("a caller who hangs up in the middle of a body takes nothing along", async () => {
    await exchange(
      platform.port,
      `POST /2015-03-31/functions/neighbour/invocations HTTP/1.1\r\nHost: ${host()}\r\nContent-Length: 1000\r\n\r\n{"half":`,
      { hangUp: true },
    );
    await stillAnswers();
  });

  test("JSON that is none is the service's own error, and the function never runs", async () => {
    for (const body of ["{", '{"a":1}{"b":2}', "\xff\xfe", "undefined"]) {
      const response = await fetch(
        `${platform.endpoint}/2015-03-31/functions/neighbour/invocations`,
        { method: "POST", body },
      );
      assert.equal(response.status, 400);
      assert.match(
        response.headers.get("x-amzn-errortype") ?? "",
        /^InvalidRequestContentException/,
      );
      await response.body?.cancel();
    }
    await stillAnswers();
  });
});

function get(target: string, ...headers: readonly string[]): string {
  return `GET ${target} HTTP/1.1\r\n${headers.join("\r\n")}\r\nConnection: close\r\n\r\n`;
}
