import {
  CreateEventBus$,
  DeleteEventBus$,
  DescribeEventBus$,
  ListEventBuses$,
  PutPermission$,
  RemovePermission$,
  UpdateEventBus$,
} from "@aws-sdk/client-eventbridge";
import type { Transaction } from "#storage/storage.ts";
import type { EventBridgeDeps, EventBridgeHandler, EventBridgeRows } from "../deps.ts";
import {
  alreadyExists,
  limitExceeded,
  notFound,
  policyTooLong,
  validationError,
} from "../errors.ts";
import { busesMax, policyBytesMax } from "../limits.ts";
import { loadBus } from "../lookups.ts";
import { busAddress, busArn, defaultBus, homeOf } from "../names.ts";
import { page } from "../pages.ts";
import { buses, ranges, touch, type BusAddress, type BusRecord } from "../records.ts";
import { mergeTags } from "../tags.ts";

/** Buses: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateEventBus.html and its neighbours. */
export function busOperations(deps: EventBridgeDeps): EventBridgeRows {
  return {
    CreateEventBus: [CreateEventBus$, createBus(deps)],
    DescribeEventBus: [DescribeEventBus$, describeBus(deps)],
    ListEventBuses: [ListEventBuses$, listBuses(deps)],
    UpdateEventBus: [UpdateEventBus$, updateBus(deps)],
    DeleteEventBus: [DeleteEventBus$, deleteBus(deps)],
    PutPermission: [PutPermission$, putPermission(deps)],
    RemovePermission: [RemovePermission$, removePermission(deps)],
  };
}

function createBus({ store, clock }: EventBridgeDeps): EventBridgeHandler<"CreateEventBus"> {
  return async (input, context) => {
    const { Name, Description, KmsKeyIdentifier, DeadLetterConfig, Tags = [] } = input;
    if (input.EventSourceName !== undefined || Name.includes("/"))
      throw validationError("Partner event sources are not available here.");
    if (input.LogConfig?.Level !== undefined && input.LogConfig.Level !== "OFF")
      throw validationError("Logs of event buses are not available here.");
    const address = { ...homeOf(context), bus: Name };
    const tags = mergeTags([], Tags);
    await store.write((tx) => {
      if (Name === defaultBus || buses.read(tx, address, Name))
        throw alreadyExists(`Event bus ${Name} already exists.`);
      if ([...tx.list(ranges.buses(address), { limit: busesMax })].length >= busesMax)
        throw limitExceeded("The requested resource exceeds the maximum number allowed.");
      const nowMs = clock.nowMs();
      buses.save(tx, address, {
        name: Name,
        tags,
        createdMs: nowMs,
        modifiedMs: nowMs,
        ...(Description !== undefined && { description: Description }),
        ...(KmsKeyIdentifier !== undefined && { kmsKeyIdentifier: KmsKeyIdentifier }),
        ...(DeadLetterConfig?.Arn !== undefined && { deadLetterArn: DeadLetterConfig.Arn }),
      });
      touch(tx, address);
    });
    return {
      EventBusArn: busArn(address),
      ...(Description !== undefined && { Description }),
      ...(KmsKeyIdentifier !== undefined && { KmsKeyIdentifier }),
      ...(DeadLetterConfig && { DeadLetterConfig }),
    };
  };
}

function busShape(address: BusAddress, record: BusRecord) {
  const { name, description, policy, createdMs, modifiedMs } = record;
  return {
    Name: name,
    Arn: busArn(address),
    ...(description !== undefined && { Description: description }),
    ...(policy !== undefined && { Policy: policy }),
    CreationTime: new Date(createdMs),
    LastModifiedTime: new Date(modifiedMs),
  };
}

function describeBus({ store }: EventBridgeDeps): EventBridgeHandler<"DescribeEventBus"> {
  return async ({ Name }, context) => {
    const address = busAddress(Name, homeOf(context));
    const record = await store.read((reader) => loadBus(reader, address));
    const { deadLetterArn, kmsKeyIdentifier } = record;
    return {
      ...busShape(address, record),
      ...(deadLetterArn !== undefined && { DeadLetterConfig: { Arn: deadLetterArn } }),
      ...(kmsKeyIdentifier !== undefined && { KmsKeyIdentifier: kmsKeyIdentifier }),
    };
  };
}

function listBuses({ store }: EventBridgeDeps): EventBridgeHandler<"ListEventBuses"> {
  return async ({ NamePrefix = "", ...request }, context) => {
    const home = homeOf(context);
    return store.read((reader) => {
      const { items, ...rest } = page(reader, ranges.buses(home), {
        ...request,
        read: ({ value }) => {
          const record = buses.decode(value);
          if (record.name === defaultBus || !record.name.startsWith(NamePrefix)) return undefined;
          return busShape({ ...home, bus: record.name }, record);
        },
      });
      // The default bus has a record only once something was set on it.
      const address = { ...home, bus: defaultBus };
      const isFirst = request.NextToken === undefined && defaultBus.startsWith(NamePrefix);
      const first = isFirst ? [busShape(address, loadBus(reader, address))] : [];
      return { EventBuses: [...first, ...items], ...rest };
    });
  };
}

function updateBus({ store, clock }: EventBridgeDeps): EventBridgeHandler<"UpdateEventBus"> {
  return async ({ Name, Description, DeadLetterConfig, KmsKeyIdentifier }, context) => {
    const address = busAddress(Name, homeOf(context));
    const saved = await store.write((tx) =>
      change(tx, address, clock.nowMs(), (record) => ({
        ...record,
        ...(Description !== undefined && { description: Description }),
        ...(KmsKeyIdentifier !== undefined && { kmsKeyIdentifier: KmsKeyIdentifier }),
        ...(DeadLetterConfig?.Arn !== undefined && { deadLetterArn: DeadLetterConfig.Arn }),
      })),
    );
    const { Arn, Name: name } = busShape(address, saved);
    return {
      Arn,
      Name: name,
      ...(saved.description !== undefined && { Description: saved.description }),
      ...(saved.deadLetterArn !== undefined && { DeadLetterConfig: { Arn: saved.deadLetterArn } }),
    };
  };
}

function deleteBus({ store }: EventBridgeDeps): EventBridgeHandler<"DeleteEventBus"> {
  return async ({ Name }, context) => {
    const address = busAddress(Name, homeOf(context));
    if (address.bus === defaultBus) throw validationError("Cannot delete event bus default.");
    await store.write((tx) => {
      if (!buses.read(tx, address, address.bus)) return;
      if ([...tx.list(ranges.rules(address), { limit: 1 })].length > 0)
        throw validationError(`Event bus ${address.bus} can't be deleted since it has rules.`);
      buses.remove(tx, address, address.bus);
      touch(tx, address);
    });
    return {};
  };
}

// oxlint-disable-next-line max-params
function change(
  tx: Transaction,
  address: BusAddress,
  nowMs: number,
  changed: (record: BusRecord) => BusRecord,
): BusRecord {
  const record = { ...changed(loadBus(tx, address)), modifiedMs: nowMs };
  buses.save(tx, address, record);
  touch(tx, address);
  return record;
}

interface Statement {
  readonly Sid?: string;
}

function statementsOf(policy: string | undefined): readonly Statement[] {
  if (policy === undefined) return [];
  const { Statement: found } = JSON.parse(policy) as { readonly Statement?: unknown }; // checked when it was put
  return (Array.isArray(found) ? found : [found]) as readonly Statement[]; // as above
}

function policyText(statements: readonly object[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}

function putPermission({ store, clock }: EventBridgeDeps): EventBridgeHandler<"PutPermission"> {
  return async (input, context) => {
    const address = busAddress(input.EventBusName, homeOf(context));
    const { Action, Principal, StatementId, Condition, Policy } = input;
    const isStatement =
      Action !== undefined && Principal !== undefined && StatementId !== undefined;
    if (Policy === undefined && !isStatement)
      throw validationError(
        "Parameter(s) Action, Principal and StatementId, or Policy, must be specified.",
      );
    if (Policy !== undefined && !isPolicy(Policy))
      throw validationError("Parameter Policy is not valid. Reason: Invalid policy.");
    await store.write((tx) =>
      change(tx, address, clock.nowMs(), (record) => {
        const others = statementsOf(record.policy).filter(({ Sid }) => Sid !== StatementId);
        const added = {
          Sid: StatementId,
          Effect: "Allow",
          Principal: Principal === "*" ? "*" : { AWS: `arn:aws:iam::${Principal}:root` },
          Action,
          Resource: busArn(address),
          ...(Condition && {
            Condition: { [Condition.Type ?? ""]: { [Condition.Key ?? ""]: Condition.Value } },
          }),
        };
        const policy = Policy ?? policyText([...others, added]);
        if (Buffer.byteLength(policy) > policyBytesMax) throw policyTooLong();
        return { ...record, policy };
      }),
    );
    return {};
  };
}

function isPolicy(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && "Statement" in value;
  } catch {
    return false;
  }
}

function removePermission({
  store,
  clock,
}: EventBridgeDeps): EventBridgeHandler<"RemovePermission"> {
  return async ({ StatementId, RemoveAllPermissions, EventBusName }, context) => {
    const address = busAddress(EventBusName, homeOf(context));
    if (StatementId === undefined && RemoveAllPermissions !== true)
      throw validationError("Parameter StatementId must be specified.");
    await store.write((tx) =>
      change(tx, address, clock.nowMs(), ({ policy, ...record }) => {
        if (RemoveAllPermissions === true) return record;
        if (policy === undefined) throw notFound("EventBus does not have a policy.");
        const before = statementsOf(policy);
        const left = before.filter(({ Sid }) => Sid !== StatementId);
        if (left.length === before.length)
          throw notFound("Statement with the provided id does not exist.");
        return left.length === 0 ? record : { ...record, policy: policyText(left) };
      }),
    );
    return {};
  };
}
