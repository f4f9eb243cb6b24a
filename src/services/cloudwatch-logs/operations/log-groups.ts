import {
  CreateLogGroup$,
  DeleteLogGroup$,
  DeleteRetentionPolicy$,
  DescribeLogGroups$,
  PutLogGroupDeletionProtection$,
  PutRetentionPolicy$,
  type LogGroup,
} from "@aws-sdk/client-cloudwatch-logs";
import type { Handler, OperationTable } from "#protocol/service/service.ts";
import type { Reader } from "#storage/storage.ts";
import type { Logs, LogsDeps } from "../deps.ts";
import { alreadyExists, invalidParameter, unsupported, validationException } from "../errors.ts";
import {
  createGroup,
  deleteGroup,
  findGroup,
  groupArn,
  loadGroup,
  nameOfIdentifier,
  placeOf,
  saveGroup,
} from "../groups.ts";
import { retentionDays } from "../limits.ts";
import { pageEnd, pageOfRange } from "../pages.ts";
import {
  groupCodec,
  keys,
  readRecord,
  usageCodec,
  type GroupRecord,
  type Place,
} from "../records.ts";

/** Log groups: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html and its neighbours. */
export function logGroupOperations(deps: LogsDeps): OperationTable<Logs> {
  return {
    CreateLogGroup: [CreateLogGroup$, create(deps)],
    DescribeLogGroups: [DescribeLogGroups$, describe(deps)],
    DeleteLogGroup: [DeleteLogGroup$, remove(deps)],
    PutRetentionPolicy: [PutRetentionPolicy$, putRetention(deps)],
    DeleteRetentionPolicy: [DeleteRetentionPolicy$, deleteRetention(deps)],
    PutLogGroupDeletionProtection: [PutLogGroupDeletionProtection$, protect(deps)],
  };
}

function create({ store, clock, random }: LogsDeps): Handler<Logs, "CreateLogGroup"> {
  return async (input, context) => {
    if (input.kmsKeyId !== undefined) throw unsupported("kmsKeyId");
    const place = placeOf(context);
    const record = {
      name: input.logGroupName,
      createdAtMs: clock.nowMs(),
      logGroupClass: input.logGroupClass ?? "STANDARD",
      tags: { ...input.tags },
      ...(input.deletionProtectionEnabled === true && { isDeletionProtected: true }),
    };
    await store.write((tx) => {
      if (findGroup(tx, place, record.name)) {
        throw alreadyExists("The specified log group already exists");
      }
      createGroup(tx, place, record, random);
    });
    return {};
  };
}

function describe({ store, flush }: LogsDeps): Handler<Logs, "DescribeLogGroups"> {
  return async (input, context) => {
    if (input.includeLinkedAccounts === true) throw unsupported("includeLinkedAccounts");
    if (input.accountIdentifiers !== undefined) throw unsupported("accountIdentifiers");
    const { logGroupNamePrefix: prefix, logGroupNamePattern: pattern } = input;
    if (prefix !== undefined && pattern !== undefined) {
      throw invalidParameter(
        "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
      );
    }
    const place = placeOf(context);
    const names = input.logGroupIdentifiers?.map((one) => nameOfIdentifier(place, one));
    await flush();
    const page = await store.read((reader) =>
      pageOfRange(reader, keys.groups(place), {
        ...input,
        read: ({ value }) => {
          const group = groupCodec.decode(value);
          if (prefix !== undefined && !group.name.startsWith(prefix)) return undefined;
          if (pattern !== undefined && !group.name.includes(pattern)) return undefined;
          if (names && !names.includes(group.name)) return undefined;
          if (input.logGroupClass && group.logGroupClass !== input.logGroupClass) return undefined;
          return shapeOf(reader, place, group);
        },
      }),
    );
    return { logGroups: [...page.items], ...pageEnd(page) };
  };
}

function shapeOf(reader: Reader, place: Place, group: GroupRecord): LogGroup {
  const arn = groupArn(place, group.name);
  return {
    logGroupName: group.name,
    creationTime: group.createdAtMs,
    ...(group.retentionDays !== undefined && { retentionInDays: group.retentionDays }),
    metricFilterCount: 0,
    arn: `${arn}:*`,
    logGroupArn: arn,
    storedBytes: readRecord(reader, keys.usage(group.id), usageCodec)?.storedBytes ?? 0,
    logGroupClass: group.logGroupClass,
    deletionProtectionEnabled: group.isDeletionProtected === true,
  };
}

function remove({ store, flush }: LogsDeps): Handler<Logs, "DeleteLogGroup"> {
  return async (input, context) => {
    const place = placeOf(context);
    await flush(); // or lines from before would bring the group back
    await store.write((tx) => {
      const group = loadGroup(tx, place, input.logGroupName);
      if (group.isDeletionProtected === true) {
        throw validationException(
          `Log group ${group.name} cannot be deleted because deletion protection is enabled.`,
        );
      }
      deleteGroup(tx, place, group);
    });
    return {};
  };
}

function putRetention({ store }: LogsDeps): Handler<Logs, "PutRetentionPolicy"> {
  return async (input, context) => {
    const place = placeOf(context);
    const days = input.retentionInDays;
    if (!retentionDays.includes(days)) {
      throw invalidParameter(
        `1 validation error detected: Value '${days}' at 'retentionInDays' failed to satisfy ` +
          `constraint: Member must satisfy enum value set: [${retentionDays.join(", ")}]`,
      );
    }
    await store.write((tx) => {
      const group = loadGroup(tx, place, input.logGroupName);
      saveGroup(tx, place, { ...group, retentionDays: days });
    });
    return {};
  };
}

function deleteRetention({ store }: LogsDeps): Handler<Logs, "DeleteRetentionPolicy"> {
  return async (input, context) => {
    const place = placeOf(context);
    await store.write((tx) => {
      const { retentionDays: removed, ...group } = loadGroup(tx, place, input.logGroupName);
      if (removed !== undefined) saveGroup(tx, place, group);
    });
    return {};
  };
}

function protect({ store }: LogsDeps): Handler<Logs, "PutLogGroupDeletionProtection"> {
  return async (input, context) => {
    const place = placeOf(context);
    const name = nameOfIdentifier(place, input.logGroupIdentifier);
    await store.write((tx) => {
      const group = loadGroup(tx, place, name);
      saveGroup(tx, place, { ...group, isDeletionProtected: input.deletionProtectionEnabled });
    });
    return {};
  };
}
