import { ListTargetsByRule$, PutTargets$, RemoveTargets$ } from "@aws-sdk/client-eventbridge";
import { parseArn } from "#base/arn.ts";
import type { Transaction } from "#storage/storage.ts";
import type { EventBridgeDeps, EventBridgeHandler, EventBridgeRows } from "../deps.ts";
import { limitExceeded, managedRule, validationError } from "../errors.ts";
import { inputPathsMax, pageItemsDefault, targetsPerRuleMax } from "../limits.ts";
import { loadRule } from "../lookups.ts";
import { busAddress, homeOf } from "../names.ts";
import {
  keys,
  rules,
  touch,
  type BusAddress,
  type RuleRecord,
  type RuleTarget,
} from "../records.ts";
import { inputProblem } from "../target-input.ts";

/** Targets: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutTargets.html and its neighbours. */
export function targetOperations(deps: EventBridgeDeps): EventBridgeRows {
  return {
    PutTargets: [PutTargets$, putTargets(deps)],
    RemoveTargets: [RemoveTargets$, removeTargets(deps)],
    ListTargetsByRule: [ListTargetsByRule$, listTargets(deps)],
  };
}

function putTargets(deps: EventBridgeDeps): EventBridgeHandler<"PutTargets"> {
  return async ({ Rule, EventBusName, Targets }, context) => {
    const address = busAddress(EventBusName, homeOf(context));
    for (const target of Targets) checkTarget(deps, target);
    await deps.store.write((tx) => {
      const record = loadRule(tx, address, Rule);
      if (record.managedBy !== undefined) throw managedRule(Rule);
      const merged = new Map(record.targets.map((target) => [target.Id, target]));
      for (const target of Targets) merged.set(target.Id, target);
      if (merged.size > targetsPerRuleMax)
        throw limitExceeded("The requested resource exceeds the maximum number allowed.");
      saveTargets(tx, address, { record, targets: [...merged.values()] });
    });
    return { FailedEntryCount: 0, FailedEntries: [] };
  };
}

/** Members that only kinds of targets have which are not hosted here. */
const foreignMembers = [
  "KinesisParameters",
  "RunCommandParameters",
  "EcsParameters",
  "BatchParameters",
  "RedshiftDataParameters",
  "SageMakerPipelineParameters",
  "AppSyncParameters",
] as const;

/** Throws ValidationException. */
function checkTarget({ targets }: EventBridgeDeps, target: RuleTarget): void {
  const { Arn = "", Id = "" } = target;
  const arn = parseArn(Arn);
  if (!arn)
    throw validationError(
      `Parameter ${Arn} is not valid. Reason: Provided Arn is not in correct format.`,
    );
  const foreign = foreignMembers.find((member) => target[member] !== undefined);
  if (foreign !== undefined || !targets.find(Arn))
    throw validationError(
      `Parameter ${Arn} is not valid. Reason: targets of kind ${foreign ?? arn.service} are not hosted here (target ${Id}).`,
    );
  const isFifo = arn.service === "sqs" && Arn.endsWith(".fifo");
  if (isFifo && target.SqsParameters?.MessageGroupId === undefined)
    throw validationError(`Parameter(s) SqsParameters must be specified for target: ${Id}.`);
  const problem = inputProblem(target, inputPathsMax);
  if (problem !== undefined) throw validationError(problem);
}

/** Names by target stay in step with the rule. */
function saveTargets(
  tx: Transaction,
  address: BusAddress,
  { record, targets }: { readonly record: RuleRecord; readonly targets: readonly RuleTarget[] },
): void {
  for (const { Arn = "" } of record.targets) tx.delete(keys.byTarget(address, Arn, record.name));
  for (const { Arn = "" } of targets)
    tx.put(keys.byTarget(address, Arn, record.name), new Uint8Array());
  rules.save(tx, address, { ...record, targets });
  touch(tx, address);
}

function removeTargets({ store }: EventBridgeDeps): EventBridgeHandler<"RemoveTargets"> {
  return async ({ Rule, EventBusName, Ids, Force }, context) => {
    const address = busAddress(EventBusName, homeOf(context));
    await store.write((tx) => {
      const record = loadRule(tx, address, Rule);
      if (record.managedBy !== undefined && Force !== true) throw managedRule(Rule);
      const targets = record.targets.filter(({ Id = "" }) => !Ids.includes(Id));
      saveTargets(tx, address, { record, targets });
    });
    return { FailedEntryCount: 0, FailedEntries: [] };
  };
}

function listTargets({ store }: EventBridgeDeps): EventBridgeHandler<"ListTargetsByRule"> {
  return async ({ Rule, EventBusName, Limit = pageItemsDefault, NextToken }, context) => {
    const address = busAddress(EventBusName, homeOf(context));
    const { targets } = await store.read((reader) => loadRule(reader, address, Rule));
    // A handful; the token is a position.
    const from = NextToken === undefined ? 0 : Number(NextToken);
    if (!Number.isSafeInteger(from) || from < 0)
      throw validationError("The next token is not valid.");
    const Targets = targets.slice(from, from + Limit);
    const next = from + Targets.length;
    return { Targets, ...(next < targets.length && { NextToken: String(next) }) };
  };
}
