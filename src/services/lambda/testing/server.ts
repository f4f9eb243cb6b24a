import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LambdaClient } from "@aws-sdk/client-lambda";
import yazl from "yazl";
import { systemClock } from "#base/clock.ts";
import { createSeededRandom, systemRandom } from "#base/random.ts";
import { createSources, createTargets, type SourceRegistry } from "#events/events.ts";
import { createJournal } from "#events/journal.ts";
import { createOutbox } from "#events/outbox/outbox.ts";
import type { Invocation, InvocationResult } from "#functions/invoker/invoker.ts";
import type { ProvisionedState } from "#functions/pool/pool.ts";
import { createPackages } from "#functions/packages/packages.ts";
import { createRegistry, type FunctionRegistry } from "#functions/registry/registry.ts";
import { serve } from "#protocol/testing/serve.ts";
import { openBlobStore } from "#storage/blobs/blobs.ts";
import { createMemoryStore } from "#storage/drivers/memory/memory.ts";
import type { Store } from "#storage/storage.ts";
import { createTelemetry } from "#telemetry/telemetry.ts";
import type { LambdaDeps } from "../dependencies.ts";
import { createLambda, type Lambda } from "../lambda.ts";

/** The Lambda API alone behind a real socket: real store, packages and protocol, no sandboxes. */
export interface LambdaServer extends AsyncDisposable {
  readonly endpoint: string;
  /** Another account is another 12-digit key id. */
  client(accountId?: string, region?: string): LambdaClient;
  readonly lambda: Lambda;
  readonly registry: FunctionRegistry;
  readonly store: Store;
  /** Where a test adds what functions can be mapped to. */
  readonly sources: SourceRegistry;
  /** What reached the engine, in order. */
  readonly invocations: Invocation[];
  /** How the engine answers; a test replaces it. */
  answer: (invocation: Invocation) => Promise<InvocationResult>;
  /** ARNs whose idle environments were to end, in order. */
  readonly retired: string[];
  /** What the engine was told to keep ready, by version. */
  readonly provisioned: Map<string, number>;
  /** What it says it has ready of a version; a test replaces it. */
  allocated: (version: string) => ProvisionedState;
}

export const role = "arn:aws:iam::000000000000:role/test";

export async function startLambdaServer(
  overrides: Partial<LambdaDeps> = {},
  mode: "open" | "strict" = "open",
): Promise<LambdaServer> {
  const directory = await mkdtemp(join(tmpdir(), "skerry-lambda-"));
  const telemetry = createTelemetry({
    clock: systemClock,
    random: systemRandom,
    logLevel: "error",
    write: () => undefined,
    otlpEndpoint: undefined,
  });
  const { log } = telemetry;
  const store = overrides.store ?? createMemoryStore();
  const blobs = await openBlobStore({ directory: join(directory, "blobs") });
  const shared = { store, blobs, clock: systemClock, random: createSeededRandom(11), log };
  const packages = await createPackages({ ...shared, workDir: join(directory, "packages") });
  const registry = createRegistry(shared);
  const sources = createSources();
  const journal = createJournal();
  const { tracer } = telemetry;
  const endpointInside = "http://localhost:4566";
  const spine = { ...shared, tracer, journal, mode, endpoint: endpointInside };
  const outbox = createOutbox({ ...spine, targets: createTargets() });
  const state: Pick<
    LambdaServer,
    "invocations" | "answer" | "retired" | "provisioned" | "allocated"
  > = {
    invocations: [],
    retired: [],
    provisioned: new Map(),
    allocated: () => ({ allocated: 0, available: 0, failure: undefined }),
    answer: async ({ payload, target }) => echoed(payload, target.revision.version),
  };
  const lambda = createLambda({
    ...shared,
    packages,
    registry,
    runtimes: new Map(
      ["nodejs24.x", "python3.13", "provided.al2023"].map((name) => [
        name,
        { ...availableRuntime, ...(name.startsWith("nodejs") && { concurrencyPerCpu: 64 }) },
      ]),
    ),
    pool: {
      expect: () => undefined,
      compile: () => undefined,
      retire: (arn) => void state.retired.push(arn),
      provision: async (_arn, wanted) => {
        state.provisioned.clear();
        for (const { revision, count } of wanted) state.provisioned.set(revision.version, count);
      },
      provisioned: async (revision) => server.allocated(revision.version),
    },
    invoker: {
      invoke: (invocation) => {
        state.invocations.push(invocation);
        return server.answer(invocation);
      },
      enqueue: async (invocation) => void state.invocations.push(invocation),
    },
    accountConcurrency: 1000,
    ...overrides,
    events: { ...spine, sources, outbox },
  });
  const loader = {
    name: "lambda",
    signingName: "lambda",
    endpointPrefix: "lambda",
    load: async () => lambda.service,
  };
  const served = await serve([loader], {
    mode: "open",
    keys: { find: async () => undefined },
    before: (request) => lambda.codeLinks.serve(request),
  });
  const { endpoint } = served;
  const server: LambdaServer = Object.assign(state, {
    endpoint,
    lambda,
    registry,
    store,
    sources,
    client: (accountId = "000000000000", region = "us-east-1") =>
      new LambdaClient({
        endpoint,
        region,
        credentials: { accessKeyId: accountId, secretAccessKey: "x" },
        maxAttempts: 1,
      }),
    async [Symbol.asyncDispose]() {
      await served[Symbol.asyncDispose]();
      await lambda[Symbol.asyncDispose]();
      await outbox[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    },
  });
  return server;
}

const availableRuntime = { probe: async () => ({ usable: true, reason: "" }) };

function echoed(payload: Uint8Array, executedVersion: string): InvocationResult {
  return {
    payload,
    contentType: undefined,
    outcome: Promise.resolve({ kind: "ok", durationMs: 1 }),
    logTail: Promise.resolve(Buffer.from("END\n")),
    executedVersion,
  };
}

/** A zip with these files. */
export async function zipOf(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const zip = new yazl.ZipFile();
  for (const [name, content] of Object.entries(files)) {
    zip.addBuffer(Buffer.from(content), name, { mtime: new Date(0) });
  }
  zip.end();
  const parts: Buffer[] = [];
  for await (const part of zip.outputStream) parts.push(Buffer.from(part as Buffer)); // yazl's stream is untyped
  return Buffer.concat(parts);
}
