import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { CreateQueueCommand, SQSClient } from "@aws-sdk/client-sqs";
import { cpuUs } from "./processes.ts";

const script = fileURLToPath(new URL("./queue-load.lua", import.meta.url));

/** One measurement of send, receive and delete over one queue. */
export interface QueueCycles {
  /** Messages per second that were sent, received and deleted. */
  readonly perSecond: number;
  /** Processor time of every process of the server, per message. */
  readonly cpuUs: number;
}

/** Makes the queue, so that each side begins with an empty one; its URL. */
export async function makeQueue(url: string, name: string): Promise<string> {
  const client = new SQSClient({
    endpoint: url,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
  try {
    const { QueueUrl } = await client.send(new CreateQueueCommand({ QueueName: name }));
    return QueueUrl ?? "";
  } finally {
    client.destroy();
  }
}

/** Load by `wrk`, one thread; fails when an answer was not a success, and when wrk is not there. */
export async function queueCycles(
  url: string,
  load: {
    readonly queueUrl: string;
    readonly connections: number;
    readonly seconds: number;
    readonly pid: number;
  },
): Promise<QueueCycles> {
  const before = cpuUs(load.pid);
  const args = [
    "-t",
    "1",
    "-c",
    `${load.connections}`,
    "-d",
    `${load.seconds}s`,
    "-s",
    script,
    url,
  ];
  const env = { ...process.env, QUEUE_URL: load.queueUrl };
  const { stdout } = await promisify(execFile)("wrk", args, { env }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") throw new Error("wrk is not installed", { cause: error });
      throw error;
    },
  );
  const used = cpuUs(load.pid) - before;
  const [, deleted = "0", failed] = /Deleted: (\d+) Failed: (\d+)/.exec(stdout) ?? [];
  const seconds = Number(/requests in ([\d.]+)s/.exec(stdout)?.[1]);
  if (failed !== "0" || deleted === "0") throw new Error(`${failed} answers were not successes`);
  return { perSecond: Number(deleted) / seconds, cpuUs: used / Number(deleted) };
}
