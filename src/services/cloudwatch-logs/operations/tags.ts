import {
  ListTagsForResource$,
  ListTagsLogGroup$,
  TagLogGroup$,
  TagResource$,
  UntagLogGroup$,
  UntagResource$,
} from "@aws-sdk/client-cloudwatch-logs";
import type { RequestContext } from "#base/context.ts";
import type { OperationTable } from "#protocol/service/service.ts";
import type { Logs, LogsDeps } from "../deps.ts";
import { invalidParameter, tooManyTags } from "../errors.ts";
import { groupArn, loadGroup, nameOfIdentifier, placeOf, saveGroup } from "../groups.ts";
import { tagsMax } from "../limits.ts";

/** Tags of log groups, by name as of old and by ARN as of now. */
export function tagOperations(deps: LogsDeps): OperationTable<Logs> {
  return {
    TagLogGroup: [TagLogGroup$, (i, c) => add(deps, i.logGroupName, i.tags, c)],
    UntagLogGroup: [UntagLogGroup$, (i, c) => remove(deps, i.logGroupName, i.tags, c)],
    ListTagsLogGroup: [ListTagsLogGroup$, (i, c) => list(deps, i.logGroupName, c)],
    TagResource: [TagResource$, (i, c) => add(deps, named(i.resourceArn, c), i.tags, c)],
    UntagResource: [UntagResource$, (i, c) => remove(deps, named(i.resourceArn, c), i.tagKeys, c)],
    ListTagsForResource: [ListTagsForResource$, (i, c) => list(deps, named(i.resourceArn, c), c)],
  };
}

/** Only log groups have tags here; ARNs of destinations name nothing that exists. */
function named(resourceArn: string, context: RequestContext): string {
  if (!resourceArn.startsWith("arn:")) {
    throw invalidParameter(`The ARN ${resourceArn} is not valid.`);
  }
  return nameOfIdentifier(placeOf(context), resourceArn);
}

async function add(
  deps: LogsDeps,
  name: string,
  tags: Readonly<Record<string, string>>,
  context: RequestContext,
): Promise<object> {
  const place = placeOf(context);
  await deps.store.write((tx) => {
    const group = loadGroup(tx, place, name);
    const merged = { ...group.tags, ...tags };
    if (Object.keys(merged).length > tagsMax) {
      throw tooManyTags(`A resource can have no more than ${tagsMax} tags.`, groupArn(place, name));
    }
    saveGroup(tx, place, { ...group, tags: merged });
  });
  return {};
}

async function remove(
  deps: LogsDeps,
  name: string,
  tagKeys: readonly string[],
  context: RequestContext,
): Promise<object> {
  const place = placeOf(context);
  await deps.store.write((tx) => {
    const group = loadGroup(tx, place, name);
    const kept = Object.entries(group.tags).filter(([tagKey]) => !tagKeys.includes(tagKey));
    saveGroup(tx, place, { ...group, tags: Object.fromEntries(kept) });
  });
  return {};
}

async function list(
  deps: LogsDeps,
  name: string,
  context: RequestContext,
): Promise<{ tags: Record<string, string> }> {
  const place = placeOf(context);
  const group = await deps.store.read((reader) => loadGroup(reader, place, name));
  return { tags: { ...group.tags } };
}
