import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  NoSuchKey,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { systemClock } from "#base/clock.ts";
import { createSeededRandom, systemRandom } from "#base/random.ts";
import { createS3 } from "#services/s3/s3.ts";
import { openBodies } from "#storage/bodies/bodies.ts";
import { openLmdbStore } from "#storage/drivers/lmdb/lmdb.ts";
import { startServerProcess } from "../support/server-process.ts";

const Bucket = "evidence";
const kills = 3;
const writerCount = 6;

/** What a key may hold: what was last answered, and what was asked for since. Undefined: no object. */
interface Expected {
  answered: string | undefined;
  readonly open: (string | undefined)[];
}

test("kill -9 loses no answered object, leaves no object without its bytes and no file without an object", async (t) => {
  const seed = Math.floor(systemRandom.fraction() * 2 ** 31);
  t.diagnostic(`seed ${seed}`);
  const random = createSeededRandom(seed);
  const below = (bound: number): number => Math.floor(random.fraction() * bound);
  const dataDir = await mkdtemp(join(tmpdir(), "skerry-s3-kill-"));
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  const expected = new Map<string, Expected>();
  let answeredCount = 0;
  for (let kill = 0; kill < kills; kill++) {
    const server = await startServerProcess(dataDir);
    await using _ended = server.process;
    const client = clientFor(server.url);
    if (kill === 0) await client.send(new CreateBucketCommand({ Bucket }));
    await check(client, expected);
    const target = answeredCount + 60 + below(120);
    const onAnswer = (): void => {
      if (++answeredCount === target) process.kill(server.pid, "SIGKILL");
    };
    const writers = Array.from({ length: writerCount }, (_, writer) =>
      write(client, expected, { writer, below, onAnswer }),
    );
    await Promise.all(writers);
    client.destroy();
  }
  const last = await startServerProcess(dataDir);
  const client = clientFor(last.url);
  await check(client, expected);
  client.destroy();
  await last.process[Symbol.asyncDispose]();
  const found = await filesAndNames(dataDir);
  assert.deepEqual(found.files, found.named);
  t.diagnostic(
    `${kills} kills, ${answeredCount} requests answered, ${expected.size} keys, ${found.files.length} files`,
  );
});

function clientFor(endpoint: string): S3Client {
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  return new S3Client({
    endpoint,
    region: "us-east-1",
    credentials,
    maxAttempts: 1,
    forcePathStyle: true,
  });
}

/** Puts and deletes a few keys of its own again and again until the server is gone. */
async function write(
  client: S3Client,
  expected: Map<string, Expected>,
  at: {
    readonly writer: number;
    readonly below: (bound: number) => number;
    readonly onAnswer: () => void;
  },
): Promise<void> {
  const { writer, below } = at;
  for (let count = 0; ; count++) {
    const Key = `${writer}/${below(4)}`;
    const entry = expected.get(Key) ?? { answered: undefined, open: [] };
    expected.set(Key, entry);
    const isDelete = below(6) === 0;
    const size = [0, 100, 70_000, 300_000][below(4)] ?? 0;
    const body = isDelete ? undefined : `${writer}.${count} `.padEnd(size, String(count % 10));
    entry.open.push(body === undefined ? undefined : digestOf(body));
    try {
      await client.send(
        body === undefined
          ? new DeleteObjectCommand({ Bucket, Key })
          : new PutObjectCommand({ Bucket, Key, Body: body }),
      );
    } catch {
      return; // the server is gone; whether this one is stored is open
    }
    entry.answered = body === undefined ? undefined : digestOf(body);
    entry.open.length = 0;
    at.onAnswer();
  }
}

function digestOf(text: string): string {
  return createHash("md5").update(text).digest("hex");
}

/** Every key holds what was answered last, or what was under way since; every listed object can be read. */
async function check(client: S3Client, expected: Map<string, Expected>): Promise<void> {
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }));
  const listed = new Map(Contents.map(({ Key, ETag }) => [Key, ETag]));
  for (const [Key, entry] of expected) {
    const found = await client.send(new GetObjectCommand({ Bucket, Key })).then(
      async ({ Body }) => digestOf((await Body?.transformToString("latin1")) ?? ""),
      (error: unknown) => {
        assert.ok(error instanceof NoSuchKey, String(error));
        return undefined;
      },
    );
    assert.ok([entry.answered, ...entry.open].includes(found), Key);
    assert.equal(listed.get(Key), found === undefined ? undefined : `"${found}"`);
    entry.answered = found;
    entry.open.length = 0;
  }
}

/** Ids of the files there are after the collector has been through, and of those that records name. */
async function filesAndNames(
  dataDir: string,
): Promise<{ readonly files: readonly string[]; readonly named: readonly string[] }> {
  const directory = join(dataDir, "objects");
  await using store = await openLmdbStore({ path: join(dataDir, "store"), bytesMax: 2 ** 30 });
  const bodies = await openBodies({ directory, random: systemRandom });
  const s3 = createS3({
    store,
    bodies,
    clock: systemClock,
    random: systemRandom,
    log: { event: () => undefined },
    mode: "open",
    outbox: { add: () => undefined },
    targets: { find: () => undefined },
  });
  await s3.collect();
  const named = await s3.bodyIds();
  await s3[Symbol.asyncDispose]();
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  return { files: files.toSorted(), named: named.toSorted() };
}
