import type { RequestContext } from "#base/context.ts";
import { readPolicyVerdict } from "#events/events.ts";
import type { Reader } from "#storage/storage.ts";
import { accessDenied, busNotFound, ruleNotFound } from "./errors.ts";
import { busArn, defaultBus } from "./names.ts";
import { buses, rules, type BusAddress, type BusRecord, type RuleRecord } from "./records.ts";

/** The bus; the default one is there from the beginning. Throws ResourceNotFoundException. */
export function loadBus(reader: Reader, address: BusAddress): BusRecord {
  const found = buses.read(reader, address, address.bus);
  if (found) return found;
  if (address.bus !== defaultBus) throw busNotFound(address.bus);
  return { name: defaultBus, tags: [], createdMs: 0, modifiedMs: 0 };
}

/** Throws ResourceNotFoundException, for a bus that is not there too. */
export function loadRule(reader: Reader, address: BusAddress, name: string): RuleRecord {
  loadBus(reader, address);
  const found = rules.read(reader, address, name);
  if (!found) throw ruleNotFound(name, address.bus);
  return found;
}

/**
 * Whether a caller may put events onto a bus: its own, or by the bus' policy; only in strict mode. Throws
 * AccessDeniedException. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-bus-perms.html
 */
export function allowPut(
  mode: "open" | "strict",
  { reader, address }: { readonly reader: Reader; readonly address: BusAddress },
  context: RequestContext,
): void {
  const { arn, accountId } = context.principal;
  if (mode === "open" || accountId === address.accountId) return;
  const resourceArn = busArn(address);
  const verdict = readPolicyVerdict(buses.read(reader, address, address.bus)?.policy, {
    principalArn: arn,
    accountId,
    isService: false,
    action: "events:PutEvents",
    resourceArn,
  });
  if (verdict === "allow") return;
  throw accessDenied(
    `User: ${arn} is not authorized to perform: events:PutEvents on resource: ${resourceArn}`,
  );
}
