import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { createVirtualClock } from "#base/clock.ts";
import { createSeededRandom } from "#base/random.ts";
import { createMemoryStore } from "#storage/drivers/memory/memory.ts";
import {
  createRegistry,
  type FunctionEntry,
  type LayerVersion,
  type RegistryEdit,
  type Revision,
} from "./registry.ts";
import { countUsage } from "./usage.ts";

const place = { accountId: "000000000000", region: "us-east-1" };

/** One change of the registry; numbers pick names, sizes and versions from a few. */
interface Change {
  readonly kind: "deploy" | "remove" | "publish" | "unpublish" | "layer" | "unlayer" | "restate";
  readonly which: number;
  readonly size: number;
  readonly version: number;
  readonly reserved: number | undefined;
  readonly provisioned: number | undefined;
}

const changes: fc.Arbitrary<Change> = fc.record({
  kind: fc.constantFrom("deploy", "remove", "publish", "unpublish", "layer", "unlayer", "restate"),
  which: fc.integer({ min: 0, max: 2 }),
  size: fc.integer({ min: 0, max: 1_000_000 }),
  version: fc.integer({ min: 1, max: 3 }),
  reserved: fc.option(fc.integer({ min: 0, max: 100 }), { nil: undefined }),
  provisioned: fc.option(fc.integer({ min: 1, max: 50 }), { nil: undefined }),
});

function entryOf(
  name: string,
  { codeByteCount, ...fields }: Partial<FunctionEntry> & { readonly codeByteCount: number },
): FunctionEntry {
  const latest: Revision = {
    ...place,
    name,
    revisionId: "r",
    functionArn: `arn:aws:lambda:us-east-1:000000000000:function:${name}`,
    version: "$LATEST",
    description: "",
    runtime: "nodejs24.x",
    handler: "index.handler",
    roleArn: "arn:aws:iam::000000000000:role/r",
    codeSha256: "0".repeat(64),
    codeByteCount,
    memoryMiB: 128,
    timeoutMs: 3_000,
    scratchMiB: 512,
    environment: {},
    layers: [],
    architecture: "x86_64",
    deadLetterArn: undefined,
    tracingMode: "PassThrough",
    logging: { format: "Text", applicationLevel: undefined, systemLevel: undefined, group: "g" },
    egress: "platform",
    state: {
      state: "Active",
      reason: undefined,
      reasonCode: undefined,
      lastUpdate: "Successful",
      lastUpdateReason: undefined,
      lastUpdateReasonCode: undefined,
    },
    lastModifiedMs: 0,
  };
  return {
    latest,
    serving: undefined,
    unpackedByteCount: 1,
    layersUnpackedByteCount: 0,
    reservedConcurrency: undefined,
    egress: "platform",
    published: undefined,
    ...fields,
  };
}

function layerOf(name: string, codeByteCount: number): Omit<LayerVersion, "version"> {
  return {
    ...place,
    name,
    description: "",
    licence: undefined,
    runtimes: [],
    architectures: [],
    codeSha256: "",
    codeByteCount,
    unpackedByteCount: 3,
    createdMs: 0,
  };
}

function apply(edit: RegistryEdit, change: Change): void {
  const id = { ...place, name: `f${change.which}` };
  const { kind, size, version } = change;
  if (kind === "deploy") {
    const count = change.provisioned;
    edit.functions.put(
      id,
      entryOf(id.name, {
        codeByteCount: size,
        reservedConcurrency: change.reserved,
        ...(count !== undefined && { provisioned: { 1: { count, modifiedMs: 0 } } }),
      }),
    );
  }
  if (kind === "remove") edit.functions.remove(id);
  if (kind === "publish") edit.versions.publish(id, String(size));
  if (kind === "unpublish") edit.versions.remove(id, version);
  if (kind === "layer") edit.layers.publish(layerOf(id.name, size));
  if (kind === "unlayer") edit.layers.remove(id, version);
  const published = kind === "restate" ? edit.versions.get(id, version) : undefined;
  if (published) edit.versions.put(id, published);
}

test("the totals that are kept are those that counting everything gives, whatever was changed", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(changes, { maxLength: 4 }), { maxLength: 12 }),
      async (all) => {
        await using store = createMemoryStore();
        await using registry = createRegistry({
          store,
          clock: createVirtualClock(0),
          random: createSeededRandom(1),
          log: { event: () => undefined },
        });
        for (const together of all) {
          await registry.write((edit) => {
            for (const change of together) apply(edit, change);
          });
          const [kept, counted] = await registry.read((view) => [
            view.usage(place),
            countUsage(view, place),
          ]);
          assert.deepEqual(kept, counted);
        }
      },
    ),
    { numRuns: 200 },
  );
});
