import type { EventSource, Target } from "#events/events.ts";
import type { Service } from "#protocol/service/service.ts";
import type { SqsOuterDeps } from "./deps.ts";
import { createLanes } from "./lanes.ts";
import { defineSqs } from "./operations.ts";
import { createMoveTasks } from "./move-tasks.ts";
import { createQueueSources } from "./queue-source.ts";
import { createQueueTargets } from "./queue-target.ts";
import { createReceipts } from "./receipts.ts";
import { createSweeper } from "./sweeper.ts";

/** Queues: the API, a place events are delivered to, and one they are fetched from. */
export interface SqsService extends AsyncDisposable {
  readonly service: Service;
  readonly target: (arn: string) => Target | undefined;
  readonly source: (arn: string) => EventSource | undefined;
  /** Clears away what purges, deletions and time left behind, now instead of within ten minutes. */
  sweep(): Promise<void>;
}

/** Disposing lets those who wait for messages go with none. */
export function createSqs(outer: SqsOuterDeps): SqsService {
  const lanes = createLanes(outer);
  const moveTasks = createMoveTasks({ ...outer, lanes });
  const deps = { ...outer, lanes, moveTasks, receipts: createReceipts(outer) };
  const sweeper = createSweeper(deps);
  return {
    service: defineSqs(deps),
    target: createQueueTargets(deps),
    source: createQueueSources(deps),
    sweep: () => sweeper.sweep(),
    async [Symbol.asyncDispose]() {
      await sweeper[Symbol.asyncDispose]();
      await moveTasks[Symbol.asyncDispose]();
      await lanes[Symbol.asyncDispose]();
    },
  };
}
