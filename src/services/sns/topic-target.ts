import { NotFoundException } from "@aws-sdk/client-sns";
import { PlatformError } from "#base/errors.ts";
import { uuid } from "#base/ids.ts";
import type { EventRecord, Target } from "#events/events.ts";
import type { SnsDeps } from "./deps.ts";
import { type MessageInput, readMessageInput } from "./message-input.ts";
import { publish, type Publication } from "./publishing.ts";
import { addressOfTopic } from "./records.ts";

/** Topics as targets of events. For `TargetRegistry.register("sns", …)`. */
export function createTopicTargets(deps: SnsDeps): (arn: string) => Target | undefined {
  return (arn) => {
    const address = addressOfTopic(arn);
    if (!address) return undefined;
    return {
      async deliver(records, context, origin) {
        const failed = new Set<string>();
        try {
          // One by one: each has a trace of its own.
          for (const record of records) {
            const publication = read(record, uuid(deps.random));
            const [outcome] = publication
              ? await publish(deps, address, {
                  publications: [publication],
                  context,
                  origin,
                  trace: record.trace ?? context.trace,
                })
              : [];
            if (!outcome || outcome instanceof Error) failed.add(record.id);
          }
        } catch (error) {
          if (!(error instanceof NotFoundException)) throw error;
          throw new PlatformError("target.unknown", `there is no topic ${arn}`, { cause: error });
        }
        return failed;
      },
    };
  };
}

/** Undefined when it can be no message. */
function read(record: EventRecord, id: string): Publication | undefined {
  const attributes = Object.entries(record.attributes ?? {}).map(([name, { type, value }]) => {
    const isBinary = type.startsWith("Binary");
    const read = isBinary ? { BinaryValue: Buffer.from(value, "base64") } : { StringValue: value };
    return [name, { DataType: type, ...read }] as const;
  });
  const input: MessageInput = {
    Message: Buffer.from(record.event).toString("utf8"),
    MessageAttributes: Object.fromEntries(attributes),
    MessageGroupId: record.group,
    MessageDeduplicationId: record.deduplicationId,
  };
  try {
    return { id, message: readMessageInput(input) };
  } catch (error) {
    if (error instanceof Error && "$fault" in error) return undefined;
    throw error;
  }
}
