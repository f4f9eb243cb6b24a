import { QueueDoesNotExist } from "@aws-sdk/client-sqs";
import { PlatformError } from "#base/errors.ts";
import type { EventSource, SourceRecord } from "#events/events.ts";
import { addressOfArn } from "./addresses.ts";
import type { SqsDeps } from "./deps.ts";
import { type Partition, changeVisibility, remove } from "./partition/partition.ts";
import type { Receipt } from "./partition/partition.ts";
import { toSourceRecord } from "./views.ts";

/** Queues as sources of events. For `SourceRegistry.register("sqs", …)`. */
export function createQueueSources(
  deps: Pick<SqsDeps, "lanes" | "receipts">,
): (arn: string) => EventSource | undefined {
  return (arn) => {
    const address = addressOfArn(arn);
    if (!address) return undefined;
    const gone = (error: unknown): never => {
      if (!(error instanceof QueueDoesNotExist)) throw error;
      throw new PlatformError("target.unknown", `there is no queue ${arn}`, { cause: error });
    };
    const withReceipts = async (
      records: readonly SourceRecord[],
      work: (partition: Partition, receipt: Receipt) => void,
    ): Promise<void> => {
      const codec = await deps.receipts.codec();
      const run = (partition: Partition): void => {
        for (const { receipt } of records) work(partition, codec.decode(receipt, partition.queue));
      };
      await deps.lanes.of(address).run(run).catch(gone);
    };
    return {
      kind: "queue",
      arn,
      isFifo: address.name.endsWith(".fifo"),
      visibilityTimeoutMs: async () =>
        await deps.lanes
          .of(address)
          .run(({ settings }) => settings.visibilityMs)
          .catch(gone),
      async receive({ limit, bytesMax, waitMs, signal }) {
        const codec = await deps.receipts.codec();
        const request = { limit, bytesMax, waitMs, signal, visibilityMs: undefined };
        const { queue, messages } = await deps.lanes.of(address).receive(request).catch(gone);
        return messages.map((taken) =>
          toSourceRecord(taken, { queue, handle: codec.encode(taken.receipt) }),
        );
      },
      acknowledge: (records) => withReceipts(records, remove),
      release: (records, delayMs) =>
        withReceipts(records, (partition, receipt) =>
          changeVisibility(partition, receipt, delayMs),
        ),
    };
  };
}
