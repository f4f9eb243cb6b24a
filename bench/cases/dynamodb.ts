import { randomUUID } from "node:crypto";
import {
  BatchWriteItemCommand,
  CreateTableCommand,
  DynamoDBClient,
  PutItemCommand,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import { type Absence, type Finding, interleave, pair, type Subject } from "../harness.ts";
import { startBareServer } from "../load.ts";
import { startDynalite } from "../peers/dynalite.ts";
import type { RunningPeer } from "../peers/running.ts";
import { type MeasuredServer, startMeasured } from "../server.ts";
import { sized } from "../settings.ts";
import { type JsonCall, signedScript } from "../signed-load.ts";
import type { TargetId } from "../targets.ts";
import { closedLoop, type Closed } from "../wrk.ts";

const connections = 32;
const seconds = sized(5, 1);
const warmUps = sized(3, 1);
/** Different items, so that neither a page of the store nor a key is hotter than in life. */
const itemCount = 1_000;
const callsPerScript = 256;
const TableName = "bench";
const region = "us-east-1";
const contentType = "application/x-amz-json-1.0";
const text = "x".repeat(200);

type Operation = "GetItem" | "PutItem";

/** Where the load goes, and with which key it is signed. */
interface Place {
  readonly url: string;
  readonly pid: number;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/**
 * Reads and durable writes of one item, signatures verified, beside a server that reads the same body and answers a
 * constant, and beside dynalite, which is in memory and verifies nothing.
 */
export async function dynamodb(): Promise<readonly Finding[]> {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startMeasured([], "serve"));
  const bare = stack.use(await startBareServer("reader"));
  const ours = placeOf(server);
  await fill(ours, TableName, itemCount);
  const others: { readonly name: string; readonly place: Place }[] = [
    { name: "bare node:http, reads the body", place: { ...ours, url: bare.url, pid: bare.pid } },
  ];
  const absences: Absence[] = [];
  try {
    const peer: RunningPeer = stack.use(await startDynalite());
    const place = { ...ours, url: peer.url, pid: peer.pid };
    await fill(place, TableName, itemCount);
    others.push({ name: "dynalite 4.0.0, in memory, nothing verified", place });
  } catch (error) {
    absences.push({
      absent: "dynalite",
      why: error instanceof Error ? error.message : String(error),
    });
  }
  const findings: Finding[] = [];
  for (const operation of ["GetItem", "PutItem"] as const) {
    const sides = [{ name: "ours", place: ours }, ...others];
    findings.push(...(await measure(operation, sides)));
  }
  return [...findings, ...absences];
}

/** The same read of a small table and of a large one. */
export async function dynamodbGrowth(): Promise<readonly Finding[]> {
  await using server = await startMeasured([], "serve");
  const ours = placeOf(server);
  const largeCount = sized(1_000_000, 20_000);
  await fill(ours, TableName, itemCount);
  await fill(ours, "large", largeCount);
  const run = await interleave(
    [
      await subject("the large one", ours, calls("GetItem", "large", largeCount)),
      await subject("the small one", ours, calls("GetItem", TableName, itemCount)),
    ],
    5,
    warmUps,
  );
  return [
    pair(run, {
      name: `GetItem of a table with ${largeCount} items beside one with ${itemCount}; processor time per request`,
      unit: "µs",
      reading: "cpuUs",
      targets: ["dynamodb-growth"],
    }),
    pair(run, { name: "p50 of the same", unit: "ms", reading: "p50Ms" }),
  ];
}

async function measure(
  operation: Operation,
  sides: readonly { readonly name: string; readonly place: Place }[],
): Promise<readonly Finding[]> {
  const subjects: Subject<keyof Closed>[] = [];
  for (const { name, place } of sides) {
    subjects.push(await subject(name, place, calls(operation, TableName, itemCount)));
  }
  const run = await interleave(subjects, 5, warmUps);
  const isRead = operation === "GetItem";
  const targets: readonly TargetId[][] = isRead
    ? [["dynamodb-get"], ["dynamodb-get-dynalite"]]
    : [["dynamodb-put"], ["dynamodb-put-dynalite"]];
  const about = `${operation}${isRead ? "" : " (durable)"}, ${connections} connections (wrk), item of 250 B`;
  return sides.slice(1).flatMap(({ name }, at): readonly Finding[] => {
    const against = at + 1;
    const failure = run.series[against]?.failure;
    if (failure !== undefined) return [{ absent: `${operation} of ${name}`, why: failure }];
    return [
      pair(run, {
        name: `throughput of ${about}`,
        unit: "requests/s",
        reading: "perSecond",
        against,
        targets: targets[at],
      }),
      pair(run, { name: `processor time of ${about}`, unit: "µs", reading: "cpuUs", against }),
    ];
  });
}

async function subject(
  name: string,
  place: Place,
  load: readonly JsonCall[],
): Promise<Subject<keyof Closed>> {
  const { host } = new URL(place.url);
  return {
    name,
    // Signed for every measurement anew: fifteen minutes are soon over.
    async measure() {
      const signer = { ...place, region, service: "dynamodb" };
      await using script = await signedScript(load, { host, signer });
      const options = { connections, seconds, pid: place.pid, script: script.path };
      return { ...(await closedLoop(place.url, options)) };
    },
  };
}

function calls(operation: Operation, table: string, count: number): readonly JsonCall[] {
  const target = `DynamoDB_20120810.${operation}`;
  return Array.from({ length: callsPerScript }, (_, at) => {
    const item = itemAt(Math.floor((at * count) / callsPerScript));
    const body =
      operation === "GetItem"
        ? { TableName: table, Key: { pk: item.pk } }
        : { TableName: table, Item: item };
    return { target, contentType, body };
  });
}

function itemAt(at: number) {
  const pk = `item-${String(at).padStart(9, "0")}`;
  return { pk: { S: pk }, n: { N: String(at) }, text: { S: text } };
}

async function fill(place: Place, table: string, count: number): Promise<void> {
  const client = new DynamoDBClient({ endpoint: place.url, region, credentials: place });
  try {
    await client.send(
      new CreateTableCommand({
        TableName: table,
        BillingMode: "PAY_PER_REQUEST",
        AttributeDefinitions: [{ AttributeName: "pk", AttributeType: "S" }],
        KeySchema: [{ AttributeName: "pk", KeyType: "HASH" }],
      }),
    );
    await waitUntilTableExists({ client, maxWaitTime: 60 }, { TableName: table });
    const marker = { pk: { S: randomUUID() } };
    await client.send(new PutItemCommand({ TableName: table, Item: marker }));
    let next = 0;
    const writer = async (): Promise<void> => {
      while (next < count) {
        const from = next;
        next += 25;
        const items = Array.from({ length: Math.min(25, count - from) }, (_, at) =>
          itemAt(from + at),
        );
        const requests = items.map((Item) => ({ PutRequest: { Item } }));
        await client.send(new BatchWriteItemCommand({ RequestItems: { [table]: requests } }));
      }
    };
    await Promise.all(Array.from({ length: 16 }, writer));
  } finally {
    client.destroy();
  }
}

function placeOf(server: MeasuredServer): Place {
  const { rootKey } = server;
  if (!rootKey) throw new Error("a server in serve mode tells its root key once");
  return { url: `http://127.0.0.1:${server.port}`, pid: server.pid, ...rootKey };
}
