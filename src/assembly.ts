import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "#base/clock.ts";
import { PlatformError } from "#base/errors.ts";
import { systemRandom } from "#base/random.ts";
import type { RunningServer } from "#cli/command.ts";
import type { Config } from "#config/config.ts";
import { createTargets } from "#events/events.ts";
import { createEgressProxy } from "#functions/egress/egress.ts";
import {
  type AsyncSettings,
  createFunctionTargets,
  createInvoker,
  type Invoker,
} from "#functions/invoker/invoker.ts";
import { createPackages } from "#functions/packages/packages.ts";
import { createPool, type GuestEndpoint } from "#functions/pool/pool.ts";
import { createRegistry } from "#functions/registry/registry.ts";
import { createRuntimes, type Runtime } from "#functions/runtimes/runtimes.ts";
import {
  createBubblewrapDriver,
  type Omissions,
} from "#functions/sandbox/drivers/bubblewrap/bubblewrap.ts";
import { createProcessDriver } from "#functions/sandbox/drivers/process/process.ts";
import type { SandboxDriver } from "#functions/sandbox/sandbox.ts";
import { createGateway, type Gateway } from "#gateway/gateway.ts";
import { createAuthenticator } from "#protocol/auth/auth.ts";
import { createDispatcher } from "#protocol/dispatch/dispatch.ts";
import { createCloudwatchLogs } from "#services/cloudwatch-logs/cloudwatch-logs.ts";
import { createIam } from "#services/iam/iam.ts";
import { createLambda, type Lambda } from "#services/lambda/lambda.ts";
import { openBlobStore } from "#storage/blobs/blobs.ts";
import { openLmdbStore } from "#storage/drivers/lmdb/lmdb.ts";
import { createMemoryStore } from "#storage/drivers/memory/memory.ts";
import type { Store } from "#storage/storage.ts";
import { createTelemetry, type Telemetry } from "#telemetry/telemetry.ts";
import { adminRoutes, codeRoute } from "./admin.ts";
import { describeIsolation, rootKeyNotice } from "./notices.ts";
import { type Services, serviceLoaders } from "./services.ts";

/** Live data the store may hold. */
const storeBytesMax = 64 * 1024 ** 3;

const clock = systemClock;
const random = systemRandom;

/** What runs functions, without anything that stores or serves: enough for `doctor`. */
export interface Engine extends AsyncDisposable {
  readonly telemetry: Telemetry;
  readonly driver: SandboxDriver;
  readonly runtimes: ReadonlyMap<string, Runtime>;
}

/** `omissions` are defences to do without: only tests of the attacks pass any. */
export async function assembleEngine(config: Config, omissions?: Omissions): Promise<Engine> {
  const telemetry = createTelemetry({
    clock,
    random,
    logLevel: config.logLevel,
    otlpEndpoint: config.otlpEndpoint,
    write: (line) => void process.stderr.write(line),
  });
  const workDir = join(config.dataDir, "work");
  await mkdir(workDir, { recursive: true });
  const { log } = telemetry;
  const driver =
    config.sandbox === "bubblewrap"
      ? createBubblewrapDriver({ workDir, log, clock, random, ...(omissions && { omissions }) })
      : createProcessDriver({ workDir, clock, random });
  return {
    telemetry,
    driver,
    runtimes: createRuntimes({
      workDir,
      clock,
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

/**
 * Everything, bottom-up. What was begun is undone in reverse when a later step fails. `omissions`
 * are as for `assembleEngine`.
 */
export async function assemble(
  config: Config,
  version: string,
  omissions?: Omissions,
): Promise<RunningServer> {
  await using begun = new AsyncDisposableStack();
  const engine = begun.use(await assembleEngine(config, omissions));
  const { driver } = engine;
  // A whole sandbox is made and ended by it: the rest is put together meanwhile.
  const probing = driver.probe();
  const store = begun.use(await openStore(config));
  const services = await createServices(config, engine, store, begun);
  let status: "starting" | "running" | "stopping" = "starting";
  const gateway = createFront(config, engine, services, () => ({
    version,
    status,
    services: services.loaders.map((loader) => loader.name),
  }));
  begun.use(gateway);
  services.bindGateway(gateway);
  const probe = await probing;
  if (!probe.usable) throw new PlatformError("sandbox.unavailable", probe.reason);
  const address = await gateway.listen();
  await services.lambda.resume();
  status = "running";

  const isolation = await describeIsolation(driver);
  if (config.mode === "serve") {
    const key = await services.iam.createRootKey(config.defaultAccountId);
    if (key) isolation.notices.push(rootKeyNotice(key));
  }
  const running = begun.move();
  return {
    url: address.url,
    port: address.port,
    isolation: isolation.summary,
    notices: isolation.notices,
    async [Symbol.asyncDispose]() {
      status = "stopping";
      await gateway.drain(config.drainTimeoutMs);
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
  readonly pool: ReturnType<typeof createPool>;
  readonly store: Store;
  readonly loaders: ReturnType<typeof serviceLoaders>;
  /** Sandboxes call back through the gateway, which is made after them. */
  bindGateway(gateway: Pick<Gateway, "serve">): void;
}

async function createServices(
  config: Config,
  engine: Engine,
  store: Store,
  begun: AsyncDisposableStack,
): Promise<Assembled> {
  const { driver, runtimes, telemetry } = engine;
  const { log, tracer } = telemetry;
  const common = { store, clock, random, log };
  const mode = config.mode === "serve" ? "strict" : "open";
  const blobs = await openBlobStore({ directory: join(config.dataDir, "blobs") });
  const packagesDir = join(config.dataDir, "work", "packages");
  await mkdir(packagesDir, { recursive: true });
  const packages = await createPackages({ blobs, workDir: packagesDir, clock, random, log });
  const logs = begun.use(createCloudwatchLogs(common));
  const iam = createIam({ ...common, mode });
  const registry = begun.use(createRegistry(common));
  const guests = createLateEndpoint();
  const pool = begun.use(
    createPool({
      driver,
      runtimes,
      packages,
      sink: logs.sink,
      credentials: iam.credentials,
      guestEndpoint: guests,
      egress: createEgressProxy({ clock, log }),
      tracer,
      clock,
      random,
      log,
      settings: { ...config, prebootRuntimes: config.prebootKinds },
    }),
  );
  const targets = createTargets();
  const settingsOf = (): AsyncSettings => lambda.asyncSettings;
  const invoker: Invoker = begun.use(
    createInvoker({
      ...common,
      resolver: registry,
      pool,
      tracer,
      targets,
      // Lambda is made after the invoker it uses; nothing is asked before both are there.
      asyncSettings: { find: async (target) => settingsOf().find(target) },
      settings: config,
    }),
  );
  targets.register("lambda", createFunctionTargets({ resolver: registry, invoker, random }));
  const { accountConcurrency } = config;
  const engineParts = { blobs, packages, registry, invoker, runtimes, pool, accountConcurrency };
  const lambda: Lambda = begun.use(createLambda({ ...common, ...engineParts }));
  const services: Services = { lambda, logs, iam };
  return {
    ...services,
    registry,
    invoker,
    pool,
    store,
    loaders: serviceLoaders(services),
    bindGateway: (made) => guests.bind(made),
  };
}

function createFront(
  config: Config,
  engine: Engine,
  services: Assembled,
  health: Parameters<typeof createGateway>[0]["health"],
): Gateway {
  const { telemetry, runtimes } = engine;
  const mode = config.mode === "serve" ? "strict" : "open";
  const authenticator = createAuthenticator({
    mode,
    keys: services.iam.keys,
    clock,
    defaultAccountId: config.defaultAccountId,
  });
  const { defaultRegion } = config;
  return createGateway({
    config,
    dispatcher: createDispatcher({
      loaders: services.loaders,
      authenticator,
      clock,
      telemetry,
      defaultRegion,
    }),
    functions: { resolver: services.registry, invoker: services.invoker },
    urls: services.lambda.urls,
    authenticator,
    telemetry,
    clock,
    random,
    health,
    admin: [
      ...adminRoutes({
        ...services,
        runtimes,
        tracer: telemetry.tracer,
        log: telemetry.log,
        services: services.loaders,
        resettable: mode === "open",
      }),
      codeRoute(services.lambda),
    ],
  });
}

/**
 * Sandboxes are served by the gateway, which is made after the pool; one that starts in between (an
 * event left by an earlier process) is handed over as soon as there is a gateway.
 */
function createLateEndpoint(): GuestEndpoint & { bind(gateway: GuestEndpoint): void } {
  let bound: GuestEndpoint | undefined;
  const early = new Set<() => void>();
  return {
    bind(gateway) {
      bound = gateway;
      for (const serve of early) serve();
      early.clear();
    },
    serve(server, identity) {
      if (bound) return bound.serve(server, identity);
      let served: Disposable | undefined;
      const serve = (): void => void (served = bound?.serve(server, identity));
      early.add(serve);
      return {
        [Symbol.dispose]() {
          early.delete(serve);
          served?.[Symbol.dispose]();
        },
      };
    },
  };
}
