import { createServer, type IncomingMessage } from "node:http";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "#base/clock.ts";
import type { Clock } from "#base/clock.ts";
import type { RequestContext } from "#base/context.ts";
import { uuid } from "#base/ids.ts";
import { systemRandom } from "#base/random.ts";
import { createTargets, type TargetRegistry } from "#events/events.ts";
import { createEgressProxy } from "#functions/egress/egress.ts";
import { createPackages, type Packages } from "#functions/packages/packages.ts";
import { createPool, type GuestIdentity, type PoolSettings } from "#functions/pool/pool.ts";
import type { EnvironmentPool } from "#functions/pool/pool.ts";
import {
  createRegistry,
  type FunctionRegistry,
  type ResolvedFunction,
  type Revision,
} from "#functions/registry/registry.ts";
import { createRuntimes, type Runtime } from "#functions/runtimes/runtimes.ts";
import {
  createBubblewrapDriver,
  type BubblewrapDriver,
} from "#functions/sandbox/drivers/bubblewrap/bubblewrap.ts";
import { openBlobStore } from "#storage/blobs/blobs.ts";
import { createMemoryStore } from "#storage/drivers/memory/memory.ts";
import type { BlobStore, Store } from "#storage/storage.ts";
import { createTelemetry, type Tracer } from "#telemetry/telemetry.ts";
import { writeZip } from "../../packages/testing/zip.ts";
import {
  createInvoker,
  type AsyncConfig,
  type Invoker,
  type Invocation,
  type Outcome,
} from "../invoker.ts";

/** Everything below the API, for real: sandboxes, Node guests, packages, registry, pool, invoker. */
export interface Platform extends AsyncDisposable {
  /** Everything this platform keeps on disk. */
  readonly directory: string;
  readonly driver: BubblewrapDriver;
  readonly runtimes: ReadonlyMap<string, Runtime>;
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly packages: Packages;
  readonly registry: FunctionRegistry;
  readonly pool: EnvironmentPool;
  readonly invoker: Invoker;
  readonly targets: TargetRegistry;
  readonly tracer: Tracer;
  /** Messages by log stream, in the order written. */
  readonly logs: Map<string, string[]>;
  logText(): string;
  /** Resolves when the logs contain `text`. */
  logged(text: string): Promise<void>;
  /** Requests that came out of sandboxes at their AWS endpoint. */
  readonly requests: { readonly url: string; readonly identity: GuestIdentity | undefined }[];
  readonly events: string[];
  deploy(
    files: Readonly<Record<string, string>> | string,
    more?: Partial<Revision>,
  ): Promise<Revision>;
  setAsync(config: AsyncConfig | undefined): void;
  call(revision: Revision, payload?: unknown, more?: CallOptions): Promise<Called>;
}

/** Where functions find the platform. */
const endpointPort = 4566;

export interface CallOptions extends Partial<
  Pick<Invocation, "streaming" | "tailLog" | "clientContext">
> {
  readonly context?: Partial<RequestContext>;
  readonly reservedConcurrency?: number;
}

export interface Called {
  readonly text: string;
  readonly json: unknown;
  readonly outcome: Outcome;
  readonly tail: string;
  readonly context: RequestContext;
}

export interface PlatformOptions {
  readonly pool?: Partial<PoolSettings>;
  readonly accountConcurrency?: number;
  /** Host uids of its own, for a test that counts its processes by them. */
  readonly uids?: { readonly first: number; readonly count: number };
  readonly clock?: Clock;
  readonly store?: Store;
  /** Kept when given; else a temporary one is made and removed. */
  readonly directory?: string;
  readonly allow?: (address: string, port: number) => boolean;
}

const account = "123456789012";
const region = "eu-central-1";

export async function startPlatform(options: PlatformOptions = {}): Promise<Platform> {
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), "skerry-functions-")));
  const clock = options.clock ?? systemClock;
  const random = systemRandom;
  const events: string[] = [];
  const log = {
    event: (name: string, fields?: object) => void events.push(`${name} ${show(fields)}`),
  };
  const { tracer } = createTelemetry({
    clock,
    random,
    logLevel: "error",
    write: () => undefined,
    otlpEndpoint: undefined,
  });
  const store = options.store ?? createMemoryStore();
  const blobs = await openBlobStore({ directory: join(directory, "blobs"), random });
  const packages = await createPackages({
    blobs,
    workDir: directory,
    clock: systemClock,
    random,
    log,
  });
  const driver = createBubblewrapDriver({
    workDir: directory,
    clock: systemClock,
    random,
    log,
    ...(options.uids && { uids: options.uids }),
  });
  const runtimes = createRuntimes({ workDir: directory, clock: systemClock, endpointPort });
  const logs = new Map<string, string[]>();
  const requests: Platform["requests"] = [];
  let written = Promise.withResolvers<void>();
  const pool = createPool({
    driver,
    runtimes,
    packages,
    sink: {
      open: (_group, stream) => ({
        write(_timestampMs, message) {
          const kept = logs.get(stream) ?? [];
          logs.set(stream, kept);
          kept.push(message);
          written.resolve();
          written = Promise.withResolvers();
        },
      }),
    },
    credentials: {
      issue: ({ roleArn, sessionName }) =>
        Promise.resolve({
          accessKeyId: "ASIAEXAMPLE",
          secretAccessKey: `secret of ${roleArn}`,
          sessionToken: `token of ${sessionName}`,
          expiresAtMs: clock.nowMs() + 12 * 3_600_000,
        }),
    },
    guestEndpoint: {
      port: endpointPort,
      serve(server, identity) {
        const http = createServer((request: IncomingMessage, response) => {
          requests.push({ url: request.url ?? "", identity: identity() });
          response.end("from the platform");
        });
        const accept = (socket: object): void => void http.emit("connection", socket);
        server.on("connection", accept);
        return {
          [Symbol.dispose]: () => (server.off("connection", accept), http.closeAllConnections()),
        };
      },
    },
    egress: createEgressProxy({
      clock: systemClock,
      log,
      ...(options.allow && { allow: options.allow }),
    }),
    tracer,
    clock: systemClock,
    random,
    log,
    settings: {
      functionMemoryMiB: 8_192,
      idleTimeoutMs: 600_000,
      genericPerKind: 0,
      prebootRuntimes: [],
      ...options.pool,
    },
  });
  const registry = createRegistry({ store, clock, random, log });
  const targets = createTargets();
  let asyncConfig: AsyncConfig | undefined;
  const invoker = createInvoker({
    resolver: registry,
    pool,
    store,
    targets,
    tracer,
    clock,
    random,
    log,
    asyncSettings: {
      find: () =>
        Promise.resolve(
          asyncConfig ?? {
            maxRetryAttempts: 2,
            maxAgeMs: 21_600_000,
            onSuccessArn: undefined,
            onFailureArn: undefined,
          },
        ),
    },
    ...(options.accountConcurrency !== undefined && {
      settings: { accountConcurrency: options.accountConcurrency },
    }),
  });
  let count = 0;
  const platform: Platform = {
    directory,
    driver,
    runtimes,
    store,
    blobs,
    packages,
    registry,
    pool,
    invoker,
    targets,
    tracer,
    logs,
    requests,
    events,
    logText: () => [...logs.values()].flat().join(""),
    async logged(text) {
      while (!platform.logText().includes(text)) await written.promise;
    },
    async deploy(files, more = {}) {
      const all = typeof files === "string" ? { "index.mjs": files } : files;
      const entries = Object.entries(all).map(([name, content]) => ({
        name,
        content,
        mode: name === "bootstrap" ? 0o100_755 : 0o100_644,
      }));
      const { sha256, byteCount } = await blobs.put(writeZip(entries));
      const name = more.name ?? `function-${++count}`;
      const revision: Revision = {
        ...template(name),
        codeSha256: sha256,
        codeByteCount: byteCount,
        revisionId: uuid(random),
        ...more,
      };
      await registry.write((edit) =>
        edit.functions.put(
          { accountId: account, region, name },
          {
            latest: revision,
            serving: revision,
            reservedConcurrency: undefined,
            egress: revision.egress,
            published: undefined,
            unpackedByteCount: 0,
            layersUnpackedByteCount: 0,
          },
        ),
      );
      return revision;
    },
    setAsync: (config) => void (asyncConfig = config),
    async call(revision, payload = {}, more = {}) {
      const context = { ...contextOf(tracer, clock), ...more.context };
      const result = await invoker.invoke({
        ...more,
        target: targetOf(revision, more.reservedConcurrency),
        payload: Buffer.from(JSON.stringify(payload)),
        context,
      });
      const text =
        result.payload instanceof Uint8Array
          ? Buffer.from(result.payload).toString()
          : Buffer.concat(await Array.fromAsync(result.payload)).toString();
      const outcome = await result.outcome;
      const tail = Buffer.from((await result.logTail) ?? []).toString();
      return { text, json: parse(text), outcome, tail, context };
    },
    async [Symbol.asyncDispose]() {
      await invoker[Symbol.asyncDispose]();
      await pool[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
      await driver[Symbol.asyncDispose]();
      if (!options.store) await store[Symbol.asyncDispose]();
      if (options.directory === undefined) await rm(directory, { recursive: true, force: true });
    },
  };
  return platform;
}

export function targetOf(revision: Revision, reservedConcurrency?: number): ResolvedFunction {
  return { revision, qualifier: undefined, reservedConcurrency };
}

export function contextOf(tracer: Tracer, clock: Clock): RequestContext {
  return {
    requestId: uuid(systemRandom),
    principal: { arn: `arn:aws:iam::${account}:root`, accountId: account },
    region,
    deadlineMs: clock.nowMs() + 900_000,
    signal: new AbortController().signal,
    trace: tracer.newTrace(),
    endpoint: "http://localhost:4566",
    log: { event: () => undefined },
  };
}

function template(name: string): Revision {
  return {
    revisionId: "",
    functionArn: `arn:aws:lambda:${region}:${account}:function:${name}`,
    accountId: account,
    region,
    name,
    version: "$LATEST",
    description: "",
    runtime: "nodejs24.x",
    handler: "index.handler",
    roleArn: `arn:aws:iam::${account}:role/worker`,
    codeSha256: "",
    codeByteCount: 0,
    memoryMiB: 256,
    timeoutMs: 3_000,
    scratchMiB: 512,
    environment: {},
    layers: [],
    architecture: "x86_64",
    deadLetterArn: undefined,
    tracingMode: "PassThrough",
    logging: {
      format: "Text",
      applicationLevel: undefined,
      systemLevel: undefined,
      group: `/aws/lambda/${name}`,
    },
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
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function show(fields: object | undefined): string {
  return JSON.stringify(fields, (_name, value: unknown) =>
    value instanceof Error ? String(value.stack) : value,
  );
}
