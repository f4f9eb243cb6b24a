import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TargetId } from "../targets.ts";
import { fromMaven, fromPypi, installed } from "./install.ts";
import { end, freePort, launch, type Program, type RunningPeer, untilReady } from "./running.ts";

/** A program that answers the SQS API, beside ours. */
export interface QueuePeer {
  readonly name: string;
  readonly what: string;
  readonly target: TargetId;
  start(): Promise<RunningPeer>;
}

export const queuePeers: readonly QueuePeer[] = [
  {
    name: "ElasticMQ 1.7.1",
    what: "queues in memory, Scala on the JVM; not durable",
    target: "sqs-elasticmq",
    async start() {
      const folder = await installed(
        "elasticmq",
        fromMaven("org.elasticmq:elasticmq-server_2.13:1.7.1"),
      );
      const port = await freePort();
      await writeFile(join(folder, "bench.conf"), elasticMqConfig(port));
      const options = ["-Dconfig.file=bench.conf", "-cp", "lib/*", "org.elasticmq.server.Main"];
      return await serve({ command: ["java", ...options], cwd: folder }, port);
    },
  },
  {
    name: "ministack 1.5.33",
    what: "AWS emulated in Python, queues in memory; not durable",
    target: "sqs-ministack",
    async start() {
      const folder = await installed("ministack", fromPypi("ministack==1.5.33"));
      const port = await freePort();
      const env = { GATEWAY_PORT: String(port) };
      return await serve({ command: [join(folder, "bin/ministack")], cwd: folder, env }, port);
    },
  },
];

async function serve(program: Program, port: number): Promise<RunningPeer> {
  const child = launch(program);
  const failed = new Promise<never>((_, reject) => child.once("error", reject));
  const url = `http://127.0.0.1:${port}/`;
  try {
    await Promise.race([untilReady(child, url), failed]);
  } catch (error) {
    if (child.pid !== undefined) await end(child);
    throw error;
  }
  return { url, pid: child.pid ?? 0, [Symbol.asyncDispose]: () => end(child) };
}

function elasticMqConfig(port: number): string {
  return `include classpath("application.conf")
rest-sqs { enabled = true, bind-port = ${port}, bind-hostname = "127.0.0.1", sqs-limits = strict }
rest-stats { enabled = false }
node-address { protocol = http, host = "127.0.0.1", port = ${port}, context-path = "" }
`;
}
