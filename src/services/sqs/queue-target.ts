import { derive, type TraceContext } from "#base/context.ts";
import { uuid } from "#base/ids.ts";
import { PlatformError } from "#base/errors.ts";
import { QueueDoesNotExist, SQSServiceException } from "@aws-sdk/client-sqs";
import type { EventRecord, Target } from "#events/events.ts";
import { formatTraceHeader } from "#telemetry/trace-header.ts";
import { allow } from "./access.ts";
import { addressOfArn } from "./addresses.ts";
import type { SqsDeps } from "./deps.ts";
import { fitMessage, readMessageInput } from "./message-input.ts";
import { accept } from "./partition/partition.ts";

/** Queues as targets of events. For `TargetRegistry.register("sqs", …)`. */
export function createQueueTargets(
  deps: Pick<SqsDeps, "lanes" | "random" | "mode">,
): (arn: string) => Target | undefined {
  return (arn) => {
    const address = addressOfArn(arn);
    if (!address) return undefined;
    return {
      async deliver(records, context, origin) {
        const messages = records.map((record) => ({
          record,
          id: uuid(deps.random),
          trace: record.trace ?? context.trace,
          input: messageInput(record, record.trace ?? context.trace),
        }));
        try {
          return await deps.lanes.of(address).run((partition) => {
            allow(deps, partition.queue, { action: "SendMessage", context, origin });
            const failed = new Set<string>();
            for (const { record, id, trace, input } of messages) {
              try {
                const checked = readMessageInput(input, {
                  id,
                  context: derive(context, { trace }),
                });
                const fit = fitMessage(checked, partition.queue);
                accept(partition, fit.record, fit.delayMs);
              } catch (error) {
                if (!(error instanceof SQSServiceException)) throw error;
                failed.add(record.id);
              }
            }
            return failed;
          });
        } catch (error) {
          if (!(error instanceof QueueDoesNotExist)) throw error;
          throw new PlatformError("target.unknown", `there is no queue ${arn}`, { cause: error });
        }
      },
    };
  };
}

/**
 * What a service delivers carries its trace where whoever receives it looks for it
 * (https://docs.aws.amazon.com/xray/latest/devguide/xray-services-sqs.html).
 */
function messageInput(record: EventRecord, trace: TraceContext) {
  const attributes = Object.entries(record.attributes ?? {}).map(([name, { type, value }]) => {
    const isBinary = type.startsWith("Binary");
    const read = isBinary ? { BinaryValue: Buffer.from(value, "base64") } : { StringValue: value };
    return [name, { DataType: type, ...read }] as const;
  });
  return {
    MessageBody: Buffer.from(record.event).toString("utf8"),
    MessageAttributes: Object.fromEntries(attributes),
    MessageSystemAttributes: {
      AWSTraceHeader: { DataType: "String", StringValue: formatTraceHeader(trace) },
    },
    MessageGroupId: record.group,
    MessageDeduplicationId: record.deduplicationId,
  };
}
