import { parseArn } from "#base/arn.ts";
import { derive } from "#base/context.ts";
import { PlatformError } from "#base/errors.ts";
import { uuid } from "#base/ids.ts";
import type { Random } from "#base/random.ts";
import type { DeliveryOrigin, Target } from "#events/events.ts";
import type { FunctionReference, FunctionResolver } from "#functions/registry/registry.ts";
import { PermissionError } from "./errors.ts";
import type { Invoker } from "./invoker.ts";

/**
 * Functions as targets of events: each record becomes one durable asynchronous invocation. For
 * `TargetRegistry.register("lambda", …)`.
 */
export function createFunctionTargets(deps: {
  readonly resolver: FunctionResolver;
  readonly invoker: Pick<Invoker, "enqueue">;
  readonly random: Random;
  /** Whether a service may invoke it for what it acts for; everybody may where it is missing. */
  readonly mayInvoke?: (reference: FunctionReference, origin: DeliveryOrigin) => Promise<boolean>;
}): (arn: string) => Target | undefined {
  return (arn) => {
    const reference = functionOfArn(arn);
    if (!reference) return undefined;
    return {
      async deliver(records, context, origin) {
        if (origin && deps.mayInvoke && !(await deps.mayInvoke(reference, origin)))
          throw new PermissionError(
            `${origin.service} may not invoke ${arn} for ${origin.arn}: no statement of the function's policy allows it`,
          );
        const target = await deps.resolver.resolve(reference, reference);
        if (!target) throw new PlatformError("target.unknown", `there is no function ${arn}`);
        const failed = new Set<string>();
        let lastError: unknown;
        for (const record of records) {
          const requestId = uuid(deps.random);
          try {
            await deps.invoker.enqueue({
              target,
              payload: record.event,
              context: derive(context, { requestId }),
            });
          } catch (error) {
            lastError = error;
            failed.add(record.id);
          }
        }
        if (failed.size > 0 && failed.size === records.length) throw lastError;
        return failed;
      },
    };
  };
}

/** `arn:aws:lambda:<region>:<account>:function:<name>[:<qualifier>]` */
export function functionOfArn(text: string): FunctionReference | undefined {
  const arn = parseArn(text);
  if (arn?.service !== "lambda") return undefined;
  const [kind, name, qualifier] = arn.resource.split(":");
  if (kind !== "function" || !name) return undefined;
  return { accountId: arn.accountId, region: arn.region, name, qualifier };
}
