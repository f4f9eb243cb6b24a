import { deploy, publish } from "../../test/support/functions.ts";
import { compare, type Result } from "../harness.ts";
import { startBareServer, throughput } from "../load.ts";
import { startMeasured } from "../server.ts";

/** Connections kept busy, and seconds of one measurement. */
const connections = 32;
const seconds = 3;

const body = `const body = "x".repeat(256);
export const handler = async () => ({ statusCode: 200, headers: { "content-type": "text/plain" }, body });`;

/** A function behind its URL against a bare HTTP server that answers the same 256 bytes. */
export async function warm(): Promise<readonly Result[]> {
  await using server = await startMeasured();
  await using bare = await startBareServer();
  await deploy(server.lambda, "warm", { "index.mjs": body }, { MemorySize: 1769 });
  const { host } = new URL(await publish(server.lambda, "warm"));
  return [
    await compare({
      name: `warm throughput, function URL, ${connections} connections, 256 B`,
      unit: "requests/s",
      rounds: 5,
      ours: () => throughput(`http://127.0.0.1:${server.port}/`, { connections, seconds, host }),
      reference: {
        name: "bare node:http, same answer, one process",
        measure: () => throughput(bare.url, { connections, seconds }),
      },
    }),
  ];
}
