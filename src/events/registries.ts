import { parseArn } from "#base/arn.ts";
import { assert } from "#base/assert.ts";
import type { EventSource, SourceRegistry, Target, TargetRegistry } from "./events.ts";

/** An empty registry; services add themselves at start. */
export function createTargets(): TargetRegistry {
  return createRegistry<Target>("targets");
}

/** An empty registry; services add themselves at start. */
export function createSources(): SourceRegistry {
  return createRegistry<EventSource>("sources");
}

function createRegistry<T>(what: string): {
  register(service: string, find: (arn: string) => T | undefined): void;
  find(arn: string): T | undefined;
} {
  const providers = new Map<string, (arn: string) => T | undefined>();
  return {
    register(service, find) {
      assert(!providers.has(service), `one provider of ${what} for ${service}`);
      providers.set(service, find);
    },
    find(arn) {
      const service = parseArn(arn)?.service;
      return service === undefined ? undefined : providers.get(service)?.(arn);
    },
  };
}
