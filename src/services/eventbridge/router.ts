import { uuid } from "#base/ids.ts";
import { compilePattern, EventTooComplexError, PatternIndex } from "#events/patterns/patterns.ts";
import type { Reader, Transaction } from "#storage/storage.ts";
import type { BusEvent } from "./bus-event.ts";
import type { EventBridgeOuterDeps } from "./deps.ts";
import { ageSecondsDefault, readyBusesMax, retriesDefault } from "./limits.ts";
import { defaultBus, ruleArn } from "./names.ts";
import {
  archivedCodec,
  archiveRecords,
  buses,
  keys,
  ranges,
  revisionOf,
  rules,
  type ArchiveRecord,
  type BusAddress,
  type RuleRecord,
  type RuleTarget,
} from "./records.ts";
import { targetInput } from "./target-input.ts";

/** Finds who wants an event, and sends it. */
export interface Router {
  /** Whether anybody wants it: then `route` has something to write. */
  wants(reader: Reader, address: BusAddress, event: BusEvent): boolean;
  /** Hands deliveries to the outbox, and the event to archives, in the caller's transaction. */
  route(tx: Transaction, address: BusAddress, event: BusEvent): void;
  /** Again for these rules (all: none named), not for archives. */
  replay(tx: Transaction, address: BusAddress, event: BusEvent, ruleArns: readonly string[]): void;
  /** One rule's targets get it, matched or not: for schedules. */
  send(tx: Transaction, rule: RuleRecord, address: BusAddress, event: BusEvent): void;
}

/** A bus with its patterns compiled, as of a revision. */
interface ReadyBus {
  readonly revision: number;
  readonly rules: PatternIndex<RuleRecord>;
  readonly archives: PatternIndex<ArchiveRecord>;
}

type Deps = Pick<EventBridgeOuterDeps, "outbox" | "random" | "clock" | "log">;

export function createRouter(deps: Deps): Router {
  const ready = new Map<string, ReadyBus>();

  const load = (reader: Reader, address: BusAddress): ReadyBus => {
    const name = `${address.accountId}/${address.region}/${address.bus}`;
    const revision = revisionOf(reader, address);
    const known = ready.get(name);
    if (known?.revision === revision) return known;
    const made = makeReady(reader, address, revision);
    ready.delete(name);
    if (ready.size >= readyBusesMax)
      for (const oldest of [...ready.keys()].slice(0, 1)) ready.delete(oldest);
    ready.set(name, made);
    return made;
  };
  const find = <K>(index: PatternIndex<K>, event: BusEvent): readonly K[] => {
    try {
      return index.matching(event.value);
    } catch (error) {
      if (!(error instanceof EventTooComplexError)) throw error;
      deps.log.event("event.too-complex", { level: "warn", eventId: event.id, error });
      return [];
    }
  };
  const send: Router["send"] = (tx, rule, address, event) => {
    for (const target of rule.targets) deliver(deps, tx, { rule, target, address, event });
  };
  return {
    wants(reader, address, event) {
      const bus = load(reader, address);
      return find(bus.rules, event).length > 0 || find(bus.archives, event).length > 0;
    },
    route(tx, address, event) {
      const bus = load(tx, address);
      for (const rule of find(bus.rules, event)) send(tx, rule, address, event);
      for (const { name } of find(bus.archives, event)) {
        const stored = { event: event.text, ...(event.trace && { trace: event.trace }) };
        const at = keys.archived(address, name, { ms: event.timeMs, id: event.id });
        tx.put(at, archivedCodec.encode(stored));
      }
    },
    replay(tx, address, event, ruleArns) {
      for (const rule of find(load(tx, address).rules, event))
        if (ruleArns.length === 0 || ruleArns.includes(ruleArn(address, rule.name)))
          send(tx, rule, address, event);
    },
    send,
  };
}

/** A bus that does not exist has no rules, and drops what is put onto it, as the service does. */
function makeReady(reader: Reader, address: BusAddress, revision: number): ReadyBus {
  const made: ReadyBus = { revision, rules: new PatternIndex(), archives: new PatternIndex() };
  if (address.bus !== defaultBus && !buses.read(reader, address, address.bus)) return made;
  for (const { value } of reader.list(ranges.rules(address))) {
    const rule = rules.decode(value);
    if (rule.state !== "DISABLED" && rule.pattern !== undefined && rule.targets.length > 0)
      made.rules.add(rule, compilePattern(rule.pattern));
  }
  for (const { value } of reader.list(ranges.archives(address))) {
    const archive = archiveRecords.decode(value);
    if (archive.bus !== address.bus) continue;
    made.archives.add(archive, compilePattern(archive.pattern ?? '{"source":[{"exists":true}]}'));
  }
  return made;
}

function deliver(
  deps: Deps,
  tx: Transaction,
  to: {
    readonly rule: RuleRecord;
    readonly target: RuleTarget;
    readonly address: BusAddress;
    readonly event: BusEvent;
  },
): void {
  const { rule, target, address, event } = to;
  const arn = ruleArn(address, rule.name);
  const ingestionTime = new Date(deps.clock.nowMs()).toISOString();
  const source = { event, ruleArn: arn, ruleName: rule.name, ingestionTime };
  const { MaximumRetryAttempts, MaximumEventAgeInSeconds } = target.RetryPolicy ?? {};
  const targetArn = target.Arn ?? "";
  const group = target.SqsParameters?.MessageGroupId;
  const deadLetterArn = target.DeadLetterConfig?.Arn;
  deps.outbox.add(tx, {
    targetArn,
    record: {
      id: uuid(deps.random),
      event: Buffer.from(targetInput(target, source)),
      ...(event.trace && { trace: event.trace }),
      ...(group !== undefined && { group }),
    },
    origin: {
      service: "events.amazonaws.com",
      arn,
      accountId: address.accountId,
      region: address.region,
    },
    retry: {
      attemptsMax: (MaximumRetryAttempts ?? retriesDefault) + 1,
      ageMaxMs: (MaximumEventAgeInSeconds ?? ageSecondsDefault) * 1_000,
    },
    // With a role the rule acts as it; without one the target's own policy is asked.
    ...(target.RoleArn !== undefined && { usesRole: true }),
    ...(deadLetterArn !== undefined && { deadLetterArn }),
    deadLetterAttributes: { RULE_ARN: arn, TARGET_ARN: targetArn },
    deadLetterForm: "events",
  });
}
