import { createVirtualClock } from "#base/clock.ts";
import type { RequestContext } from "#base/context.ts";
import { systemRandom } from "#base/random.ts";
import { rootPrincipal } from "#protocol/protocol.ts";
import type { OperationInput, OperationOutput } from "#protocol/service/service.ts";
import { createMemoryStore } from "#storage/drivers/memory/memory.ts";
import type { Store } from "#storage/storage.ts";
import type { CreateTableInput } from "@aws-sdk/client-dynamodb";
import type { DynamoDb } from "../deps.ts";
import { createDynamodb } from "../dynamodb.ts";

export const accountId = "123456789012";
export const region = "us-east-1";

/** A fresh service on a memory store and a clock of its own, called without a wire. */
export function setUp(store: Store = createMemoryStore()) {
  const clock = createVirtualClock(Date.parse("2026-03-01T12:00:00Z"));
  const dynamodb = createDynamodb({
    store,
    shared: store,
    clock,
    random: systemRandom,
    log: { event: () => undefined },
  });
  const context: RequestContext = {
    requestId: "00000000-0000-4000-8000-000000000000",
    principal: rootPrincipal(accountId),
    region,
    deadlineMs: clock.nowMs() + 60_000,
    signal: new AbortController().signal,
    trace: { traceId: "1-0-0", spanId: undefined, sampled: false, hops: 0 },
    endpoint: "http://localhost:4566",
    log: { event: () => undefined },
  };
  const call = async <Op extends string>(
    name: Op,
    input: Partial<OperationInput<DynamoDb, Op>>,
  ): Promise<OperationOutput<DynamoDb, Op>> => {
    const operation = dynamodb.service.operations.get(name);
    if (!operation) throw new Error(`no row for ${name}`);
    return (await operation.handle(input, context)) as OperationOutput<DynamoDb, Op>; // the table types it
  };
  return { dynamodb, clock, store, call, context, settle: () => dynamodb.settle() };
}

export const TableName = "notes";

/** Notes of somebody at a time, by their kind, and by their rank among the owner's. */
export const notes = {
  TableName,
  BillingMode: "PAY_PER_REQUEST",
  AttributeDefinitions: [
    { AttributeName: "owner", AttributeType: "S" },
    { AttributeName: "at", AttributeType: "N" },
    { AttributeName: "kind", AttributeType: "S" },
    { AttributeName: "rank", AttributeType: "N" },
  ],
  KeySchema: [
    { AttributeName: "owner", KeyType: "HASH" },
    { AttributeName: "at", KeyType: "RANGE" },
  ],
  GlobalSecondaryIndexes: [
    {
      IndexName: "by-kind",
      KeySchema: [
        { AttributeName: "kind", KeyType: "HASH" },
        { AttributeName: "at", KeyType: "RANGE" },
      ],
      Projection: { ProjectionType: "INCLUDE", NonKeyAttributes: ["title"] },
    },
  ],
  LocalSecondaryIndexes: [
    {
      IndexName: "by-rank",
      KeySchema: [
        { AttributeName: "owner", KeyType: "HASH" },
        { AttributeName: "rank", KeyType: "RANGE" },
      ],
      Projection: { ProjectionType: "KEYS_ONLY" },
    },
  ],
} as const satisfies CreateTableInput;

/** A fresh service with the table `notes`. */
export async function withNotes(store?: Store) {
  const made = setUp(store);
  await made.call("CreateTable", structuredClone(notes));
  return made;
}

export const key = (owner: string, at: string) => ({ owner: { S: owner }, at: { N: at } });
