import { InvokeCommand } from "@aws-sdk/client-lambda";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { deploy } from "../../test/support/functions.ts";
import { compare, type Result } from "../harness.ts";
import { wallMs } from "../load.ts";
import { type MeasuredServer, startMeasured } from "../server.ts";

const rounds = 15;
const kind = "nodejs24.x";
const code = "export const handler = async () => 1;";

const node24 = join(
  dirname(createRequire(import.meta.url).resolve(`node24-linux-${process.arch}/package.json`)),
  "bin/node",
);
const reference = {
  name: "`node -e 0` of the same version, start to exit",
  measure: () => wallMs(node24, ["-e", "0"]),
};

/** First call of a function while a generic sandbox stands ready. Client time through the SDK. */
export async function coldHit(): Promise<readonly Result[]> {
  await using server = await startMeasured();
  return [
    await compare({
      name: "cold start, generic sandbox ready (client time, AWS SDK included)",
      unit: "ms",
      rounds,
      ours: () => firstCall(server, () => server.generic(kind, 1)),
      reference,
    }),
  ];
}

/** The same with none kept: sandbox, Node and function are all started for the call. */
export async function coldMiss(): Promise<readonly Result[]> {
  await using server = await startMeasured(["--ready-sandboxes=0"]);
  return [
    await compare({
      name: "cold start, nothing ready (client time, AWS SDK included)",
      unit: "ms",
      rounds,
      ours: () => firstCall(server, async () => undefined),
      reference,
    }),
  ];
}

let functionCount = 0;

async function firstCall(server: MeasuredServer, prepared: () => Promise<void>): Promise<number> {
  const name = `cold-${functionCount++}`;
  await deploy(server.lambda, name, { "index.mjs": code }, { MemorySize: 1769 });
  await prepared();
  const startMs = performance.now();
  await server.lambda.send(new InvokeCommand({ FunctionName: name }));
  return performance.now() - startMs;
}
