import type { DeliveryOrigin } from "#events/events.ts";
import type { FunctionReference } from "#functions/registry/registry.ts";
import type { LambdaScope } from "./dependencies.ts";
import { allowsInvocation } from "./policy.ts";
import { policies } from "./records.ts";
import { functionArn } from "./reference.ts";

/** Asks the policy that AddPermission writes, in memory when it has been asked before. */
export function createPushPermission(
  scope: LambdaScope,
): (reference: FunctionReference, origin: DeliveryOrigin) => Promise<boolean> {
  return async (reference, origin) => {
    if (scope.events.mode === "open") return true;
    // As for AddPermission: `$LATEST` has the policy of the function as a whole.
    const { qualifier } = reference;
    const sub = qualifier === undefined || qualifier === "$LATEST" ? "" : qualifier;
    const arn = functionArn({ ...reference, qualifier: sub === "" ? undefined : sub });
    const allowed = await scope.cache.get(`push/${arn}/${JSON.stringify(origin)}`, async () => {
      const record = await scope.store.read((reader) => policies.get(reader, reference, sub));
      return allowsInvocation(record, origin, arn);
    });
    return allowed === true;
  };
}
