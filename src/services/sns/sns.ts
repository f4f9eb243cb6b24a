import type { Target } from "#events/events.ts";
import type { Service } from "#protocol/service/service.ts";
import type { SnsOuterDeps } from "./deps.ts";
import { defineSns } from "./operations.ts";
import { createSigner } from "./signing.ts";
import { createTopicTargets } from "./topic-target.ts";

/** Topics: the API, and a place events are delivered to. */
export interface SnsService {
  readonly service: Service;
  readonly target: (arn: string) => Target | undefined;
}

/** Holds nothing that has to be ended: what is on its way is the outbox's. */
export function createSns(outer: SnsOuterDeps): SnsService {
  const deps = { ...outer, signer: createSigner(outer) };
  return { service: defineSns(deps), target: createTopicTargets(deps) };
}
