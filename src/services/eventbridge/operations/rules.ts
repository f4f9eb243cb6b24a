import {
  DeleteRule$,
  DescribeRule$,
  DisableRule$,
  EnableRule$,
  ListRuleNamesByTarget$,
  ListRules$,
  PutRule$,
  TestEventPattern$,
} from "@aws-sdk/client-eventbridge";
import { compilePattern, matches, PatternError } from "#events/patterns/patterns.ts";
import { parseSchedule } from "#events/schedules/schedules.ts";
import { keyParts } from "#storage/keys.ts";
import type { EventBridgeDeps, EventBridgeHandler, EventBridgeRows } from "../deps.ts";
import { invalidPattern, limitExceeded, managedRule, validationError } from "../errors.ts";
import { rulesPerBusMax } from "../limits.ts";
import { loadBus, loadRule } from "../lookups.ts";
import { busAddress, defaultBus, homeOf, ruleArn } from "../names.ts";
import { page } from "../pages.ts";
import { ranges, rules, touch, type BusAddress, type RuleRecord } from "../records.ts";
import { firstDueMs, saveScheduled, unschedule } from "../rule-schedules.ts";
import { mergeTags } from "../tags.ts";

/** Rules: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html and its neighbours. */
export function ruleOperations(deps: EventBridgeDeps): EventBridgeRows {
  return {
    PutRule: [PutRule$, putRule(deps)],
    DescribeRule: [DescribeRule$, describeRule(deps)],
    ListRules: [ListRules$, listRules(deps)],
    EnableRule: [EnableRule$, setState(deps, "ENABLED")],
    DisableRule: [DisableRule$, setState(deps, "DISABLED")],
    DeleteRule: [DeleteRule$, deleteRule(deps)],
    TestEventPattern: [TestEventPattern$, testPattern],
    ListRuleNamesByTarget: [ListRuleNamesByTarget$, listByTarget(deps)],
  };
}

function putRule({ store, clock, dueTimes }: EventBridgeDeps): EventBridgeHandler<"PutRule"> {
  return async (input, context) => {
    const home = homeOf(context);
    const address = busAddress(input.EventBusName, home);
    const { Name, EventPattern, ScheduleExpression, State, Description, RoleArn, Tags } = input;
    checkTriggers({ EventPattern, ScheduleExpression, address });
    await store.write((tx) => {
      loadBus(tx, address);
      const before = rules.read(tx, address, Name);
      if (before?.managedBy !== undefined) throw managedRule(Name);
      // The service ignores tags of a rule that is there already.
      const tags = before?.tags ?? mergeTags([], Tags ?? []);
      if (
        !before &&
        [...tx.list(ranges.rules(address), { limit: rulesPerBusMax })].length >= rulesPerBusMax
      )
        throw limitExceeded("The requested resource exceeds the maximum number allowed.");
      const isSameSchedule = before?.schedule === ScheduleExpression;
      const nowMs = clock.nowMs();
      const record: RuleRecord = {
        name: Name,
        bus: address.bus,
        state: State ?? "ENABLED",
        tags,
        targets: before?.targets ?? [],
        anchorMs: before && isSameSchedule ? before.anchorMs : nowMs,
        ...(EventPattern !== undefined && { pattern: EventPattern }),
        ...(ScheduleExpression !== undefined && { schedule: ScheduleExpression }),
        ...(Description !== undefined && { description: Description }),
        ...(RoleArn !== undefined && { roleArn: RoleArn }),
      };
      saveScheduled(tx, dueTimes, { address, record, dueMs: firstDueMs(record, nowMs) });
      touch(tx, address);
    });
    return { RuleArn: ruleArn(address, Name) };
  };
}

function checkTriggers(rule: {
  readonly EventPattern: string | undefined;
  readonly ScheduleExpression: string | undefined;
  readonly address: BusAddress;
}): void {
  const { EventPattern, ScheduleExpression, address } = rule;
  if (EventPattern === undefined && ScheduleExpression === undefined)
    throw validationError("Parameter(s) EventPattern or ScheduleExpression must be specified.");
  if (ScheduleExpression !== undefined) {
    if (address.bus !== defaultBus)
      throw validationError("ScheduleExpression is supported only on the default event bus.");
    const kind = parseSchedule(ScheduleExpression)?.kind;
    if (kind === undefined || kind === "at")
      throw validationError("Parameter ScheduleExpression is not valid.");
  }
  if (EventPattern !== undefined) checkPattern(EventPattern);
}

/** Throws InvalidEventPatternException with the service's reason. */
export function checkPattern(text: string): void {
  try {
    compilePattern(text);
  } catch (error) {
    throw error instanceof PatternError ? invalidPattern(error.message) : error;
  }
}

function ruleShape(address: BusAddress, record: RuleRecord) {
  const { pattern, schedule, description, roleArn, managedBy } = record;
  return {
    Name: record.name,
    Arn: ruleArn(address, record.name),
    State: record.state,
    EventBusName: record.bus,
    ...(pattern !== undefined && { EventPattern: pattern }),
    ...(schedule !== undefined && { ScheduleExpression: schedule }),
    ...(description !== undefined && { Description: description }),
    ...(roleArn !== undefined && { RoleArn: roleArn }),
    ...(managedBy !== undefined && { ManagedBy: managedBy }),
  };
}

function describeRule({ store }: EventBridgeDeps): EventBridgeHandler<"DescribeRule"> {
  return async ({ Name, EventBusName }, context) => {
    const address = busAddress(EventBusName, homeOf(context));
    const record = await store.read((reader) => loadRule(reader, address, Name));
    return { ...ruleShape(address, record), CreatedBy: address.accountId };
  };
}

function listRules({ store }: EventBridgeDeps): EventBridgeHandler<"ListRules"> {
  return async ({ NamePrefix = "", EventBusName, ...request }, context) => {
    const address = busAddress(EventBusName, homeOf(context));
    return store.read((reader) => {
      loadBus(reader, address);
      const { items, ...rest } = page(reader, ranges.rules(address), {
        ...request,
        read: ({ value }) => {
          const record = rules.decode(value);
          return record.name.startsWith(NamePrefix) ? ruleShape(address, record) : undefined;
        },
      });
      return { Rules: items, ...rest };
    });
  };
}

function setState(
  { store, clock, dueTimes }: EventBridgeDeps,
  state: "ENABLED" | "DISABLED",
): EventBridgeHandler<"EnableRule"> {
  return async ({ Name, EventBusName }, context) => {
    const address = busAddress(EventBusName, homeOf(context));
    await store.write((tx) => {
      const record = { ...loadRule(tx, address, Name), state };
      if (record.managedBy !== undefined) throw managedRule(Name);
      saveScheduled(tx, dueTimes, { address, record, dueMs: firstDueMs(record, clock.nowMs()) });
      touch(tx, address);
    });
    return {};
  };
}

/** A rule that is not there is deleted already. */
function deleteRule({ store, dueTimes }: EventBridgeDeps): EventBridgeHandler<"DeleteRule"> {
  return async ({ Name, EventBusName, Force }, context) => {
    const address = busAddress(EventBusName, homeOf(context));
    await store.write((tx) => {
      loadBus(tx, address);
      const record = rules.read(tx, address, Name);
      if (!record) return;
      if (record.managedBy !== undefined && Force !== true) throw managedRule(Name);
      if (record.targets.length > 0)
        throw validationError("Rule can't be deleted since it has targets.");
      unschedule(tx, dueTimes, { address, name: Name });
      rules.remove(tx, address, Name);
      touch(tx, address);
    });
    return {};
  };
}

/** https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_TestEventPattern.html: these members must be there. */
const eventMembers = ["id", "account", "source", "time", "region", "resources", "detail-type"];

const testPattern: EventBridgeHandler<"TestEventPattern"> = async ({ EventPattern, Event }) => {
  checkPattern(EventPattern);
  let event: unknown;
  try {
    event = JSON.parse(Event);
  } catch {
    event = undefined;
  }
  if (typeof event !== "object" || event === null || Array.isArray(event))
    throw validationError("Parameter Event is not valid.");
  for (const member of eventMembers)
    if (!Object.hasOwn(event, member))
      throw validationError(
        `Parameter Event is not valid. Reason: "${member}" is a required field.`,
      );
  return { Result: matches(compilePattern(EventPattern), event) };
};

function listByTarget({ store }: EventBridgeDeps): EventBridgeHandler<"ListRuleNamesByTarget"> {
  return async ({ TargetArn, EventBusName, ...request }, context) => {
    const address = busAddress(EventBusName, homeOf(context));
    return store.read((reader) => {
      loadBus(reader, address);
      const { items, ...rest } = page(reader, ranges.rulesByTarget(address, TargetArn), {
        ...request,
        read: ({ key }) => String(keyParts(key).at(-1)),
      });
      return { RuleNames: items, ...rest };
    });
  };
}
