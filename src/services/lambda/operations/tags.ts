import { parseArn } from "#base/arn.ts";
import type { RequestContext } from "#base/context.ts";
import type { FunctionReference, RegistryEdit } from "#functions/registry/registry.ts";
import type { LambdaHandler, LambdaScope } from "../dependencies.ts";
import { invalid, nothingThere, unsupported } from "../errors.ts";
import { mappings } from "../mappings/mapping-record.ts";
import * as records from "../records.ts";
import { functionArn, functionReference } from "../reference.ts";
import { checkTags, egressOf } from "../tags.ts";
import { entryAt } from "./functions.ts";

/** TagResource, UntagResource, ListTags: of functions as a whole, and of event source mappings. */
export function tagOperations(scope: LambdaScope) {
  return {
    tagResource: tagResource(scope),
    untagResource: untagResource(scope),
    listTags: listTags(scope),
  };
}

function tagResource(scope: LambdaScope): LambdaHandler<"TagResource"> {
  return async (input, context) => {
    const added = input.Tags;
    if (Object.keys(added).length === 0) {
      throw invalid("An error occurred and the request cannot be processed.");
    }
    const mapping = taggedMapping(input.Resource, context);
    if (mapping) {
      await changeMappingTags(scope, mapping, (before) => ({ ...before, ...added }));
      return {};
    }
    const id = taggedFunction(input.Resource, context);
    await changeTags(scope, id, (before) => ({ ...before, ...added }));
    return {};
  };
}

function untagResource(scope: LambdaScope): LambdaHandler<"UntagResource"> {
  return async (input, context) => {
    const removed = new Set(input.TagKeys);
    if (removed.size === 0) {
      throw invalid(
        "1 validation error detected: Value null at 'tagKeys' failed to satisfy constraint: Member must not be null",
      );
    }
    const without = (before: records.Tags): records.Tags =>
      Object.fromEntries(Object.entries(before).filter(([name]) => !removed.has(name)));
    const mapping = taggedMapping(input.Resource, context);
    if (mapping) await changeMappingTags(scope, mapping, without);
    else await changeTags(scope, taggedFunction(input.Resource, context), without);
    return {};
  };
}

function listTags(scope: LambdaScope): LambdaHandler<"ListTags"> {
  return async (input, context) => {
    const mapping = taggedMapping(input.Resource, context);
    if (mapping) {
      const found = await scope.events.store.read((reader) => mappings.get(reader, mapping));
      if (!found) throw nothingThere();
      return { Tags: { ...found.tags } };
    }
    const id = taggedFunction(input.Resource, context);
    const tags = await scope.registry.read((view) => {
      entryAt(view, id);
      return records.tags.get(view.reader, id);
    });
    return { Tags: { ...tags } };
  };
}

type MappingPlace = Parameters<typeof mappings.get>[1];

function taggedMapping(arn: string, context: RequestContext): MappingPlace | undefined {
  const parts = parseArn(arn);
  const [kind, uuid] = parts?.resource.split(":") ?? [];
  if (kind !== "event-source-mapping" || uuid === undefined) return undefined;
  return { accountId: context.principal.accountId, region: context.region, uuid };
}

async function changeMappingTags(
  scope: LambdaScope,
  place: MappingPlace,
  change: (before: records.Tags) => records.Tags,
): Promise<void> {
  await scope.events.store.write((tx) => {
    const found = mappings.get(tx, place);
    if (!found) throw nothingThere();
    const after = change(found.tags);
    checkTags(after);
    mappings.put(tx, { ...found, tags: after });
  });
}

/** A changed network setting ends idle environments, so that the next invocation already has it. */
async function changeTags(
  scope: LambdaScope,
  id: FunctionReference,
  change: (before: records.Tags) => records.Tags,
): Promise<void> {
  const hasNewEgress = await scope.registry.write((edit) => {
    const entry = entryAt(edit, id);
    const after = change(records.tags.get(edit.tx, id) ?? {});
    checkTags(after);
    writeTags(edit, id, after);
    const egress = egressOf(after);
    if (egress === entry.egress) return false;
    edit.functions.put(id, { ...entry, egress, latest: { ...entry.latest, egress } });
    return true;
  });
  if (!hasNewEgress) return;
  await scope.provisioning.apply(id);
  scope.pool.retire(functionArn(id), undefined);
}

function writeTags(edit: RegistryEdit, id: FunctionReference, tags: records.Tags): void {
  if (Object.keys(tags).length === 0) records.tags.remove(edit.tx, id);
  else records.tags.put(edit.tx, { id }, tags);
}

function taggedFunction(arn: string, context: RequestContext): FunctionReference {
  if (!arn.includes(":function:")) {
    throw unsupported(
      "Resource",
      `only functions and event source mappings can be tagged, not ${arn}`,
    );
  }
  const id = functionReference(arn, undefined, context);
  if (id.qualifier !== undefined) {
    throw invalid(
      "Tags on function aliases and versions are not supported. Please specify a function ARN.",
    );
  }
  return id;
}
