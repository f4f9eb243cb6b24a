import { compileFilterPolicy, PatternError } from "#events/patterns/patterns.ts";
import { invalidParameter } from "./errors.ts";
import { compiledFiltersMax } from "./limits.ts";
import type { SubscriptionRecord } from "./records.ts";

type Filter = ReturnType<typeof compileFilterPolicy>;
type Message = Parameters<Filter["matches"]>[0];

const compiled = new Map<string, Filter>();

/** Whether the subscription's filter policy lets the message through; without one everything passes. */
export function wants({ attributes }: SubscriptionRecord, message: Message): boolean {
  const policy = attributes["FilterPolicy"];
  return policy === undefined || compile(policy, attributes["FilterPolicyScope"]).matches(message);
}

/** Throws what the service says of a policy that is none. */
export function checkFilterPolicy(policy: string, scope: string | undefined): void {
  try {
    compile(policy, scope);
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    throw invalidParameter(`FilterPolicy: ${error.message}`);
  }
}

function compile(policy: string, scope = "MessageAttributes"): Filter {
  const id = `${scope} ${policy}`;
  let filter = compiled.get(id);
  if (!filter) {
    filter = compileFilterPolicy(policy, scope === "MessageBody" ? scope : "MessageAttributes");
    if (compiled.size >= compiledFiltersMax) compiled.clear();
    compiled.set(id, filter);
  }
  return filter;
}
