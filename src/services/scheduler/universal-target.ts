import { isPlatformError, PlatformError } from "#base/errors.ts";
import type { Target } from "#events/events.ts";
import type { Operations } from "#protocol/protocol.ts";
import { universalTarget } from "./delivery.ts";

/** Folders of services whose name in the SDK is another one. */
const folders: Readonly<Record<string, string>> = {
  cloudwatchlogs: "cloudwatch-logs",
  dynamodbstreams: "dynamodb-streams",
};

/**
 * Any operation of any service here as a target: https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html.
 * For `TargetRegistry.register("scheduler", …)`. Operations are known once the platform is put together.
 */
export function createUniversalTargets(
  operations: () => Operations | undefined,
): (arn: string) => Target | undefined {
  return (arn) => {
    const found = universalTarget(arn);
    if (!found) return undefined;
    const service = folders[found.service] ?? found.service;
    return {
      async deliver(records, context) {
        const known = operations();
        if (!known) throw new PlatformError("server.stopping", `${arn} cannot be called yet`);
        const failed = new Set<string>();
        for (const { id, event } of records) {
          const input: unknown = JSON.parse(Buffer.from(event).toString("utf8"));
          try {
            await known.call(service, found.operation, input as object, context); // checked when it was created
          } catch (error) {
            if (isPlatformError(error)) throw error;
            if (records.length === 1) throw error;
            failed.add(id);
          }
        }
        return failed;
      },
    };
  };
}
