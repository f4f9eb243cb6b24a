import { parseArn } from "#base/arn.ts";
import type { RequestContext } from "#base/context.ts";
import { isPlatformError } from "#base/errors.ts";
import { uuid } from "#base/ids.ts";
import type { EventSource } from "#events/events.ts";
import type { FunctionReference } from "#functions/registry/registry.ts";
import type { Reader } from "#storage/storage.ts";
import type { LambdaHandler, LambdaScope } from "../dependencies.ts";
import { conflict, invalid, nothingThere } from "../errors.ts";
import { mappedFunctionArn, mappingOutput } from "../mappings/mapping-output.ts";
import { type MappingRecord, mappings, results } from "../mappings/mapping-record.ts";
import { refuseForeignSources, settingsFrom } from "../mappings/mapping-settings.ts";
import { pageRequest } from "../paging.ts";
import { functionArn, functionReference } from "../reference.ts";
import { checkTags } from "../tags.ts";
import { revisionAt } from "./functions.ts";

/** Create-, Get-, List-, Update-, DeleteEventSourceMapping(s). Polling is `mappings/`'s. */
export function eventSourceMappingOperations(scope: LambdaScope) {
  return {
    createEventSourceMapping: createEventSourceMapping(scope),
    getEventSourceMapping: getEventSourceMapping(scope),
    listEventSourceMappings: listEventSourceMappings(scope),
    updateEventSourceMapping: updateEventSourceMapping(scope),
    deleteEventSourceMapping: deleteEventSourceMapping(scope),
  };
}

function createEventSourceMapping(scope: LambdaScope): LambdaHandler<"CreateEventSourceMapping"> {
  return async (input, context) => {
    refuseForeignSources(input, input.EventSourceArn);
    const sourceArn = input.EventSourceArn;
    if (sourceArn === undefined)
      throw invalid(
        "1 validation error detected: Value null at 'eventSourceArn' failed to satisfy constraint: Member must not be null.",
      );
    const source = sourceAt(scope, sourceArn);
    const id = functionReference(input.FunctionName, undefined, context);
    const settings = settingsFrom(input, source, undefined);
    const tags = input.Tags ?? {};
    checkTags(tags);
    await checkTimes(scope, source, await timeoutOf(scope, id));
    const record: MappingRecord = {
      uuid: uuid(scope.random),
      accountId: id.accountId,
      region: id.region,
      functionName: id.name,
      qualifier: id.qualifier,
      sourceArn,
      isEnabled: input.Enabled ?? true,
      state: "Creating",
      revision: 1,
      modifiedMs: scope.events.clock.nowMs(),
      settings,
      tags,
    };
    await scope.events.store.write((tx) => {
      for (const other of mappings.list(tx, id))
        if (isSame(other, record)) throw alreadyMapped(other);
      mappings.put(tx, record);
    });
    return mappingOutput(record, undefined);
  };
}

function getEventSourceMapping(scope: LambdaScope): LambdaHandler<"GetEventSourceMapping"> {
  return (input, context) =>
    scope.events.store.read((reader) => {
      const record = mappingAt(reader, input.UUID, context);
      return mappingOutput(record, results.get(reader, record.uuid));
    });
}

function listEventSourceMappings(scope: LambdaScope): LambdaHandler<"ListEventSourceMappings"> {
  return async (input, context) => {
    const place = { accountId: context.principal.accountId, region: context.region };
    const wanted =
      input.FunctionName === undefined
        ? undefined
        : functionArn(functionReference(input.FunctionName, undefined, context));
    const { EventSourceArn: sourceArn } = input;
    const page = pageRequest(
      ["mappings", place.accountId, place.region, wanted ?? "", sourceArn ?? ""],
      input,
    );
    return await scope.events.store.read((reader) => {
      const found: MappingRecord[] = [];
      for (const record of mappings.list(reader, { ...place, after: page.after })) {
        if (wanted !== undefined && mappedFunctionArn(record) !== wanted) continue;
        if (sourceArn !== undefined && record.sourceArn !== sourceArn) continue;
        if (found.push(record) > page.limit) break;
      }
      const { items, next } = page.cut(found, (record) => record.uuid);
      return {
        EventSourceMappings: items.map((record) =>
          mappingOutput(record, results.get(reader, record.uuid)),
        ),
        ...(next === undefined ? {} : { NextMarker: next }),
      };
    });
  };
}

function updateEventSourceMapping(scope: LambdaScope): LambdaHandler<"UpdateEventSourceMapping"> {
  return async (input, context) => {
    const before = await scope.events.store.read((reader) =>
      mappingAt(reader, input.UUID, context),
    );
    refuseForeignSources(input, before.sourceArn);
    const source = sourceAt(scope, before.sourceArn);
    const id =
      input.FunctionName === undefined
        ? referenceOf(before)
        : functionReference(input.FunctionName, undefined, context);
    await checkTimes(scope, source, await timeoutOf(scope, id));
    const [record, lastResult] = await scope.events.store.write((tx) => {
      const now = mappingAt(tx, input.UUID, context);
      const isEnabled = input.Enabled ?? now.isEnabled;
      const changed: MappingRecord = {
        ...now,
        functionName: id.name,
        qualifier: id.qualifier,
        isEnabled,
        state: transition(now, isEnabled),
        revision: now.revision + 1,
        modifiedMs: scope.events.clock.nowMs(),
        settings: settingsFrom(input, source, now.settings),
      };
      mappings.put(tx, changed);
      return [changed, results.get(tx, now.uuid)] as const;
    });
    return mappingOutput(record, lastResult);
  };
}

function deleteEventSourceMapping(scope: LambdaScope): LambdaHandler<"DeleteEventSourceMapping"> {
  return async (input, context) => {
    const [record, lastResult] = await scope.events.store.write((tx) => {
      const now = mappingAt(tx, input.UUID, context);
      const changed: MappingRecord = {
        ...now,
        state: "Deleting",
        isEnabled: false,
        revision: now.revision + 1,
        modifiedMs: scope.events.clock.nowMs(),
      };
      mappings.put(tx, changed);
      return [changed, results.get(tx, now.uuid)] as const;
    });
    return mappingOutput(record, lastResult);
  };
}

function transition(before: MappingRecord, isEnabled: boolean): MappingRecord["state"] {
  if (before.isEnabled === isEnabled) return "Updating";
  return isEnabled ? "Enabling" : "Disabling";
}

/** A mapping of the caller's; one that is being deleted is still there to be read. */
function mappingAt(reader: Reader, id: string, context: RequestContext): MappingRecord {
  const { accountId } = context.principal;
  const record = mappings.get(reader, { accountId, region: context.region, uuid: id });
  if (!record) throw nothingThere();
  return record;
}

function sourceAt(scope: LambdaScope, sourceArn: string): EventSource {
  const source = scope.events.sources.find(sourceArn);
  if (!source) throw invalid("Unrecognized event source.");
  return source;
}

const referenceOf = (record: MappingRecord): FunctionReference => ({
  accountId: record.accountId,
  region: record.region,
  name: record.functionName,
  qualifier: record.qualifier,
});

function timeoutOf(scope: LambdaScope, id: FunctionReference): Promise<number> {
  return scope.registry.read((view) => revisionAt(view, id).timeoutMs);
}

/** Messages must not become visible again while the function still works on them. */
async function checkTimes(
  scope: LambdaScope,
  source: EventSource,
  timeoutMs: number,
): Promise<void> {
  try {
    if (source.kind === "stream") {
      await source.shards();
      return;
    }
    const visibleMs = await source.visibilityTimeoutMs();
    if (visibleMs < timeoutMs)
      throw invalid(
        `Queue visibility timeout: ${visibleMs / 1_000} seconds is less than Function timeout: ${timeoutMs / 1_000} seconds`,
      );
  } catch (error) {
    if (!isPlatformError(error, "target.unknown")) throw error;
    throw invalid(
      source.kind === "stream"
        ? `Stream not found: ${source.arn}`
        : "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not exist for this wsdl version.",
    );
  }
}

const isSame = (one: MappingRecord, other: MappingRecord): boolean =>
  one.sourceArn === other.sourceArn && mappedFunctionArn(one) === mappedFunctionArn(other);

function alreadyMapped(other: MappingRecord): Error {
  const name = other.functionName;
  const end = `Please update or delete the existing mapping with UUID ${other.uuid}`;
  return conflict(
    parseArn(other.sourceArn)?.service === "sqs"
      ? `An event source mapping with SQS arn (" ${other.sourceArn} ") and function (" ${name} ") already exists. ${end}`
      : `The event source arn (" ${other.sourceArn} ") and function (" ${name} ") provided mapping already exists. ${end}`,
  );
}
