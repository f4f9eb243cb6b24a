import assert from "node:assert/strict";
import {
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  readlink,
  rm,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isPlatformError } from "#base/errors.ts";
import { archiveLimits, messages, readArchive } from "./archive.ts";
import { overlappingBomb, repeatedBomb } from "./testing/bombs.ts";
import { writeZip, type ZipEntry } from "./testing/zip.ts";
import { checkArchive, unpackArchive } from "./unpack.ts";

const link = 0o120_777;
const good: ZipEntry = { name: "index.js", content: "exports.handler = 1" };
const stuffed = Buffer.alloc(2 * 1024 * 1024);

const refused: Readonly<Record<string, Uint8Array>> = {
  "a path with ..": writeZip([good, { name: "../evil", content: "x" }]),
  "a path with .. in the middle": writeZip([{ name: "a/../../evil", content: "x" }]),
  "a path that ends in ..": writeZip([{ name: "a/.." }]),
  "an absolute path": writeZip([{ name: "/etc/passwd", content: "x" }]),
  "a drive letter": writeZip([{ name: "C:/evil", content: "x" }]),
  "a drive letter without slash": writeZip([{ name: "c:evil", content: "x" }]),
  "a backslash": writeZip([{ name: "a\\b", content: "x" }]),
  "a backslash with ..": writeZip([{ name: "..\\evil", content: "x" }]),
  "a UNC path": writeZip([{ name: "\\\\host\\share", content: "x" }]),
  "a NUL in the name": writeZip([{ name: "a\0b", content: "x" }]),
  "a name that is empty": writeZip([{ name: "", content: "x" }]),
  "a name over 1,024 bytes": writeZip([{ name: `${"d/".repeat(520)}f`, content: "x" }]),
  "a part over 255 bytes": writeZip([{ name: "n".repeat(256), content: "x" }]),
  "a link out of the tree": writeZip([{ name: "l", content: "../x", mode: link }]),
  "a deep link out of the tree": writeZip([{ name: "a/l", content: "b/../../../x", mode: link }]),
  "a link that leaves and returns": writeZip([{ name: "l", content: "../task/x", mode: link }]),
  "an absolute link": writeZip([{ name: "l", content: "/etc/passwd", mode: link }]),
  "a link without a target": writeZip([{ name: "l", content: "", mode: link }]),
  "a link with a NUL": writeZip([{ name: "l", content: "a\0", mode: link }]),
  "a link with an endless target": writeZip([{ name: "l", content: "t".repeat(2000), mode: link }]),
  "a file below a link": writeZip([
    { name: "l", content: "a", mode: link },
    { name: "l/f", content: "x" },
  ]),
  "a file below a file": writeZip([good, { name: "index.js/f", content: "x" }]),
  "a file that is a directory too": writeZip([{ name: "a/" }, { name: "a", content: "x" }]),
  "a link in place of a file": writeZip([good, { name: "index.js", content: "a", mode: link }]),
  "a directory in place of a link": writeZip([
    { name: "l", content: "a", mode: link },
    { name: "l/" },
  ]),
  "a character device": writeZip([{ name: "null", mode: 0o020_666 }]),
  "a block device": writeZip([{ name: "sda", mode: 0o060_666 }]),
  "a named pipe": writeZip([{ name: "pipe", mode: 0o010_666 }]),
  "a socket": writeZip([{ name: "socket", mode: 0o140_666 }]),
  "another name in the local header": writeZip([{ ...good, localName: "other.js" }]),
  "another method in the local header": writeZip([{ ...good, forged: { localMethod: 0 } }]),
  "a wrong checksum": writeZip([{ ...good, forged: { crc32: 7 } }]),
  "a size that is too small": writeZip([
    { name: "f", content: stuffed, forged: { uncompressedSize: 10 } },
  ]),
  "a size that is too large": writeZip([{ ...good, forged: { uncompressedSize: 1e6 } }]),
  "an encrypted entry": writeZip([{ ...good, forged: { flags: 0x801 } }]),
  "strong encryption": writeZip([{ ...good, forged: { flags: 0x841 } }]),
  "an unknown compression": writeZip([{ ...good, forged: { method: 12, localMethod: 12 } }]),
  "deflate data that is none": writeZip([{ ...good, forged: { data: Buffer.from("nonsense") } }]),
  "data that ends early": writeZip([{ ...good, forged: { compressedSize: 5_000 } }]),
  "more entries announced than there are": writeZip([good], { count: 3 }),
  "no archive at all": Buffer.from("this is not a zip archive, it is a sentence"),
  "an empty body": Buffer.alloc(0),
  "an archive without its end": writeZip([good]).subarray(0, -10),
  "an archive without its middle": Buffer.concat([
    writeZip([good]).subarray(0, 20),
    writeZip([good]).subarray(-40),
  ]),
  "a link that is made first and written through after": writeZip([
    { name: "out", content: "inside", mode: link },
    { name: "inside/" },
    { name: "out/../../evil", content: "x" },
  ]),
  "a link to itself by way of ..": writeZip([{ name: "a/l", content: "../../a/l", mode: link }]),
  "a link to another drive": writeZip([{ name: "l", content: "/c:/windows", mode: link }]),
  "a file in place of a link": writeZip([
    { name: "l", content: "a", mode: link },
    { name: "l", content: "x" },
  ]),
  "a directory below a link": writeZip([{ name: "l", content: "a", mode: link }, { name: "l/d/" }]),
  "only dots": writeZip([{ name: "..", content: "x" }]),
  "dots between slashes": writeZip([{ name: "a//..//..//evil", content: "x" }]),
  "a device of another name": writeZip([
    { name: "dev/", mode: 0o020_666 },
    good,
    { name: "dev/x", mode: 0o060_600 },
  ]),
  "a name that is longer in the local header": writeZip([
    { ...good, localName: "index.js/../../evil" },
  ]),
  "a size that needs ZIP64 and has none": writeZip([
    { ...good, forged: { uncompressedSize: 0xffff_ffff } },
  ]),
  "a packed size beyond the file": writeZip([{ ...good, forged: { compressedSize: 0x7fff_ffff } }]),
  "a checksum of nothing": writeZip([{ name: "f", content: stuffed, forged: { crc32: 0 } }]),
  "stored data that claims to be deflated": writeZip([
    {
      name: "f",
      content: "plain",
      stored: true,
      forged: { method: 8, localMethod: 8, data: Buffer.from("plain") },
    },
  ]),
  "a directory that has moved": moved(writeZip([good])),
  "an end that points beyond itself": beyond(writeZip([good])),
  "bytes behind the end": Buffer.concat([writeZip([good]), Buffer.from("tail")]),
};

for (const [name, zip] of Object.entries(refused)) {
  test(`an archive with ${name} is refused and nothing appears outside`, async () => {
    await using place = await temporaryPlace();
    for (const work of [() => checkArchive(zip, archiveLimits), () => unpackIn(place.path, zip)])
      await assert.rejects(work, (error: unknown) => {
        assert(isPlatformError(error, "package.invalid"), String(error));
        assert.equal(error.message, messages.unreadable);
        return true;
      });
    assert.deepEqual((await readdir(place.path)).toSorted(), ["archive.zip", "tree"]);
  });
}

/** The end record's directory offset, one byte off. */
function moved(zip: Buffer): Buffer {
  zip.writeUInt32LE(zip.readUInt32LE(zip.length - 6) + 1, zip.length - 6);
  return zip;
}

function beyond(zip: Buffer): Buffer {
  zip.writeUInt32LE(0x7fff_ffff, zip.length - 6);
  return zip;
}

const tooLarge: Readonly<Record<string, Uint8Array>> = {
  "one file": writeZip([{ name: "f", content: stuffed }]),
  "many files": writeZip(
    Array.from({ length: 9 }, (_, n) => ({ name: `f${n}`, content: stuffed.subarray(0, 200_000) })),
  ),
  "one name many times": writeZip(
    Array.from({ length: 9 }, () => ({ name: "f", content: stuffed.subarray(0, 200_000) })),
  ),
};
for (const [name, zip] of Object.entries(tooLarge)) {
  test(`${name} beyond the unzipped limit: refused with the service's words`, async () => {
    await using place = await temporaryPlace();
    const limits = { ...archiveLimits, bytesMax: 1024 * 1024 };
    const expected = { code: "package.too-large", message: messages.tooLarge(1024 * 1024) };
    await assert.rejects(checkArchive(zip, limits), expected);
    await assert.rejects(unpackIn(place.path, zip, limits), expected);
  });
}

test("the default limit is the one AWS documents", () => {
  assert.equal(
    messages.tooLarge(archiveLimits.bytesMax),
    "Unzipped size must be smaller than 262144000 bytes",
  );
});

test("a bomb with a forged size stops at the limit, not at the end", async () => {
  const bomb = writeZip([{ name: "f", content: Buffer.alloc(64 * 1024 * 1024) }]);
  assert(bomb.length < 100_000);
  const limits = { ...archiveLimits, bytesMax: 1024 * 1024 };
  await assert.rejects(checkArchive(bomb, limits), { code: "package.too-large" });
});

test("entries that share their bytes count each time they are inflated", async () => {
  const bombs = [overlappingBomb(64, 1024 * 1024), repeatedBomb(64, 1024 * 1024)];
  for (const bomb of bombs) {
    assert(bomb.length < 32_000, `${bomb.length} bytes for 64 MiB`);
    const sizes: number[] = [];
    const limits = { ...archiveLimits, bytesMax: 8 * 1024 * 1024 };
    const reading = readArchive(
      bomb,
      async (entry) => {
        let byteCount = 0;
        for await (const piece of entry.content()) byteCount += piece.byteLength;
        sizes.push(byteCount);
      },
      limits,
    );
    await assert.rejects(reading, (error) => {
      assert(isPlatformError(error), String(error));
      return ["package.too-large", "package.invalid"].includes(error.code);
    });
    assert(sizes.reduce((sum, size) => sum + size, 0) <= limits.bytesMax);
  }
});

test("the overlapping bomb is a true archive: a small one passes", async () => {
  const { byteCount, entryCount } = await checkArchive(overlappingBomb(3, 1_000), archiveLimits);
  assert.deepEqual([byteCount, entryCount], [1_000 + 1_032 + 1_064, 3]);
});

test("archives inside of archives stay files, however deep", async () => {
  let inner = writeZip([{ name: "zeros", content: Buffer.alloc(1_000_000) }]);
  for (let depth = 0; depth < 5; depth++)
    inner = writeZip(Array.from({ length: 16 }, (_, n) => ({ name: `${n}.zip`, content: inner })));
  await using place = await temporaryPlace();
  const tree = await unpackIn(place.path, inner);
  assert.deepEqual((await readdir(tree)).length, 16);
  assert((await lstat(join(tree, "0.zip"))).size < 100_000);
});

test("too many entries are refused", async () => {
  const zip = writeZip(Array.from({ length: 11 }, (_, n) => ({ name: `f${n}` })));
  await assert.rejects(checkArchive(zip, { ...archiveLimits, entriesMax: 10 }), {
    code: "package.too-large",
  });
});

test("an archive without entries has a message of its own", async () => {
  await assert.rejects(checkArchive(writeZip([]), archiveLimits), { message: messages.empty });
});

test("files, directories, modes and inner links arrive as on AWS", async () => {
  await using place = await temporaryPlace();
  const tree = await unpackIn(
    place.path,
    writeZip([
      { name: "./" },
      { name: "bin/run", content: "#!/bin/sh", mode: 0o104_755 },
      { name: "private.txt", content: "p", mode: 0o100_600 },
      { name: "dos.txt", content: "d" },
      { name: "stored.txt", content: "s", stored: true },
      { name: "empty/", mode: 0o040_700 },
      { name: "README", content: "1" },
      { name: "readme", content: "2" },
      { name: "straße/日本.js", content: "u", forged: { flags: 0 } },
      { name: "bin/current", content: "run", mode: link },
      { name: "up", content: "bin/../README", mode: link },
      { name: "twice", content: "first" },
      { name: "twice", content: "second" },
      { name: "./dotted//path", content: "x" },
    ]),
  );
  const modeOf = async (path: string): Promise<number> =>
    (await lstat(join(tree, path))).mode & 0o7777;
  assert.equal(await modeOf("bin/run"), 0o755, "set-user-id is gone, executable stays");
  assert.equal(await modeOf("private.txt"), 0o644, "readable by the sandbox's uid");
  assert.equal(await modeOf("dos.txt"), 0o644);
  assert.equal(await modeOf("empty"), 0o755);
  assert.equal(await readFile(join(tree, "README"), "utf8"), "1");
  assert.equal(await readFile(join(tree, "readme"), "utf8"), "2");
  assert.equal(await readFile(join(tree, "straße/日本.js"), "utf8"), "u");
  assert.equal(await readlink(join(tree, "bin/current")), "run");
  assert.equal(await readFile(join(tree, "up"), "utf8"), "1");
  assert.equal(await readFile(join(tree, "twice"), "utf8"), "second");
  assert.equal(await readFile(join(tree, "dotted/path"), "utf8"), "x");
});

async function unpackIn(place: string, zip: Uint8Array, limits = archiveLimits): Promise<string> {
  const tree = join(place, "tree");
  await rm(tree, { recursive: true, force: true });
  await writeFile(join(place, "archive.zip"), zip);
  await mkdir(tree);
  await unpackArchive(join(place, "archive.zip"), tree, limits);
  return tree;
}

async function temporaryPlace(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "skerry-archive-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
