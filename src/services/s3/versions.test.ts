import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import * as fc from "fast-check";
import { systemRandom } from "#base/random.ts";
import { setUp } from "./testing/set-up.ts";

const Bucket = "bucket";
const keys = ["a", "a/1", "a/2", "b"];

type Step =
  | { readonly kind: "put"; readonly key: string; readonly body: string }
  | { readonly kind: "delete"; readonly key: string }
  | { readonly kind: "delete-version"; readonly pick: number }
  | { readonly kind: "versioning"; readonly status: "Enabled" | "Suspended" };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant("put" as const),
    key: fc.constantFrom(...keys),
    body: fc.string({ maxLength: 8 }),
  }),
  fc.record({ kind: fc.constant("delete" as const), key: fc.constantFrom(...keys) }),
  fc.record({ kind: fc.constant("delete-version" as const), pick: fc.nat() }),
  fc.record({
    kind: fc.constant("versioning" as const),
    status: fc.constantFrom("Enabled" as const, "Suspended" as const),
  }),
);

interface ModelVersion {
  readonly id: string;
  /** Undefined: a delete marker. */
  readonly body: string | undefined;
}

/** What S3 promises, as lists: each key's versions, newest first. */
class Model {
  readonly versions = new Map<string, ModelVersion[]>();
  status: "Enabled" | "Suspended" | undefined;

  add(key: string, version: ModelVersion): void {
    const others = (this.versions.get(key) ?? []).filter(
      ({ id }) => version.id !== "null" || id !== "null",
    );
    this.versions.set(key, [version, ...others]);
  }

  removeVersion(key: string, id: string): void {
    this.versions.set(
      key,
      (this.versions.get(key) ?? []).filter((version) => version.id !== id),
    );
  }

  all(): { readonly key: string; readonly id: string; readonly isLatest: boolean }[] {
    return [...this.versions]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([key, list]) => list.map(({ id }, index) => ({ key, id, isLatest: index === 0 })));
  }
}

async function take(client: S3Client, model: Model, step: Step): Promise<void> {
  switch (step.kind) {
    case "put": {
      const { VersionId } = await client.send(
        new PutObjectCommand({ Bucket, Key: step.key, Body: step.body }),
      );
      model.add(step.key, { id: VersionId ?? "null", body: step.body });
      return;
    }
    case "delete": {
      const done = await client.send(new DeleteObjectCommand({ Bucket, Key: step.key }));
      if (model.status === undefined) model.versions.delete(step.key);
      else model.add(step.key, { id: done.VersionId ?? "?", body: undefined });
      return;
    }
    case "delete-version": {
      const all = model.all();
      const chosen = all[step.pick % Math.max(all.length, 1)];
      if (!chosen) return;
      await client.send(new DeleteObjectCommand({ Bucket, Key: chosen.key, VersionId: chosen.id }));
      model.removeVersion(chosen.key, chosen.id);
      return;
    }
    case "versioning":
      await client.send(
        new PutBucketVersioningCommand({
          Bucket,
          VersioningConfiguration: { Status: step.status },
        }),
      );
      model.status = step.status;
  }
}

async function check(client: S3Client, model: Model): Promise<void> {
  const found: { key: string; id: string; isLatest: boolean }[] = [];
  for (let KeyMarker: string | undefined, VersionIdMarker: string | undefined; ;) {
    const page = await client.send(
      new ListObjectVersionsCommand({ Bucket, KeyMarker, VersionIdMarker, MaxKeys: 3 }),
    );
    const rows = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])].map((row) => ({
      key: row.Key ?? "",
      id: row.VersionId ?? "",
      isLatest: row.IsLatest ?? false,
    }));
    found.push(...rows);
    if (!page.IsTruncated) break;
    KeyMarker = page.NextKeyMarker;
    VersionIdMarker = page.NextVersionIdMarker;
  }
  const order = (rows: typeof found) =>
    rows.map((row) => JSON.stringify(row)).toSorted((a, b) => (a < b ? -1 : 1));
  assert.deepEqual(order(found), order(model.all()));
  const live = [...model.versions].filter(([, [latest]]) => latest?.body !== undefined);
  const listed = await client.send(new ListObjectsV2Command({ Bucket }));
  assert.deepEqual(
    (listed.Contents ?? []).map(({ Key }) => Key),
    live.map(([key]) => key).toSorted((a, b) => (a < b ? -1 : 1)),
  );
  for (const [key, [latest]] of model.versions) {
    const got = await client
      .send(new GetObjectCommand({ Bucket, Key: key }))
      .then(async ({ Body }) => Body?.transformToString())
      .catch(() => undefined);
    assert.equal(got, latest?.body);
  }
}

test("versions, delete markers and listings are what a list of versions per key says", async (t) => {
  const seed = Math.floor(systemRandom.fraction() * 2 ** 31);
  t.diagnostic(`seed ${seed}`);
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      await using s3 = await setUp();
      await s3.client.send(new CreateBucketCommand({ Bucket }));
      const model = new Model();
      for (const each of steps) await take(s3.client, model, each);
      await check(s3.client, model);
    }),
    { seed, numRuns: 25 },
  );
});

test("a delete marker hides an object until it is deleted, and says what it is", async () => {
  await using s3 = await setUp();
  const { client } = s3;
  await client.send(new CreateBucketCommand({ Bucket }));
  await client.send(
    new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Enabled" } }),
  );
  await client.send(new PutObjectCommand({ Bucket, Key: "a", Body: "1" }));
  const hidden = await client.send(new DeleteObjectCommand({ Bucket, Key: "a" }));
  assert.equal(hidden.DeleteMarker, true);
  const VersionId = hidden.VersionId ?? "";
  const get = await fetch(`${s3.endpoint}/${Bucket}/a`);
  assert.equal(get.status, 404);
  assert.equal(get.headers.get("x-amz-delete-marker"), "true");
  assert.equal(get.headers.get("x-amz-version-id"), VersionId);
  const marker = await fetch(`${s3.endpoint}/${Bucket}/a?versionId=${VersionId}`);
  assert.equal(marker.status, 405);
  assert.match(await marker.text(), /<Code>MethodNotAllowed<\/Code>/);
  await client.send(new DeleteObjectCommand({ Bucket, Key: "a", VersionId }));
  const back = await client.send(new GetObjectCommand({ Bucket, Key: "a" }));
  assert.equal(await back.Body?.transformToString(), "1");
});
