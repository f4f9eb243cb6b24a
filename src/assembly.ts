import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "#base/clock.ts";
import type { Logger } from "#base/context.ts";
import { PlatformError } from "#base/errors.ts";
import { systemRandom } from "#base/random.ts";
import type { RunningServer } from "#cli/command.ts";
import type { Config } from "#config/config.ts";
import { createEgressProxy } from "#functions/egress/egress.ts";
import {
  type AsyncSettings,
  createFunctionTargets,
  createInvoker,
  type Invoker,
} from "#functions/invoker/invoker.ts";
import { createPackages, type Packages } from "#functions/packages/packages.ts";
import {
  createPool,
  type CredentialSource,
  type EnvironmentPool,
  type GuestEndpoint,
} from "#functions/pool/pool.ts";
import { createRegistry } from "#functions/registry/registry.ts";
import { createRuntimes, endpointPortOf, type Runtime } from "#functions/runtimes/runtimes.ts";
import {
  createBubblewrapDriver,
  type Omissions,
} from "#functions/sandbox/drivers/bubblewrap/bubblewrap.ts";
import { createProcessDriver } from "#functions/sandbox/drivers/process/process.ts";
import type { SandboxDriver } from "#functions/sandbox/sandbox.ts";
import { createGateway, type Gateway } from "#gateway/gateway.ts";
import { createAuthenticator } from "#protocol/auth/auth.ts";
import { createDispatcher } from "#protocol/dispatch/dispatch.ts";
import {
  type CloudwatchLogs,
  createCloudwatchLogs,
} from "#services/cloudwatch-logs/cloudwatch-logs.ts";
import { createIam } from "#services/iam/iam.ts";
import { createLambda, type Lambda } from "#services/lambda/lambda.ts";
import { openBlobStore } from "#storage/blobs/blobs.ts";
import { type Bodies, openBodies } from "#storage/bodies/bodies.ts";
import { openLmdbStore } from "#storage/drivers/lmdb/lmdb.ts";
import { createMemoryStore } from "#storage/drivers/memory/memory.ts";
import type { BlobStore, Store } from "#storage/storage.ts";
import { createTelemetry, type Telemetry } from "#telemetry/telemetry.ts";
import type { Membership } from "#workers/workers.ts";
import { adminRoutes, codeRoute } from "./admin.ts";
import { createEventServices, type EventServices } from "./event-services.ts";
import { describeIsolation, rootKeyNotice } from "./notices.ts";
import { createLateEndpoint } from "./late-endpoint.ts";
import { createObservations, type Observations } from "./observations.ts";
import { type Services, serviceLoaders } from "./services.ts";
import { createServiceTime, type ServiceTime } from "./time.ts";
import { createForesight } from "./foresight.ts";
import { listenAt, settlePort } from "./port.ts";
import { changeEverywhere } from "./together.ts";

/** Live data the store may hold. */
const storeBytesMax = 64 * 1024 ** 3;

const clock = systemClock;
const random = systemRandom;

/** The part of the host's that belongs to one worker. */
export interface WorkerOwn {
  /** Absolute; where its launcher keeps its sandboxes. */
  readonly workDir: string;
  /** Host users of its sandboxes. */
  readonly uids: { readonly first: number; readonly count: number };
}

/** What runs functions, without anything that stores or serves: enough for `doctor`. */
export interface Engine extends AsyncDisposable {
  readonly telemetry: Telemetry;
  readonly driver: SandboxDriver;
  readonly runtimes: ReadonlyMap<string, Runtime>;
}

/** What makes a server other than the one of its settings alone. */
export interface Extras {
  /** Defences to do without: only tests of the attacks pass any. */
  readonly omissions?: Omissions | undefined;
  /** Set in one of several workers. */
  readonly membership?: Membership | undefined;
  /** What of this host's is this worker's alone: it must not meet another's sandboxes. */
  readonly own?: WorkerOwn | undefined;
}

export async function assembleEngine(config: Config, extras: Extras = {}): Promise<Engine> {
  const { omissions, own } = extras;
  const telemetry = createTelemetry({
    clock,
    random,
    logLevel: config.logLevel,
    otlpEndpoint: config.otlpEndpoint,
    write: (line) => void process.stderr.write(line),
  });
  const workDir = join(config.dataDir, "work");
  await mkdir(workDir, { recursive: true });
  if (own) await mkdir(own.workDir, { recursive: true });
  const { log } = telemetry;
  const driverDeps = { workDir, log, clock, random, ...(omissions && { omissions }), ...own };
  const driver =
    config.sandbox === "bubblewrap"
      ? createBubblewrapDriver(driverDeps)
      : createProcessDriver(driverDeps);
  return {
    telemetry,
    driver,
    runtimes: createRuntimes({
      workDir,
      clock,
      endpointPort: endpointPortOf(config.port),
      driver,
      log,
      javaHome: config.javaHome,
      javaClient: config.javaClient,
      ...(config.programFolders.length > 0 && { programFolders: config.programFolders }),
      ...(config.pythonPackages !== undefined && { pythonPackages: config.pythonPackages }),
    }),
    async [Symbol.asyncDispose]() {
      await driver[Symbol.asyncDispose]();
      await telemetry[Symbol.asyncDispose]();
    },
  };
}

/** A server whose end can be taken step by step; disposing takes all of them. */
export interface AssembledServer extends RunningServer {
  /** No new requests; those running get their time. */
  drain(timeoutMs: number): Promise<void>;
  /** No new asynchronous events; those running get their time. */
  settle(): Promise<void>;
}

/** Everything, bottom-up. What was begun is undone in reverse when a later step fails. */
export async function assemble(
  asked: Config,
  version: string,
  extras: Extras = {},
): Promise<AssembledServer> {
  await using begun = new AsyncDisposableStack();
  const config = { ...asked, port: await settlePort(asked) };
  const engine = begun.use(await assembleEngine(config, extras));
  const { driver } = engine;
  // A whole sandbox is made and ended by it: the rest is put together meanwhile.
  const probing = driver.probe();
  const store = begun.use(await openStore(config));
  const services = await createServices(config, { ...extras, engine, store }, begun);
  let status: "starting" | "running" | "stopping" = "starting";
  const gateway = createFront(config, { ...services, engine }, () => ({
    version,
    status,
    services: services.loaders.map((loader) => loader.name),
    ...(extras.membership && { worker: extras.membership.id }),
  }));
  begun.use(gateway);
  services.bindGateway(gateway);
  const probe = await probing;
  if (!probe.usable) throw new PlatformError("sandbox.unavailable", probe.reason);
  const address = await listenAt(gateway, { port: config.port, isAnyPort: asked.port === 0 });
  await services.lambda.resume();
  status = "running";

  const isolation = await describeIsolation(driver);
  if (config.mode === "serve") {
    const key = await services.iam.createRootKey(config.defaultAccountId);
    if (key) isolation.notices.push(rootKeyNotice(key));
  }
  const running = begun.move();
  const drain = (timeoutMs: number): Promise<void> => {
    status = "stopping";
    return gateway.drain(timeoutMs);
  };
  return {
    url: address.url,
    port: address.port,
    isolation: isolation.summary,
    notices: isolation.notices,
    drain,
    settle: () => services.settle(),
    async [Symbol.asyncDispose]() {
      await drain(config.drainTimeoutMs);
      await services.settle();
      await running[Symbol.asyncDispose]();
    },
  };
}

async function openStore(config: Config): Promise<Store> {
  if (config.storage === "memory") return createMemoryStore();
  const path = join(config.dataDir, "store");
  await mkdir(path, { recursive: true });
  return openLmdbStore({ path, bytesMax: storeBytesMax });
}

interface Assembled extends Services {
  readonly registry: ReturnType<typeof createRegistry>;
  readonly invoker: ReturnType<typeof createInvoker>;
  readonly pool: Pick<EnvironmentPool, "retire">;
  readonly observations: Observations;
  readonly store: Store;
  readonly membership: Membership | undefined;
  readonly time: ServiceTime;
  readonly events: EventServices;
  readonly loaders: ReturnType<typeof serviceLoaders>;
  /** Nothing new leaves the outbox or the asynchronous queue; what is under way gets its time. */
  settle(): Promise<void>;
  /** Sandboxes call back through the gateway, which is made after them. */
  bindGateway(gateway: Pick<Gateway, "serve">): void;
}

async function createServices(
  config: Config,
  base: Extras & { readonly engine: Engine; readonly store: Store },
  begun: AsyncDisposableStack,
): Promise<Assembled> {
  const { engine, store, membership } = base;
  const { runtimes, telemetry } = engine;
  const { log, tracer } = telemetry;
  const time = createServiceTime(config.mode !== "serve", membership);
  const common = { store, clock, random, log };
  // What everybody keeps in memory of the store, everybody hears of before a change is answered.
  const remembered = { ...common, store: membership?.share(store) ?? store };
  const mode = config.mode === "serve" ? "strict" : "open";
  const code = await openCode(config, log);
  const logs = begun.use(createLogs({ ...common, expiryClock: time.clock }, membership));
  const iam = createIam({ ...remembered, mode });
  const registry = begun.use(createRegistry(remembered));
  const guests = createLateEndpoint(endpointPortOf(config.port));
  const parts = { engine, ...code, sink: logs.sink, credentials: iam.credentials, guests };
  const pool = begun.use(createEnvironments(config, parts, membership));
  const shared = { plainStore: store, isShared: membership !== undefined };
  const foresight = createForesight({ pool, resolver: registry, clock: time.clock, membership });
  const eventParts = { ...remembered, ...shared, clock: time.clock, ...code, tracer, foresight };
  const events = createEventServices(eventParts, config, begun);
  const settingsOf = (): AsyncSettings => lambda.asyncSettings;
  const invoker: Invoker = begun.use(
    createInvoker({
      ...common,
      eventClock: time.clock,
      resolver: registry,
      pool,
      tracer,
      targets: events.targets,
      // Lambda is made after the invoker it uses; nothing is asked before both are there.
      asyncSettings: { find: async (target) => settingsOf().find(target) },
      settings: config,
      ...(membership && {
        admission: membership.admission,
        placement: membership.place({ resolver: registry, log }),
      }),
    }),
  );
  const changed = changeEverywhere(pool, membership);
  const engineParts = { ...functionParts(config, code, events), registry, invoker, runtimes };
  const lambda: Lambda = begun.use(
    createLambda({ ...remembered, ...engineParts, pool: changed, events }),
  );
  const reach = { resolver: registry, invoker, random, mayInvoke: lambda.mayInvoke };
  events.targets.register("lambda", createFunctionTargets(reach));
  const services: Services = { lambda, logs, iam };
  return {
    ...services,
    registry,
    invoker,
    pool: changed,
    observations: createObservations({ pool, tracer, journal: events.journal, membership }),
    store: remembered.store,
    membership,
    time,
    events,
    loaders: [...serviceLoaders(services), ...events.loaders],
    async settle() {
      await time.letGo();
      await lambda.stopPolling();
      await events.outbox[Symbol.asyncDispose]();
      await invoker[Symbol.asyncDispose]();
    },
    bindGateway: (made) => guests.bind(made),
  };
}

/** What functions are made of and how many may run. */
function functionParts(
  { accountConcurrency }: Config,
  code: Awaited<ReturnType<typeof openCode>>,
  { objects: codeObjects }: Pick<EventServices, "objects">,
) {
  return { ...code, codeObjects, accountConcurrency };
}

function createEnvironments(
  config: Config,
  parts: {
    readonly engine: Engine;
    readonly packages: Packages;
    readonly sink: CloudwatchLogs["sink"];
    readonly credentials: CredentialSource;
    readonly guests: GuestEndpoint;
  },
  membership: Membership | undefined,
): EnvironmentPool {
  const { driver, runtimes, telemetry } = parts.engine;
  const { log, tracer } = telemetry;
  return createPool({
    driver,
    runtimes,
    packages: parts.packages,
    sink: parts.sink,
    credentials: parts.credentials,
    guestEndpoint: parts.guests,
    egress: createEgressProxy({ clock, log }),
    tracer,
    clock,
    random,
    log,
    settings: { ...config, prebootRuntimes: config.prebootKinds },
    ...(membership && { memory: membership.memory }),
  });
}

/** Code as it was uploaded, and unpacked, and the bodies of objects; all processes share them. */
async function openCode(
  { dataDir, storage }: Config,
  log: Logger,
): Promise<{ readonly blobs: BlobStore; readonly bodies: Bodies; readonly packages: Packages }> {
  const objects = join(dataDir, "objects");
  // Nothing remembers what a store in memory named.
  if (storage === "memory") await rm(objects, { recursive: true, force: true });
  const bodies = await openBodies({ directory: objects, random });
  const blobs = await openBlobStore({ directory: join(dataDir, "blobs") });
  const workDir = join(dataDir, "work", "packages");
  await mkdir(workDir, { recursive: true });
  return { blobs, bodies, packages: await createPackages({ blobs, workDir, clock, random, log }) };
}

/** Whoever reads logs through one worker reads what functions in the others have just printed. */
function createLogs(
  deps: Parameters<typeof createCloudwatchLogs>[0],
  membership: Membership | undefined,
): CloudwatchLogs {
  const flushOthers = async () => membership?.askOthers("flush logs");
  const logs = createCloudwatchLogs({ ...deps, flushOthers });
  membership?.answer("flush logs", () => logs.flush());
  return logs;
}

function createFront(
  config: Config,
  services: Assembled & { readonly engine: Engine },
  health: Parameters<typeof createGateway>[0]["health"],
): Gateway {
  const { telemetry, runtimes } = services.engine;
  const mode = config.mode === "serve" ? "strict" : "open";
  const authenticator = createAuthenticator({
    mode,
    keys: services.iam.keys,
    clock,
    time: { nowMs: () => services.time.clock.nowMs(), shownAt: services.time.shownAt },
    defaultAccountId: config.defaultAccountId,
  });
  const { defaultRegion } = config;
  const { loaders } = services;
  const dispatcher = createDispatcher({
    loaders,
    authenticator,
    clock,
    telemetry,
    defaultRegion,
  });
  services.events.bindOperations(dispatcher);
  return createGateway({
    config: { ...config, reusePort: services.membership !== undefined },
    dispatcher,
    functions: { resolver: services.registry, invoker: services.invoker },
    urls: services.lambda.urls,
    buckets: services.events.buckets,
    authenticator,
    telemetry,
    clock,
    random,
    health,
    admin: [
      ...adminRoutes({
        ...services,
        runtimes,
        log: telemetry.log,
        services: services.loaders,
        resettable: mode === "open",
      }),
      codeRoute(services.lambda),
      ...services.time.routes,
    ],
  });
}
