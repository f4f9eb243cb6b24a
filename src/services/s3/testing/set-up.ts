import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { S3Client } from "@aws-sdk/client-s3";
import { type Clock, createVirtualClock, systemClock } from "#base/clock.ts";
import { systemRandom } from "#base/random.ts";
import { createTargets } from "#events/events.ts";
import { createJournal } from "#events/journal.ts";
import { createOutbox } from "#events/outbox/outbox.ts";
import { serve } from "#protocol/testing/serve.ts";
import { openBodies } from "#storage/bodies/bodies.ts";
import { createMemoryStore } from "#storage/drivers/memory/memory.ts";
import { createTelemetry } from "#telemetry/telemetry.ts";
import { createS3 } from "../s3.ts";

export const accountId = "123456789012";

/** The service behind a real socket, on a clock of its own, with the SDK's client. */
export async function setUp(options: { readonly clock?: Clock } = {}) {
  const directory = await mkdtemp(join(tmpdir(), "skerry-s3-"));
  const virtualClock = createVirtualClock(Date.parse("2026-03-01T12:00:00Z"));
  const clock = options.clock ?? virtualClock;
  const store = createMemoryStore();
  const bodies = await openBodies({ directory, random: systemRandom });
  const events: { readonly name: string; readonly fields: object | undefined }[] = [];
  const log = { event: (name: string, fields?: object) => void events.push({ name, fields }) };
  const targets = createTargets();
  const journal = createJournal();
  const telemetry = createTelemetry({
    clock: systemClock,
    random: systemRandom,
    logLevel: "error",
    write: () => undefined,
    otlpEndpoint: undefined,
  });
  const { tracer } = telemetry;
  const deps = { store, clock, random: systemRandom, log };
  const outbox = createOutbox({
    ...deps,
    tracer,
    targets,
    journal,
    endpoint: "http://localhost:4566",
  });
  const told: { readonly bus: object }[] = [];
  const bus = { put: (_tx: unknown, event: object) => void told.push({ bus: event }) };
  const s3 = createS3({ ...deps, bodies, mode: "open", outbox, targets, bus });
  const loader = {
    name: "s3",
    signingName: "s3",
    endpointPrefix: "s3",
    hasVirtualHosts: true,
    load: async () => s3.service,
  };
  const server = await serve([loader], { mode: "open", keys: { find: async () => undefined } });
  const client = new S3Client({
    endpoint: server.endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: accountId, secretAccessKey: "x" },
    forcePathStyle: true,
    maxAttempts: 1,
  });
  return {
    s3,
    store,
    bodies,
    directory,
    clock: virtualClock,
    events,
    targets,
    told,
    client,
    endpoint: server.endpoint,
    /** Files of bodies on the disk. */
    async files(): Promise<readonly string[]> {
      const entries = await readdir(directory, { recursive: true, withFileTypes: true });
      return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
    },
    async [Symbol.asyncDispose]() {
      client.destroy();
      await server[Symbol.asyncDispose]();
      await s3[Symbol.asyncDispose]();
      await outbox[Symbol.asyncDispose]();
      await telemetry[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
