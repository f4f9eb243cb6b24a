import { deploy, publish } from "../../test/support/functions.ts";
import { compare, type Result } from "../harness.ts";
import { throughput } from "../load.ts";
import { type MeasuredServer, startMeasured } from "../server.ts";
import { sized } from "../settings.ts";
import { answer256 } from "./warm.ts";

/** Connections kept busy in all, and seconds of one measurement. */
const connections = 32;
const seconds = sized(3, 1);

/** One processor's share each; reserved, not used, so that none is ended for room. */
const MemorySize = 1769;
const flags = ["--function-memory=262144"];

/**
 * Two workers beside one process, the same functions behind their URLs. One function lives in one
 * worker, which half of the requests reach through the other; several spread.
 */
export async function workers(): Promise<readonly Result[]> {
  await using two = await startMeasured(["--workers=2", ...flags]);
  await using one = await startMeasured(flags);
  const results: Result[] = [];
  for (const count of [1, 4]) {
    const hostsOfTwo = await publishAll(two, count);
    const hostsOfOne = await publishAll(one, count);
    results.push(
      await compare({
        name: `two workers, ${count} function URL${count === 1 ? "" : "s"}, ${connections} connections, 256 B`,
        unit: "requests/s",
        rounds: 5,
        ours: () => total(two, hostsOfTwo),
        reference: { name: "one process, the same", measure: () => total(one, hostsOfOne) },
      }),
    );
  }
  return results;
}

/** Host names of the URLs of so many functions. */
async function publishAll(server: MeasuredServer, count: number): Promise<readonly string[]> {
  const hosts: string[] = [];
  for (let n = 0; n < count; n++) {
    const name = `worker-${count}-${n}`;
    await deploy(server.lambda, name, { "index.mjs": answer256 }, { MemorySize });
    hosts.push(new URL(await publish(server.lambda, name)).host);
  }
  return hosts;
}

/** Requests per second of all of them together. */
async function total(server: MeasuredServer, hosts: readonly string[]): Promise<number> {
  const each = connections / hosts.length;
  const rates = await Promise.all(
    hosts.map((host) =>
      throughput(`http://127.0.0.1:${server.port}/`, { connections: each, seconds, host }),
    ),
  );
  return rates.reduce((sum, rate) => sum + rate, 0);
}
