import {
  CreateSchedule$,
  DeleteSchedule$,
  GetSchedule$,
  ListSchedules$,
  UpdateSchedule$,
} from "@aws-sdk/client-scheduler";
import type { RequestContext } from "#base/context.ts";
import type { OperationInput } from "#protocol/service/service.ts";
import { checkSchedule } from "../checks.ts";
import type { Scheduler, SchedulerDeps, SchedulerHandler, SchedulerRows } from "../deps.ts";
import { conflict } from "../errors.ts";
import { firstMs, removeSchedule, saveSchedule } from "../firing.ts";
import { page } from "../pages.ts";
import {
  decodeSchedule,
  defaultGroup,
  findSchedule,
  homeOf,
  loadGroup,
  loadSchedule,
  ranges,
  scheduleArn,
  type Address,
  type ScheduleRecord,
} from "../records.ts";

/** Schedules: https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html and its neighbours. */
export function scheduleOperations(deps: SchedulerDeps): SchedulerRows {
  return {
    CreateSchedule: [CreateSchedule$, createSchedule(deps)],
    GetSchedule: [GetSchedule$, getSchedule(deps)],
    UpdateSchedule: [UpdateSchedule$, updateSchedule(deps)],
    DeleteSchedule: [DeleteSchedule$, deleteSchedule(deps)],
    ListSchedules: [ListSchedules$, listSchedules(deps)],
  };
}

function addressOf(
  { Name, GroupName }: { readonly Name: string; readonly GroupName?: string | undefined },
  context: RequestContext,
): Address {
  return { ...homeOf(context), group: GroupName ?? defaultGroup, name: Name };
}

function createSchedule(deps: SchedulerDeps): SchedulerHandler<"CreateSchedule"> {
  return async (input, context) => {
    const address = addressOf(input, context);
    checkSchedule(deps, input);
    await deps.store.write((tx) => {
      loadGroup(tx, address, address.group);
      const before = findSchedule(tx, address);
      if (before && input.ClientToken !== undefined && before.clientToken === input.ClientToken)
        return;
      if (before) throw conflict(`Schedule ${input.Name} already exists.`);
      const nowMs = deps.clock.nowMs();
      const record = recordOf(input, { address, nowMs, createdMs: nowMs });
      saveSchedule(deps, tx, { address, record, scheduledMs: firstMs(record, nowMs) });
    });
    return { ScheduleArn: scheduleArn(address) };
  };
}

type Given = OperationInput<Scheduler, "CreateSchedule">;

/** What is not given is the default, also in an update. */
function recordOf(
  input: Given,
  from: { readonly address: Address; readonly nowMs: number; readonly createdMs: number },
): ScheduleRecord {
  const { StartDate, EndDate, Description, KmsKeyArn, ClientToken } = input;
  const startMs = StartDate?.getTime();
  return {
    name: from.address.name,
    group: from.address.group,
    expression: input.ScheduleExpression,
    timeZone: input.ScheduleExpressionTimezone ?? "UTC",
    state: input.State ?? "ENABLED",
    target: input.Target,
    window: input.FlexibleTimeWindow,
    whenDone: input.ActionAfterCompletion ?? "NONE",
    createdMs: from.createdMs,
    modifiedMs: from.nowMs,
    anchorMs: startMs ?? from.nowMs,
    ...(startMs !== undefined && { startMs }),
    ...(EndDate && { endMs: EndDate.getTime() }),
    ...(Description !== undefined && { description: Description }),
    ...(KmsKeyArn !== undefined && { kmsKeyArn: KmsKeyArn }),
    ...(ClientToken !== undefined && { clientToken: ClientToken }),
  };
}

function updateSchedule(deps: SchedulerDeps): SchedulerHandler<"UpdateSchedule"> {
  return async (input, context) => {
    const address = addressOf(input, context);
    checkSchedule(deps, input);
    await deps.store.write((tx) => {
      loadGroup(tx, address, address.group);
      const { createdMs } = loadSchedule(tx, address);
      const nowMs = deps.clock.nowMs();
      const record = recordOf(input, { address, nowMs, createdMs });
      saveSchedule(deps, tx, { address, record, scheduledMs: firstMs(record, nowMs) });
    });
    return { ScheduleArn: scheduleArn(address) };
  };
}

function getSchedule({ store }: SchedulerDeps): SchedulerHandler<"GetSchedule"> {
  return async (input, context) => {
    const address = addressOf(input, context);
    const record = await store.read((reader) => {
      loadGroup(reader, address, address.group);
      return loadSchedule(reader, address);
    });
    const { startMs, endMs, description, kmsKeyArn } = record;
    return {
      Arn: scheduleArn(address),
      Name: record.name,
      GroupName: record.group,
      ScheduleExpression: record.expression,
      ScheduleExpressionTimezone: record.timeZone,
      State: record.state,
      CreationDate: new Date(record.createdMs),
      LastModificationDate: new Date(record.modifiedMs),
      Target: record.target,
      FlexibleTimeWindow: record.window,
      ActionAfterCompletion: record.whenDone,
      ...(startMs !== undefined && { StartDate: new Date(startMs) }),
      ...(endMs !== undefined && { EndDate: new Date(endMs) }),
      ...(description !== undefined && { Description: description }),
      ...(kmsKeyArn !== undefined && { KmsKeyArn: kmsKeyArn }),
    };
  };
}

function deleteSchedule({ store, dueTimes }: SchedulerDeps): SchedulerHandler<"DeleteSchedule"> {
  return async (input, context) => {
    const address = addressOf(input, context);
    await store.write((tx) => {
      loadSchedule(tx, address);
      removeSchedule(dueTimes, tx, address);
    });
    return {};
  };
}

function listSchedules({ store }: SchedulerDeps): SchedulerHandler<"ListSchedules"> {
  return async ({ GroupName, NamePrefix = "", State, ...request }, context) => {
    const home = homeOf(context);
    return store.read((reader) => {
      if (GroupName !== undefined) loadGroup(reader, home, GroupName);
      const { items, ...rest } = page(reader, ranges.schedules(home, GroupName), {
        ...request,
        read: ({ value }) => {
          const record = decodeSchedule(value);
          if (!record.name.startsWith(NamePrefix)) return undefined;
          if (State !== undefined && State !== record.state) return undefined;
          return {
            Arn: scheduleArn({ ...home, group: record.group, name: record.name }),
            Name: record.name,
            GroupName: record.group,
            State: record.state,
            CreationDate: new Date(record.createdMs),
            LastModificationDate: new Date(record.modifiedMs),
            Target: { Arn: record.target.Arn },
          };
        },
      });
      return { Schedules: items, ...rest };
    });
  };
}
