import type { TraceContext } from "#base/context.ts";
import { uuid } from "#base/ids.ts";
import type { Target } from "#events/events.ts";
import { createDueTimes, type DueTimes } from "#events/schedules/schedules.ts";
import type { Service } from "#protocol/service/service.ts";
import type { Transaction } from "#storage/storage.ts";
import { continueReplay, sweepArchive } from "./archived.ts";
import { makeEvent } from "./bus-event.ts";
import { createBusTargets } from "./bus-target.ts";
import type { EventBridgeOuterDeps } from "./deps.ts";
import { defaultBus } from "./names.ts";
import { defineEventBridge } from "./operations.ts";
import { createRouter } from "./router.ts";
import { fireRule, targetsOfDue } from "./rule-schedules.ts";

/** Event buses: the API, a place events are delivered to, and what our own services tell. */
export interface EventBridgeService extends AsyncDisposable {
  readonly service: Service;
  readonly target: (arn: string) => Target | undefined;
  readonly sink: ServiceEventSink;
}

/** Where services of this platform put their own events. */
export interface ServiceEventSink {
  /** Onto the default bus, in the transaction that the event is about. */
  put(tx: Transaction, event: ServiceEvent): void;
}

export interface ServiceEvent {
  /** `aws.s3` */
  readonly source: string;
  readonly detailType: string;
  readonly detail: object;
  /** ARNs of what it is about. */
  readonly resources: readonly string[];
  readonly accountId: string;
  readonly region: string;
  readonly trace: TraceContext | undefined;
}

/** Disposing stops schedules and replays; what is due meanwhile is due at the next start. */
export function createEventBridge(outer: EventBridgeOuterDeps): EventBridgeService {
  const { clock, random } = outer;
  const router = createRouter(outer);
  const dueTimes: DueTimes = createDueTimes({
    ...outer,
    prefix: "events",
    fire(tx, due, nowMs) {
      const now = { ...due, nowMs };
      const parts = { router, random, dueTimes };
      if (due.name[0] === "rule") fireRule(parts, tx, now);
      else if (due.name[0] === "replay") continueReplay(parts, tx, now);
      else sweepArchive(tx, dueTimes, now);
    },
    foresee(reader, due) {
      for (const arn of targetsOfDue(reader, due)) outer.foresight?.(arn, due.dueMs);
    },
  });
  const deps = { ...outer, router, dueTimes };
  return {
    service: defineEventBridge(deps),
    target: createBusTargets(deps),
    sink: {
      put(tx, { accountId, region, ...told }) {
        const address = { accountId, region, bus: defaultBus };
        const timeMs = clock.nowMs();
        const event = makeEvent(address, { ...told, id: uuid(random), timeMs });
        router.route(tx, address, event);
      },
    },
    [Symbol.asyncDispose]: () => dueTimes[Symbol.asyncDispose](),
  };
}
