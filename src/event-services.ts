import type { Clock } from "#base/clock.ts";
import type { Logger } from "#base/context.ts";
import type { Random } from "#base/random.ts";
import type { Config } from "#config/config.ts";
import {
  createSources,
  createTargets,
  type EventSource,
  type SourceRegistry,
  type Target,
  type TargetRegistry,
} from "#events/events.ts";
import { createJournal, type Journal } from "#events/journal.ts";
import type { Foresight } from "#events/schedules/schedules.ts";
import { createOutbox, type Outbox } from "#events/outbox/outbox.ts";
import type { Operations, ServiceLoader } from "#protocol/protocol.ts";
import type { Service } from "#protocol/service/service.ts";
import { createDynamodb } from "#services/dynamodb/dynamodb.ts";
import { createEventBridge } from "#services/eventbridge/eventbridge.ts";
import { createS3, type S3 } from "#services/s3/s3.ts";
import type { Bodies } from "#storage/bodies/bodies.ts";
import { createScheduler } from "#services/scheduler/scheduler.ts";
import { createSns } from "#services/sns/sns.ts";
import { createSqs } from "#services/sqs/sqs.ts";
import type { BlobStore, Store } from "#storage/storage.ts";
import type { Tracer } from "#telemetry/telemetry.ts";
import { loader } from "./services.ts";

/** What every service that stores, sends or keeps something may need. */
export interface EventDeps {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly bodies: Bodies;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Told of what schedules will send. */
  readonly foresight: Foresight;
  readonly tracer: Tracer;
  /** `open` checks no permission, `strict` checks the resource policies of what is delivered to. */
  readonly mode: "open" | "strict";
  /** Under which this platform reaches itself; for URLs in what services hand on. */
  readonly endpoint: string;
  /** The same store without announcements to other processes: for what nobody keeps in memory, and is written often. */
  readonly plainStore: Store;
  /** Whether other processes work on the same store. */
  readonly isShared: boolean;
}

/** A service's door: its operations, and what its resources are to the event spine. */
interface EventService extends Partial<AsyncDisposable> {
  readonly service: Service;
  readonly target?: (arn: string) => Target | undefined;
  readonly source?: (arn: string) => EventSource | undefined;
}

/** What functions and services meet in. */
export interface EventServices {
  readonly targets: TargetRegistry;
  readonly sources: SourceRegistry;
  readonly outbox: Outbox;
  readonly journal: Journal;
  readonly loaders: readonly ServiceLoader[];
  readonly mode: EventDeps["mode"];
  /** For positions and other notes that no process keeps in memory. */
  readonly store: Store;
  /** The time that services live by. */
  readonly clock: Clock;
  readonly tracer: Tracer;
  readonly endpoint: string;
  /** What schedules call other services through; known once the platform is put together. */
  readonly bindOperations: (operations: Operations) => void;
  /** Where functions' packages may come from. */
  readonly objects: S3["objects"];
  /** What pages and forms may do with buckets. */
  readonly buckets: S3["buckets"];
}

/**
 * The services through which functions are woken, and what joins them. Whatever is made goes onto
 * `begun`, which ends it.
 */
export function createEventServices(
  parts: Omit<EventDeps, "mode" | "endpoint">,
  config: Config,
  begun: AsyncDisposableStack,
): EventServices {
  const deps: EventDeps = {
    ...parts,
    mode: config.mode === "serve" ? "strict" : "open",
    endpoint: `http://localhost:${config.port}`,
  };
  const targets = createTargets();
  const sources = createSources();
  const journal = createJournal();
  const outbox = createOutbox({ ...deps, store: deps.plainStore, targets, journal });
  const loaders: ServiceLoader[] = [];
  /** `name` is the service's folder. */
  const add = <S extends EventService>(name: string, made: S): S => {
    // The name in the credential scope is also the one in ARNs: `events`, `dynamodb`.
    const { signingName } = made.service.description;
    loaders.push(loader(name, made.service));
    if (made.target) targets.register(signingName, made.target);
    if (made.source) sources.register(signingName, made.source);
    const dispose = made[Symbol.asyncDispose];
    if (dispose) begun.defer(() => dispose.call(made));
    return made;
  };
  add("sqs", createSqs({ ...deps, store: deps.plainStore }));
  add("sns", createSns({ ...deps, store: deps.plainStore, outbox }));
  const sending = { ...deps, store: deps.plainStore, outbox, targets };
  const { sink } = add("eventbridge", createEventBridge(sending));
  const { bindOperations } = add("scheduler", createScheduler(sending));
  const s3 = add("s3", createS3({ ...sending, bus: sink }));
  const dynamodb = createDynamodb({ ...deps, store: deps.plainStore, shared: deps.store });
  add("dynamodb", dynamodb);
  add("dynamodb-streams", { service: dynamodb.streams });
  begun.use(outbox); // last: it ends before those it delivers to
  const { clock, tracer, endpoint, mode, plainStore: store } = deps;
  const spine = {
    targets,
    sources,
    outbox,
    journal,
    loaders,
    objects: s3.objects,
    buckets: s3.buckets,
    bindOperations,
  };
  return { ...spine, store, clock, tracer, endpoint, mode };
}
