import type { RequestContext } from "#base/context.ts";
import {
  type FunctionEntry,
  type FunctionReference,
  type ProvisionedConfig,
  provisionedTotal,
  type RegistryView,
} from "#functions/registry/registry.ts";
import type { LambdaHandler, LambdaScope } from "../dependencies.ts";
import { functionNotFound, invalid, noProvisionedConfig, notFound } from "../errors.ts";
import { unreservedConcurrencyMin } from "../limits.ts";
import { pageRequest } from "../paging.ts";
import { checkProvisionedTarget, removeProvisioned, unpublished } from "../provisioned.ts";
import type { Allocation } from "../provisioning.ts";
import { functionArn, functionReference, isVersionNumber, latestFunction } from "../reference.ts";
import { timeText } from "../shape.ts";
import { entryAt } from "./functions.ts";

/** Environments that are always there: Put-, Get-, Delete-, ListProvisionedConcurrencyConfig(s). */
export function provisionedConcurrencyOperations(scope: LambdaScope) {
  return {
    putProvisionedConcurrencyConfig: put(scope),
    getProvisionedConcurrencyConfig: get(scope),
    deleteProvisionedConcurrencyConfig: remove(scope),
    listProvisionedConcurrencyConfigs: list(scope),
  };
}

type Qualified = FunctionReference & { readonly qualifier: string };

/** Answers before anything has been allocated, as the service does (202, `IN_PROGRESS`). */
function put(scope: LambdaScope): LambdaHandler<"PutProvisionedConcurrencyConfig"> {
  return async (input, context) => {
    const id = qualified(input, context, unpublished);
    const config: ProvisionedConfig = {
      count: input.ProvisionedConcurrentExecutions,
      modifiedMs: scope.clock.nowMs(),
    };
    await scope.registry.write((edit) => {
      const entry = targetAt(edit, id);
      checkProvisionedTarget(edit, id, { qualifier: id.qualifier, entry });
      checkConcurrency(scope, edit, { id, entry, count: config.count });
      const provisioned = { ...entry.provisioned, [id.qualifier]: config };
      edit.functions.put(id, { ...entry, provisioned });
    });
    await scope.provisioning.apply(id);
    return {
      RequestedProvisionedConcurrentExecutions: config.count,
      AllocatedProvisionedConcurrentExecutions: 0,
      Status: "IN_PROGRESS",
      LastModified: shortTime(config.modifiedMs),
    };
  };
}

function get(scope: LambdaScope): LambdaHandler<"GetProvisionedConcurrencyConfig"> {
  return async (input, context) => {
    const id = qualified(input, context, notQualified);
    const config = await scope.registry.read((view) => {
      const found = targetAt(view, id).provisioned?.[id.qualifier];
      if (!found) throw noProvisionedConfig();
      return found;
    });
    return stateOf(config, await allocation(scope, id, config));
  };
}

function remove(scope: LambdaScope): LambdaHandler<"DeleteProvisionedConcurrencyConfig"> {
  return async (input, context) => {
    const id = qualified(input, context, notQualified);
    await scope.registry.write((edit) => {
      targetAt(edit, id);
      if (!removeProvisioned(edit, id, id.qualifier)) throw noProvisionedConfig();
    });
    await scope.provisioning.apply(id);
    return {};
  };
}

function list(scope: LambdaScope): LambdaHandler<"ListProvisionedConcurrencyConfigs"> {
  return async (input, context) => {
    const id = latestFunction(input.FunctionName, context);
    const page = pageRequest(["provisioned", id.accountId, id.region, id.name], input);
    const { provisioned = {} } = await scope.registry.read((view) => entryAt(view, id));
    const all = Object.entries(provisioned).toSorted(([a], [b]) => (a < b ? -1 : 1));
    const { after } = page;
    const rest = after === undefined ? all : all.filter(([qualifier]) => qualifier > after);
    const { items, next } = page.cut(rest, ([qualifier]) => qualifier);
    return {
      ProvisionedConcurrencyConfigs: await Promise.all(
        items.map(async ([qualifier, config]) => ({
          FunctionArn: functionArn({ ...id, qualifier }),
          ...stateOf(config, await allocation(scope, { ...id, qualifier }, config)),
        })),
      ),
      ...(next === undefined ? {} : { NextMarker: next }),
    };
  };
}

function qualified(
  input: { readonly FunctionName: string; readonly Qualifier: string },
  context: RequestContext,
  refusal: () => Error,
): Qualified {
  const id = functionReference(input.FunctionName, input.Qualifier, context);
  const { qualifier } = id;
  if (qualifier === undefined || qualifier === "$LATEST") throw refusal();
  return { ...id, qualifier };
}

function notQualified(): Error {
  return invalid("The function resource provided must be an alias or a published version.");
}

/** The entry of a function whose alias or version must exist. */
function targetAt(view: RegistryView, id: Qualified): FunctionEntry {
  const entry = entryAt(view, id);
  const { qualifier } = id;
  if (isVersionNumber(qualifier)) {
    if (!view.versions.get(id, Number(qualifier))) throw functionNotFound(functionArn(id));
  } else if (!view.aliases.get(id, qualifier)) {
    throw notFound(`Cannot find alias arn: ${functionArn(id)}`);
  }
  return entry;
}

/**
 * Within the function's reservation if it has one, else within what the account has left, of which 100
 * stay unreserved: https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
 */
function checkConcurrency(
  scope: LambdaScope,
  view: RegistryView,
  wanted: { readonly id: Qualified; readonly entry: FunctionEntry; readonly count: number },
): void {
  const { id, entry, count } = wanted;
  const total = provisionedTotal(entry, id.qualifier) + count;
  if (entry.reservedConcurrency !== undefined) {
    if (total > entry.reservedConcurrency)
      throw invalid(
        "Requested Provisioned Concurrency should not be greater than the " +
          "reservedConcurrentExecution for function",
      );
    return;
  }
  const unreserved = scope.accountConcurrency - view.usage(id).reserved + provisionedTotal(entry);
  if (total > unreserved)
    throw invalid(
      "Specified ConcurrentExecutions for function is greater than account's unreserved " +
        `concurrency [${unreserved}].`,
    );
  if (unreserved - total < unreservedConcurrencyMin)
    throw invalid(
      "Specified ConcurrentExecutions for function decreases account's " +
        `UnreservedConcurrentExecution below its minimum value of [${unreservedConcurrencyMin}].`,
    );
}

function allocation(
  scope: LambdaScope,
  id: Qualified,
  { count }: ProvisionedConfig,
): Promise<Allocation> {
  return scope.provisioning.state(id, { qualifier: id.qualifier, count });
}

function stateOf(config: ProvisionedConfig, state: Allocation) {
  return {
    RequestedProvisionedConcurrentExecutions: config.count,
    AvailableProvisionedConcurrentExecutions: state.available,
    AllocatedProvisionedConcurrentExecutions: Math.min(state.allocated, config.count),
    Status: state.status,
    ...(state.reason === undefined ? {} : { StatusReason: state.reason }),
    LastModified: shortTime(config.modifiedMs),
  };
}

/** `2019-11-21T19:32:12+0000`, without the milliseconds that functions have. */
function shortTime(epochMs: number): string {
  return timeText(epochMs).replace(/\.\d{3}/, "");
}
