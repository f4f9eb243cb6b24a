import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isPlatformError } from "#base/errors.ts";
import { systemRandom } from "#base/random.ts";
import { openBodies } from "./bodies.ts";

async function inFolder(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "skerry-bodies-"));
  try {
    await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function readAll(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(pieces));
}

test("a body is read back whole and in part, before and after it is adopted", () =>
  inFolder(async (directory) => {
    const bodies = await openBodies({ directory, random: systemRandom });
    const bytes = randomBytes(1_300_000);
    await using writer = await bodies.create();
    for (let at = 0; at < bytes.length; at += 70_000) {
      await writer.write(bytes.subarray(at, at + 70_000));
    }
    await writer.finish();
    const whole = { start: 0, end: bytes.length };
    assert.ok(bytes.equals(await readAll(bodies.stream(writer.id, whole))));
    await bodies.adopt(writer.id);
    await bodies.adopt(writer.id); // a second time is nothing new
    const part = await readAll(bodies.stream(writer.id, { start: 262_143, end: 600_001 }));
    assert.ok(bytes.subarray(262_143, 600_001).equals(part));
  }));

test("what is not finished goes with its writer, and what is deleted is missing", () =>
  inFolder(async (directory) => {
    const bodies = await openBodies({ directory, random: systemRandom });
    let id = "";
    {
      await using writer = await bodies.create();
      ({ id } = writer);
      await writer.write(Buffer.from("half"));
    }
    assert.deepEqual(await readdir(join(directory, "incoming")), []);
    await assert.rejects(readAll(bodies.stream(id, { start: 0, end: 4 })), (error) =>
      isPlatformError(error, "blob.missing"),
    );
    await bodies.delete(id);
  }));

test("a body shorter than its record says is corrupt", () =>
  inFolder(async (directory) => {
    const bodies = await openBodies({ directory, random: systemRandom });
    await using writer = await bodies.create();
    await writer.write(Buffer.from("abc"));
    await writer.finish();
    await assert.rejects(readAll(bodies.stream(writer.id, { start: 0, end: 10 })), (error) =>
      isPlatformError(error, "blob.corrupt"),
    );
  }));

test("a living process leaves nothing over, whatever it has not adopted", () =>
  inFolder(async (directory) => {
    const bodies = await openBodies({ directory, random: systemRandom });
    await using writer = await bodies.create();
    await writer.finish();
    const again = await openBodies({ directory, random: systemRandom });
    assert.deepEqual(await again.leftovers(), []);
  }));
