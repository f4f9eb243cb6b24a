import { parseArn } from "#base/arn.ts";
import { assert } from "#base/assert.ts";
import type { Target, TargetRegistry } from "./events.ts";

/** An empty registry; services add themselves at start. */
export function createTargets(): TargetRegistry {
  const providers = new Map<string, (arn: string) => Target | undefined>();
  return {
    register(service, find) {
      assert(!providers.has(service), `one provider of targets for ${service}`);
      providers.set(service, find);
    },
    find(arn) {
      const service = parseArn(arn)?.service;
      return service === undefined ? undefined : providers.get(service)?.(arn);
    },
  };
}
