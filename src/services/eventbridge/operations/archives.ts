import {
  CreateArchive$,
  DeleteArchive$,
  DescribeArchive$,
  ListArchives$,
  UpdateArchive$,
} from "@aws-sdk/client-eventbridge";
import { measureArchive, sweepName } from "../archived.ts";
import type { EventBridgeDeps, EventBridgeHandler, EventBridgeRows } from "../deps.ts";
import { alreadyExists, limitExceeded, notFound, validationError } from "../errors.ts";
import { archivesMax, archiveSweepMs } from "../limits.ts";
import { loadBus } from "../lookups.ts";
import { archiveArn, busArn, homeOf, resourceOf } from "../names.ts";
import { page } from "../pages.ts";
import {
  archiveRecords,
  ranges,
  touch,
  type ArchiveRecord,
  type BusAddress,
  type Home,
} from "../records.ts";
import type { Reader } from "#storage/storage.ts";
import { checkPattern } from "./rules.ts";

/** Archives: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateArchive.html and its neighbours. */
export function archiveOperations(deps: EventBridgeDeps): EventBridgeRows {
  return {
    CreateArchive: [CreateArchive$, createArchive(deps)],
    DescribeArchive: [DescribeArchive$, describeArchive(deps)],
    ListArchives: [ListArchives$, listArchives(deps)],
    UpdateArchive: [UpdateArchive$, updateArchive(deps)],
    DeleteArchive: [DeleteArchive$, deleteArchive(deps)],
  };
}

function createArchive({
  store,
  clock,
  dueTimes,
}: EventBridgeDeps): EventBridgeHandler<"CreateArchive"> {
  return async (input, context) => {
    const home = homeOf(context);
    const { ArchiveName, EventSourceArn, EventPattern, Description, RetentionDays = 0 } = input;
    const address = sourceBus(EventSourceArn);
    if (EventPattern !== undefined) checkPattern(EventPattern);
    const nowMs = clock.nowMs();
    await store.write((tx) => {
      loadBus(tx, address);
      if (archiveRecords.read(tx, home, ArchiveName))
        throw alreadyExists(`Archive ${ArchiveName} already exists.`);
      if ([...tx.list(ranges.archives(home), { limit: archivesMax })].length >= archivesMax)
        throw limitExceeded("The requested resource exceeds the maximum number allowed.");
      archiveRecords.save(tx, home, {
        name: ArchiveName,
        bus: address.bus,
        retentionDays: RetentionDays,
        createdMs: nowMs,
        ...(EventPattern !== undefined && { pattern: EventPattern }),
        ...(Description !== undefined && { description: Description }),
      });
      dueTimes.add(tx, { dueMs: nowMs + archiveSweepMs, name: sweepName(home, ArchiveName) });
      touch(tx, address);
    });
    return {
      ArchiveArn: archiveArn(home, ArchiveName),
      State: "ENABLED",
      CreationTime: new Date(nowMs),
    };
  };
}

function sourceBus(arn: string): BusAddress {
  const found = resourceOf(arn);
  if (found && found.rule === undefined) return found.address;
  throw validationError(
    "Parameter EventSourceArn is not valid. Reason: Must contain an event bus ARN.",
  );
}

function load(reader: Reader, home: Home, name: string): ArchiveRecord {
  const found = archiveRecords.read(reader, home, name);
  if (found) return found;
  throw notFound(`Archive ${name} does not exist.`);
}

function archiveShape(home: Home, archive: ArchiveRecord) {
  return {
    ArchiveName: archive.name,
    EventSourceArn: busArn({ ...home, bus: archive.bus }),
    State: "ENABLED" as const,
    RetentionDays: archive.retentionDays,
    CreationTime: new Date(archive.createdMs),
  };
}

function describeArchive({ store, clock }: EventBridgeDeps): EventBridgeHandler<"DescribeArchive"> {
  return async ({ ArchiveName }, context) => {
    const home = homeOf(context);
    return store.read((reader) => {
      const archive = load(reader, home, ArchiveName);
      return {
        ...archiveShape(home, archive),
        ArchiveArn: archiveArn(home, ArchiveName),
        ...(archive.pattern !== undefined && { EventPattern: archive.pattern }),
        ...(archive.description !== undefined && { Description: archive.description }),
        ...measureArchive(reader, home, { archive, nowMs: clock.nowMs() }),
      };
    });
  };
}

function listArchives({ store, clock }: EventBridgeDeps): EventBridgeHandler<"ListArchives"> {
  return async ({ NamePrefix = "", EventSourceArn, State, ...request }, context) => {
    const home = homeOf(context);
    return store.read((reader) => {
      const { items, ...rest } = page(reader, ranges.archives(home), {
        ...request,
        read: ({ value }) => {
          const archive = archiveRecords.decode(value);
          const shape = archiveShape(home, archive);
          if (!archive.name.startsWith(NamePrefix)) return undefined;
          if (EventSourceArn !== undefined && shape.EventSourceArn !== EventSourceArn)
            return undefined;
          if (State !== undefined && State !== shape.State) return undefined;
          return { ...shape, ...measureArchive(reader, home, { archive, nowMs: clock.nowMs() }) };
        },
      });
      return { Archives: items, ...rest };
    });
  };
}

function updateArchive({ store }: EventBridgeDeps): EventBridgeHandler<"UpdateArchive"> {
  return async ({ ArchiveName, Description, EventPattern, RetentionDays }, context) => {
    const home = homeOf(context);
    if (EventPattern !== undefined) checkPattern(EventPattern);
    const archive = await store.write((tx) => {
      const changed = {
        ...load(tx, home, ArchiveName),
        ...(Description !== undefined && { description: Description }),
        ...(EventPattern !== undefined && { pattern: EventPattern }),
        ...(RetentionDays !== undefined && { retentionDays: RetentionDays }),
      };
      archiveRecords.save(tx, home, changed);
      touch(tx, { ...home, bus: changed.bus });
      return changed;
    });
    return {
      ArchiveArn: archiveArn(home, ArchiveName),
      State: "ENABLED",
      CreationTime: new Date(archive.createdMs),
    };
  };
}

function deleteArchive({ store }: EventBridgeDeps): EventBridgeHandler<"DeleteArchive"> {
  return async ({ ArchiveName }, context) => {
    const home = homeOf(context);
    await store.write((tx) => {
      const archive = load(tx, home, ArchiveName);
      archiveRecords.remove(tx, home, ArchiveName);
      tx.deleteRange(ranges.archived(home, ArchiveName));
      touch(tx, { ...home, bus: archive.bus });
    });
    return {};
  };
}
