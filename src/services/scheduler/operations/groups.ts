import {
  CreateScheduleGroup$,
  DeleteScheduleGroup$,
  GetScheduleGroup$,
  ListScheduleGroups$,
  ListTagsForResource$,
  TagResource$,
  UntagResource$,
} from "@aws-sdk/client-scheduler";
import type { Reader } from "#storage/storage.ts";
import type { SchedulerDeps, SchedulerHandler, SchedulerRows } from "../deps.ts";
import { conflict, notFound, quotaExceeded, validationError } from "../errors.ts";
import { removeSchedule } from "../firing.ts";
import { groupsMax, tagsPerResourceMax } from "../limits.ts";
import { page } from "../pages.ts";
import {
  decodeGroup,
  decodeSchedule,
  defaultGroup,
  dropGroup,
  findGroup,
  groupArn,
  homeOf,
  loadGroup,
  putGroup,
  ranges,
  type GroupRecord,
  type Home,
} from "../records.ts";

/** Groups and their tags: https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateScheduleGroup.html and its neighbours. */
export function groupOperations(deps: SchedulerDeps): SchedulerRows {
  return {
    CreateScheduleGroup: [CreateScheduleGroup$, createGroup(deps)],
    GetScheduleGroup: [GetScheduleGroup$, getGroup(deps)],
    DeleteScheduleGroup: [DeleteScheduleGroup$, deleteGroup(deps)],
    ListScheduleGroups: [ListScheduleGroups$, listGroups(deps)],
    TagResource: [TagResource$, tagGroup(deps)],
    UntagResource: [UntagResource$, untagGroup(deps)],
    ListTagsForResource: [ListTagsForResource$, listTags(deps)],
  };
}

interface GivenTag {
  readonly Key: string | undefined;
  readonly Value: string | undefined;
}

function mergeTags(before: GroupRecord["tags"], added: readonly GivenTag[]): GroupRecord["tags"] {
  const merged = new Map(before.map(({ Key, Value }) => [Key, Value]));
  for (const { Key = "", Value = "" } of added) {
    if (/^aws:/i.test(Key)) throw validationError("Tag keys that begin with aws: are reserved.");
    merged.set(Key, Value);
  }
  if (merged.size > tagsPerResourceMax)
    throw quotaExceeded(`A resource has at most ${tagsPerResourceMax} tags.`);
  return [...merged].map(([Key, Value]) => ({ Key, Value }));
}

function createGroup({ store, clock }: SchedulerDeps): SchedulerHandler<"CreateScheduleGroup"> {
  return async ({ Name, Tags = [], ClientToken }, context) => {
    const home = homeOf(context);
    const tags = mergeTags([], Tags);
    await store.write((tx) => {
      const before = findGroup(tx, home, Name);
      if (before && ClientToken !== undefined && before.clientToken === ClientToken) return;
      if (before) throw conflict(`Schedule group ${Name} already exists.`);
      if ([...tx.list(ranges.groups(home), { limit: groupsMax })].length >= groupsMax)
        throw quotaExceeded("Account limit exceeded for schedule groups.");
      const nowMs = clock.nowMs();
      putGroup(tx, home, {
        name: Name,
        tags,
        createdMs: nowMs,
        modifiedMs: nowMs,
        ...(ClientToken !== undefined && { clientToken: ClientToken }),
      });
    });
    return { ScheduleGroupArn: groupArn(home, Name) };
  };
}

function groupShape(home: Home, { name, createdMs, modifiedMs }: GroupRecord) {
  return {
    Arn: groupArn(home, name),
    Name: name,
    State: "ACTIVE" as const,
    CreationDate: new Date(createdMs),
    LastModificationDate: new Date(modifiedMs),
  };
}

function getGroup({ store }: SchedulerDeps): SchedulerHandler<"GetScheduleGroup"> {
  return async ({ Name }, context) => {
    const home = homeOf(context);
    return groupShape(home, await store.read((reader) => loadGroup(reader, home, Name)));
  };
}

/** With all its schedules, at once. */
function deleteGroup({ store, dueTimes }: SchedulerDeps): SchedulerHandler<"DeleteScheduleGroup"> {
  return async ({ Name }, context) => {
    const home = homeOf(context);
    if (Name === defaultGroup)
      throw validationError("The default schedule group cannot be deleted.");
    await store.write((tx) => {
      loadGroup(tx, home, Name);
      const names = [...tx.list(ranges.schedules(home, Name))].map(
        ({ value }) => decodeSchedule(value).name,
      );
      for (const name of names) removeSchedule(dueTimes, tx, { ...home, group: Name, name });
      dropGroup(tx, home, Name);
    });
    return {};
  };
}

function listGroups({ store }: SchedulerDeps): SchedulerHandler<"ListScheduleGroups"> {
  return async ({ NamePrefix = "", ...request }, context) => {
    const home = homeOf(context);
    return store.read((reader) => {
      const { items, ...rest } = page(reader, ranges.groups(home), {
        ...request,
        read: ({ value }) => {
          const record = decodeGroup(value);
          if (record.name === defaultGroup || !record.name.startsWith(NamePrefix)) return undefined;
          return groupShape(home, record);
        },
      });
      // The default group has a record only once it has tags.
      const isFirst = request.NextToken === undefined && defaultGroup.startsWith(NamePrefix);
      const first = isFirst ? [groupShape(home, loadGroup(reader, home, defaultGroup))] : [];
      return { ScheduleGroups: [...first, ...items], ...rest };
    });
  };
}

function taggedGroup(reader: Reader, home: Home, arn: string): GroupRecord {
  const prefix = groupArn(home, "");
  if (!arn.startsWith(prefix)) throw notFound(`Resource ${arn} does not exist.`);
  return loadGroup(reader, home, arn.slice(prefix.length));
}

function tagGroup({ store }: SchedulerDeps): SchedulerHandler<"TagResource"> {
  return async ({ ResourceArn, Tags }, context) => {
    const home = homeOf(context);
    await store.write((tx) => {
      const group = taggedGroup(tx, home, ResourceArn);
      putGroup(tx, home, { ...group, tags: mergeTags(group.tags, Tags) });
    });
    return {};
  };
}

function untagGroup({ store }: SchedulerDeps): SchedulerHandler<"UntagResource"> {
  return async ({ ResourceArn, TagKeys }, context) => {
    const home = homeOf(context);
    await store.write((tx) => {
      const group = taggedGroup(tx, home, ResourceArn);
      const tags = group.tags.filter(({ Key }) => !TagKeys.includes(Key));
      putGroup(tx, home, { ...group, tags });
    });
    return {};
  };
}

function listTags({ store }: SchedulerDeps): SchedulerHandler<"ListTagsForResource"> {
  return async ({ ResourceArn }, context) => {
    const home = homeOf(context);
    const group = await store.read((reader) => taggedGroup(reader, home, ResourceArn));
    return { Tags: [...group.tags] };
  };
}
