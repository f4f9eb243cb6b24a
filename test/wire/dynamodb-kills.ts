import assert from "node:assert/strict";
import {
  type AttributeValue,
  CreateTableCommand,
  DynamoDBClient,
  paginateScan,
  PutItemCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import { createSeededRandom } from "#base/random.ts";
import { startServerProcess } from "../support/server-process.ts";
import { createReplay, readOn, type Replay } from "./dynamodb-replay.ts";

const TableName = "evidence";
const IndexName = "by-group";
const counters = ["c0", "c1"];

type Item = Record<string, AttributeValue>;

/** What a run of kills left. */
export interface KillReport {
  readonly kills: number;
  readonly begun: number;
  readonly answered: number;
  readonly items: number;
}

/** A call that was made; `isAnswered` once the client was told that it is stored. */
interface Made {
  /** Items that are all there or none. */
  readonly ids: readonly string[];
  isAnswered: boolean;
}

interface Evidence {
  readonly calls: Made[];
  /** Additions to each counter: begun and answered. */
  readonly added: Map<string, { begun: number; answered: number }>;
  readonly replay: Replay;
}

/**
 * Kills a server that is written to, again and again on one data folder, and checks after every start: what was
 * answered is there, transactions are whole or absent, counters lie between answered and begun additions, and
 * the index holds exactly what the table does, and so does whoever follows its stream.
 */
export async function killRepeatedly(options: {
  readonly dataDir: string;
  readonly seed: number;
  readonly kills: number;
  readonly onRound?: (kills: number) => void;
}): Promise<KillReport> {
  const random = createSeededRandom(options.seed);
  const below = (bound: number): number => Math.floor(random.fraction() * bound);
  const evidence: Evidence = {
    calls: [],
    added: new Map(counters.map((name) => [name, { begun: 0, answered: 0 }])),
    replay: createReplay(),
  };
  for (let kill = 0; kill < options.kills; kill++) {
    const server = await startServerProcess(options.dataDir);
    await using _ended = server.process;
    const client = clientFor(server.url);
    if (kill === 0) await createTable(client);
    await check(client, server.url, evidence);
    const target = answeredOf(evidence) + 40 + below(150);
    const onAnswer = (): void => {
      if (answeredOf(evidence) >= target) process.kill(server.pid, "SIGKILL");
    };
    const writer = (name: string) => write(client, evidence, { name, below, onAnswer });
    await Promise.all(Array.from({ length: 8 }, (_, at) => writer(`${kill}.${at}`)));
    client.destroy();
    options.onRound?.(kill + 1);
  }
  const last = await startServerProcess(options.dataDir);
  await using _stopped = last.process;
  const client = clientFor(last.url);
  const items = await check(client, last.url, evidence);
  client.destroy();
  const { calls } = evidence;
  return { kills: options.kills, begun: calls.length, answered: answeredOf(evidence), items };
}

function answeredOf({ calls }: Evidence): number {
  return calls.filter(({ isAnswered }) => isAnswered).length;
}

function clientFor(endpoint: string): DynamoDBClient {
  return new DynamoDBClient(connectionTo(endpoint));
}

function connectionTo(endpoint: string) {
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  return { endpoint, region: "us-east-1", credentials, maxAttempts: 1 };
}

async function createTable(client: DynamoDBClient): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [
        { AttributeName: "id", AttributeType: "S" },
        { AttributeName: "group", AttributeType: "S" },
      ],
      KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
      StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_AND_OLD_IMAGES" },
      GlobalSecondaryIndexes: [
        {
          IndexName,
          KeySchema: [{ AttributeName: "group", KeyType: "HASH" }],
          Projection: { ProjectionType: "ALL" },
        },
      ],
    }),
  );
}

/** Puts, additions and transactions until the server is gone. */
async function write(
  client: DynamoDBClient,
  evidence: Evidence,
  writer: {
    readonly name: string;
    readonly below: (bound: number) => number;
    readonly onAnswer: () => void;
  },
): Promise<void> {
  const { name, below, onAnswer } = writer;
  for (let index = 0; ; index++) {
    const count = [0, 1, 1, 2, 10][below(5)] ?? 1;
    const ids = Array.from({ length: count }, (_, at) => `${name}.${index}.${at}`);
    const items = ids.map((id) => ({ id: { S: id }, group: { S: `g${below(4)}` } }));
    const counter = counters[below(counters.length)] ?? "";
    const added = evidence.added.get(counter);
    const made: Made = { ids, isAnswered: false };
    evidence.calls.push(made);
    if (count === 0 && added) added.begun++;
    try {
      await send(client, items, counter);
    } catch {
      return; // the server is gone; whether this call was carried out is open
    }
    made.isAnswered = true;
    if (count === 0 && added) added.answered++;
    onAnswer();
  }
}

async function send(
  client: DynamoDBClient,
  items: readonly Item[],
  counter: string,
): Promise<unknown> {
  const [first] = items;
  if (!first) {
    return client.send(
      new UpdateItemCommand({
        TableName,
        Key: { id: { S: counter } },
        UpdateExpression: "ADD n :one SET #g = :g",
        ExpressionAttributeNames: { "#g": "group" },
        ExpressionAttributeValues: { ":one": { N: "1" }, ":g": { S: "counters" } },
      }),
    );
  }
  if (items.length === 1) return client.send(new PutItemCommand({ TableName, Item: first }));
  const TransactItems = items.map((Item) => ({ Put: { TableName, Item } }));
  return client.send(new TransactWriteItemsCommand({ TransactItems }));
}

/** Number of items found. */
async function check(client: DynamoDBClient, url: string, evidence: Evidence): Promise<number> {
  const table = await readAll(client, undefined);
  const index = await readAll(client, IndexName);
  assert.deepEqual(index, table, "the index holds what the table holds");
  const streams = new DynamoDBStreamsClient(connectionTo(url));
  await readOn(streams, evidence.replay, TableName);
  streams.destroy();
  assert.deepEqual(sorted(evidence.replay.items), table, "the stream tells what the table holds");
  for (const [name, { begun, answered }] of evidence.added) {
    const count = Number(table.get(name)?.["n"]?.N ?? 0);
    assert.ok(count >= answered && count <= begun, `${name}: ${answered} ≤ ${count} ≤ ${begun}`);
  }
  const known = new Set(counters);
  for (const { ids, isAnswered } of evidence.calls) {
    const found = ids.filter((id) => table.has(id)).length;
    assert.ok(
      found === ids.length || (found === 0 && !isAnswered),
      `${ids[0]}: ${found} of ${ids.length}`,
    );
    for (const id of ids) known.add(id);
  }
  for (const id of table.keys()) assert.ok(known.has(id), `${id} was never sent`);
  return table.size;
}

async function readAll(
  client: DynamoDBClient,
  index: string | undefined,
): Promise<ReadonlyMap<string, Item>> {
  const found = new Map<string, Item>();
  const asked = { TableName, ...(index !== undefined && { IndexName: index }) };
  for await (const { Items = [] } of paginateScan({ client }, asked)) {
    for (const item of Items) found.set(item["id"]?.S ?? "", item);
  }
  return sorted(found);
}

function sorted(items: ReadonlyMap<string, Item>): ReadonlyMap<string, Item> {
  return new Map([...items].toSorted(([left], [right]) => (left < right ? -1 : 1)));
}
