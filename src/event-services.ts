import type { Clock } from "#base/clock.ts";
import type { Logger } from "#base/context.ts";
import type { Random } from "#base/random.ts";
import {
  createSources,
  createTargets,
  type EventSource,
  type SourceRegistry,
  type Target,
  type TargetRegistry,
} from "#events/events.ts";
import type { ServiceLoader } from "#protocol/protocol.ts";
import type { Service } from "#protocol/service/service.ts";
import type { BlobStore, Store } from "#storage/storage.ts";
import type { Tracer } from "#telemetry/telemetry.ts";
import { loader } from "./services.ts";

/** What every service that stores, sends or keeps something may need. */
export interface EventDeps {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly tracer: Tracer;
  /** `open` checks no permission, `strict` checks the resource policies of what is delivered to. */
  readonly mode: "open" | "strict";
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
  readonly loaders: readonly ServiceLoader[];
}

/**
 * The services through which functions are woken, and what joins them. Whatever is made goes onto
 * `begun`, which ends it.
 */
export function createEventServices(_deps: EventDeps, begun: AsyncDisposableStack): EventServices {
  const targets = createTargets();
  const sources = createSources();
  const loaders: ServiceLoader[] = [];
  /** `name` is the service's folder. */
  const _add = <S extends EventService>(name: string, made: S): S => {
    // The name in the credential scope is also the one in ARNs: `events`, `dynamodb`.
    const { signingName } = made.service.description;
    loaders.push(loader(name, made.service));
    if (made.target) targets.register(signingName, made.target);
    if (made.source) sources.register(signingName, made.source);
    const dispose = made[Symbol.asyncDispose];
    if (dispose) begun.defer(() => dispose.call(made));
    return made;
  };
  return { targets, sources, loaders };
}
