import { uuid } from "#base/ids.ts";
import { ignore } from "#base/ignore.ts";
import { addressOfArn } from "./addresses.ts";
import type { SqsOuterDeps } from "./deps.ts";
import type { Lanes } from "./lanes.ts";
import * as limits from "./limits.ts";
import { redrive } from "./partition/dead-letters.ts";
import { changeVisibility, type Partition, remove, take } from "./partition/partition.ts";
import { keys, type MoveTaskRecord, moveTaskCodec, type QueueAddress } from "./records.ts";

/** Carries out move tasks; each step is one transaction with what it says of its progress. */
export interface MoveTasks extends AsyncDisposable {
  /** Goes on with a task that is stored as running, in the background. */
  run(task: MoveTaskRecord): void;
}

interface Step {
  readonly isOver: boolean;
  readonly pauseMs: number;
}

/** Disposing stops between two steps; the next start goes on. */
export function createMoveTasks(deps: SqsOuterDeps & { readonly lanes: Lanes }): MoveTasks {
  const stopped = new AbortController();
  const running = new Map<string, Promise<void>>();
  const carryOut = async (source: QueueAddress, task: MoveTaskRecord): Promise<void> => {
    const lane = deps.lanes.of(source);
    while (!stopped.signal.aborted) {
      const ids = Array.from({ length: limits.moveChunkMessages }, () => uuid(deps.random));
      const { isOver, pauseMs } = await lane.run((partition) => step(partition, task, ids));
      if (isOver) return;
      if (pauseMs > 0) await deps.clock.sleep(pauseMs, stopped.signal);
    }
  };
  return {
    run(task) {
      const source = addressOfArn(task.sourceArn);
      if (!source || running.has(task.id) || stopped.signal.aborted) return;
      const work = carryOut(source, task).finally(() => running.delete(task.id));
      running.set(task.id, work);
      // A queue that is deleted takes its tasks with it; anything else goes on after the lease.
      ignore(work, "the sweep takes up what is left");
    },
    async [Symbol.asyncDispose]() {
      stopped.abort(new Error("the server stops"));
      await Promise.allSettled(running.values());
    },
  };
}

function step(
  partition: Partition,
  { id, startedMs }: MoveTaskRecord,
  ids: readonly string[],
): Step {
  const { tx, queue, nowMs } = partition;
  const key = keys.moveTask(queue, startedMs, id);
  const bytes = tx.get(key);
  if (!bytes) return over;
  const task = moveTaskCodec.decode(bytes);
  const put = (changes: Partial<MoveTaskRecord>): void =>
    tx.put(key, moveTaskCodec.encode({ ...task, ...changes }));
  if (task.status === "CANCELLING") {
    put({ status: "CANCELLED" });
    return over;
  }
  if (task.status !== "RUNNING") return over;
  const rate = task.perSecondMax;
  const limit = Math.min(ids.length, rate ?? ids.length);
  const { moved, failureReason } = moveSome(partition, task, ids.slice(0, limit));
  const progress = { moved: task.moved + moved, leaseMs: nowMs + limits.moveLeaseMs };
  if (failureReason !== undefined) {
    put({ ...progress, status: "FAILED", failureReason });
    return over;
  }
  const isDone = moved === 0 && !partition.hasMoreDue;
  put({ ...progress, ...(isDone && { status: "COMPLETED" as const }) });
  const pauseMs = rate === undefined ? 0 : Math.ceil((limit / rate) * 1_000);
  return { isOver: isDone, pauseMs };
}

const over: Step = { isOver: true, pauseMs: 0 };

/** Each message is taken, stored again and removed in one transaction: nobody sees it twice or not at all. */
function moveSome(
  partition: Partition,
  { destinationArn }: MoveTaskRecord,
  ids: readonly string[],
): { readonly moved: number; readonly failureReason?: string } {
  let moved = 0;
  for (const id of ids) {
    const [taken] = take(partition, { limit: 1, visibilityMs: takenForMs, bytesMax: Infinity });
    if (!taken) break;
    const arn = destinationArn ?? taken.record.deadLetterSourceArn;
    const address = arn === undefined ? undefined : addressOfArn(arn);
    const to = address && partition.other(address);
    if (!to || to.queue.isFifo !== partition.queue.isFifo) {
      changeVisibility(partition, taken.receipt, 0);
      return {
        moved,
        failureReason:
          arn === undefined
            ? "CouldNotDetermineMessageSource"
            : "AWS.SimpleQueueService.NonExistentQueue",
      };
    }
    redrive(to, taken.record, id);
    remove(partition, taken.receipt);
    moved += 1;
  }
  return { moved };
}

/** Any time will do: it ends within the transaction. */
const takenForMs = 1_000;
