import { readdirSync, readFileSync } from "node:fs";
import {
  CreateTableCommand,
  DynamoDBClient,
  ScanCommand,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import { CreateEventSourceMappingCommand, LambdaClient } from "@aws-sdk/client-lambda";
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { createSeededRandom } from "#base/random.ts";
import { readFile } from "node:fs/promises";
import { deploy } from "../support/functions.ts";
import { startServerProcess } from "../support/server-process.ts";

/** What goes through queue → function → table while things are killed. */
export interface ChainPlan {
  readonly dataDir: string;
  readonly messageCount: number;
  /** Ordered groups; 0 is a standard queue. */
  readonly groupCount: number;
  readonly seed: number;
  /** Of the platform, with signal 9; spread over the run by how much has been done. */
  readonly platformKills: number;
  /** Of single processes in sandboxes; needs root. */
  readonly sandboxKills: number;
  readonly onProgress?: (text: string) => void;
}

export interface ChainReport {
  readonly acknowledged: number;
  /** Acknowledged, and in the table at the end. */
  readonly stored: number;
  readonly lost: readonly string[];
  /** What broke the order of a group, in words. */
  readonly faults: readonly string[];
  /** Told as done more than once: deliveries are at least once. */
  readonly repeated: number;
  readonly platformKills: number;
  readonly sandboxKills: number;
  readonly seconds: number;
}

/** As long as the function may take: what a killed one had comes back after it. */
const visibilitySeconds = 10;

const batchSize = 10;
const sendersMax = 16;
const receivers = 4;

/** Runs the plan; resolves when every acknowledged message has been told as done. */
export async function runChain(plan: ChainPlan): Promise<ChainReport> {
  const startedMs = performance.now();
  await using chain = await Chain.open(plan);
  await Promise.all([chain.send(), chain.follow(), chain.harass()]);
  const rows = await chain.rows();
  const lost = [...chain.acknowledged].filter((id) => !rows.has(id));
  return {
    acknowledged: chain.acknowledged.size,
    stored: chain.acknowledged.size - lost.length,
    lost,
    faults: [...rows].filter((id) => id.startsWith("fault")),
    repeated: chain.repeated,
    platformKills: chain.platformKills,
    sandboxKills: chain.sandboxKills,
    seconds: (performance.now() - startedMs) / 1_000,
  };
}

type Server = Awaited<ReturnType<typeof startServerProcess>>;

/** The clients of one life of the platform. */
interface Clients {
  readonly sqs: SQSClient;
  readonly dynamodb: DynamoDBClient;
}

const names = { table: "rows", done: "done" };

class Chain implements AsyncDisposable {
  readonly #plan: ChainPlan;
  readonly #random: ReturnType<typeof createSeededRandom>;
  #server: Server;
  #clients: Clients;
  readonly acknowledged = new Set<string>();
  readonly #done = new Set<string>();
  repeated = 0;
  platformKills = 0;
  sandboxKills = 0;
  #isSent = false;
  #isOver = false;
  /** Resolved and made anew whenever something is told as done. */
  #progress = Promise.withResolvers<void>();

  private constructor(plan: ChainPlan, server: Server) {
    this.#plan = plan;
    this.#random = createSeededRandom(plan.seed);
    this.#server = server;
    this.#clients = clientsOf(server);
  }

  static async open(plan: ChainPlan): Promise<Chain> {
    const server = await startServerProcess(plan.dataDir);
    const chain = new Chain(plan, server);
    await chain.#setUp();
    return chain;
  }

  get #queueName(): string {
    return this.#plan.groupCount > 0 ? "chain.fifo" : "chain";
  }

  async #setUp(): Promise<void> {
    const { sqs, dynamodb } = this.#clients;
    const isFifo = this.#plan.groupCount > 0;
    const Attributes = {
      VisibilityTimeout: String(visibilitySeconds),
      ...(isFifo && { FifoQueue: "true" }),
    };
    await sqs.send(new CreateQueueCommand({ QueueName: this.#queueName, Attributes }));
    const done = await sqs.send(new CreateQueueCommand({ QueueName: names.done }));
    await dynamodb.send(
      new CreateTableCommand({
        TableName: names.table,
        BillingMode: "PAY_PER_REQUEST",
        AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
        KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
      }),
    );
    await waitUntilTableExists(
      { client: dynamodb, maxWaitTime: 30, minDelay: 1 },
      { TableName: names.table },
    );
    const lambda = new LambdaClient(settingsOf(this.#server));
    const code = await readFile(new URL("consumer.mjs", import.meta.url));
    await deploy(
      lambda,
      "consumer",
      { "index.mjs": code },
      {
        Timeout: visibilitySeconds,
        MemorySize: 512,
        Environment: { Variables: { TABLE: names.table, DONE: done.QueueUrl ?? "" } },
      },
    );
    await lambda.send(
      new CreateEventSourceMappingCommand({
        FunctionName: "consumer",
        EventSourceArn: await this.#queueArn(),
        BatchSize: isFifo ? batchSize : 100,
        ...(!isFifo && { MaximumBatchingWindowInSeconds: 1 }),
      }),
    );
    lambda.destroy();
  }

  async #queueArn(): Promise<string> {
    const { Attributes } = await this.#clients.sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: this.#queueName, AttributeNames: ["QueueArn"] }),
    );
    return Attributes?.["QueueArn"] ?? "";
  }

  /** Sends all; a batch whose answer did not come is sent again, whatever became of it. */
  async send(): Promise<void> {
    const { messageCount, groupCount } = this.#plan;
    const laneCount = Math.min(groupCount || sendersMax, sendersMax);
    const lanes = Array.from({ length: laneCount }, (_, lane) => lane);
    await Promise.all(
      lanes.map(async (lane) => {
        for (const batch of batchesOf({ messageCount, groupCount, lane, laneCount }))
          await this.#sendBatch(batch);
      }),
    );
    this.#isSent = true;
    this.#settle();
  }

  async #sendBatch(batch: readonly Message[]): Promise<void> {
    const isFifo = this.#plan.groupCount > 0;
    let left = batch;
    while (left.length > 0) {
      const Entries = left.map((message, at) => ({
        Id: String(at),
        MessageBody: JSON.stringify(message),
        ...(isFifo && {
          MessageGroupId: String(message.group),
          MessageDeduplicationId: message.id,
        }),
      }));
      const clients = this.#clients;
      try {
        const { Successful = [] } = await clients.sqs.send(
          new SendMessageBatchCommand({ QueueUrl: this.#queueName, Entries }),
        );
        const accepted = new Set(Successful.map(({ Id }) => Number(Id)));
        for (const at of accepted) this.acknowledged.add(left[at]?.id ?? "");
        left = left.filter((_, at) => !accepted.has(at));
      } catch (error) {
        await this.#survive(clients, error);
      }
    }
  }

  /** Hears what is done until all of it is. */
  async follow(): Promise<void> {
    await Promise.all(Array.from({ length: receivers }, () => this.#receive()));
  }

  async #receive(): Promise<void> {
    while (!this.#isOver) {
      const clients = this.#clients;
      try {
        const { Messages = [] } = await clients.sqs.send(
          new ReceiveMessageCommand({
            QueueUrl: names.done,
            MaxNumberOfMessages: 10,
            WaitTimeSeconds: 2,
          }),
        );
        for (const { Body = "[]" } of Messages) this.#note(JSON.parse(Body) as string[]); // by the consumer
        if (Messages.length > 0) {
          const Entries = Messages.map(({ ReceiptHandle }, at) => ({
            Id: String(at),
            ReceiptHandle,
          }));
          await clients.sqs.send(new DeleteMessageBatchCommand({ QueueUrl: names.done, Entries }));
        }
      } catch (error) {
        await this.#survive(clients, error);
      }
    }
  }

  #note(ids: readonly string[]): void {
    for (const id of ids) {
      if (this.#done.has(id)) this.repeated++;
      this.#done.add(id);
    }
    this.#settle();
  }

  #settle(): void {
    const isDone = this.#isSent && this.acknowledged.isSubsetOf(this.#done);
    if (isDone) this.#isOver = true;
    this.#progress.resolve();
    this.#progress = Promise.withResolvers();
  }

  /** Kills when a share of the messages is done: by progress, not by time, so that every kill meets work. */
  async harass(): Promise<void> {
    const { platformKills, sandboxKills, messageCount } = this.#plan;
    const moments = [
      ...Array.from({ length: platformKills }, () => ({ kind: "platform" as const })),
      ...Array.from({ length: sandboxKills }, () => ({ kind: "sandbox" as const })),
    ]
      .map(({ kind }) => ({ kind, at: this.#random.fraction() * 0.9 * messageCount }))
      .toSorted((a, b) => a.at - b.at);
    for (const { kind, at } of moments) {
      while (!this.#isOver && this.#done.size < at) await this.#progress.promise;
      if (this.#isOver) return;
      if (kind === "platform") await this.#killPlatform();
      else this.#killSandboxed();
    }
  }

  #killSandboxed(): void {
    const pids = sandboxedProcesses();
    const pid = pids[Math.floor(this.#random.fraction() * pids.length)];
    if (pid === undefined) return;
    try {
      process.kill(pid, "SIGKILL");
      this.sandboxKills++;
    } catch {
      // It has just ended by itself.
    }
  }

  async #killPlatform(): Promise<void> {
    const { pid, process: command } = this.#server;
    process.kill(pid, "SIGKILL");
    await command[Symbol.asyncDispose]();
    this.platformKills++;
    const { sqs, dynamodb } = this.#clients;
    // Where it was: functions know the queue of the done by its URL.
    const port = Number(new URL(this.#server.url).port);
    this.#server = await startServerProcess(this.#plan.dataDir, port);
    this.#clients = clientsOf(this.#server);
    sqs.destroy();
    dynamodb.destroy();
    this.#plan.onProgress?.(
      `platform killed ${this.platformKills} times; ${this.acknowledged.size} acknowledged, ` +
        `${this.#done.size} done`,
    );
  }

  /** Rethrows what is no consequence of a kill; else waits for the next life. */
  async #survive(clients: Clients, error: unknown): Promise<void> {
    const isOfService =
      error instanceof Error && "$fault" in error && error.name !== "TimeoutError";
    if (isOfService && (error as { $response?: unknown }).$response !== undefined) throw error;
    while (clients === this.#clients && !this.#isOver) {
      const answers = await fetch(`${this.#server.url}/_skerry/health`).then(
        () => true,
        () => false,
      );
      if (answers) return;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Ids of everything in the table. */
  async rows(): Promise<Set<string>> {
    const rows = new Set<string>();
    let ExclusiveStartKey: Record<string, { S: string }> | undefined;
    do {
      const page = await this.#clients.dynamodb.send(
        new ScanCommand({ TableName: names.table, ProjectionExpression: "id", ExclusiveStartKey }),
      );
      for (const { id } of page.Items ?? []) rows.add(id?.S ?? "");
      ExclusiveStartKey = page.LastEvaluatedKey as typeof ExclusiveStartKey; // the table's key is one text
    } while (ExclusiveStartKey);
    return rows;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#clients.sqs.destroy();
    this.#clients.dynamodb.destroy();
    await this.#server.process[Symbol.asyncDispose]();
  }
}

interface Message {
  readonly id: string;
  readonly group: number;
  readonly n: number;
}

/** What one sender sends, in order: a group has one sender, and a batch is of one group. */
function* batchesOf(share: {
  readonly messageCount: number;
  readonly groupCount: number;
  readonly lane: number;
  readonly laneCount: number;
}): Generator<readonly Message[]> {
  const { messageCount, lane, laneCount } = share;
  const groupCount = share.groupCount || laneCount;
  const perGroup = Math.ceil(messageCount / groupCount);
  for (let from = 0; from < perGroup; from += batchSize) {
    for (let group = lane; group < groupCount; group += laneCount) {
      const batch: Message[] = [];
      for (let n = from; n < Math.min(from + batchSize, perGroup); n++)
        if (group * perGroup + n < messageCount) batch.push({ id: `${group}-${n}`, group, n });
      if (batch.length > 0) yield batch;
    }
  }
}

function settingsOf({ url }: Server) {
  return {
    endpoint: url,
    region: "us-east-1",
    maxAttempts: 1,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  };
}

function clientsOf(server: Server): Clients {
  const settings = settingsOf(server);
  return {
    sqs: new SQSClient({ ...settings, useQueueUrlAsEndpoint: false }),
    dynamodb: new DynamoDBClient(settings),
  };
}

const firstSandboxUid = 1_900_000_000;

function sandboxedProcesses(): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const uid = /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
        return Number(uid) >= firstSandboxUid;
      } catch {
        return false; // ended while we looked
      }
    })
    .map(Number);
}
