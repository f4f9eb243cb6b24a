import {
  CreateFunctionCommand,
  InvokeCommand,
  type LambdaClient,
  waitUntilFunctionActiveV2,
} from "@aws-sdk/client-lambda";
import { publish, roleArn } from "../../test/support/functions.ts";
import { zip } from "../../test/support/zip.ts";
import { type Finding, format, interleave, pair, result, spread } from "../harness.ts";
import { ownResidentMb } from "../processes.ts";
import { type MeasuredServer, startMeasured } from "../server.ts";
import { sized } from "../settings.ts";
import { openVisitor } from "../visitor.ts";
import { answer256 } from "./warm.ts";

const manyCount = sized(10_000, 40);
const activeCount = sized(100, 4);
const fewCount = sized(10, 4);
/** Deploying that many may take this long; what it came to by then is measured and said. */
const deployMinutesMax = sized(15, 1);
const deploysAtOnce = 4;
const kind = "nodejs24.x";

/** Calls of one warm measurement, over all active functions in turn. */
const warmCalls = sized(5_000, 50);
/** Reserved, not used: an idle environment takes some 40 MB, and none is to be ended for room. */
const flags = ["--function-memory=262144"];

/**
 * A platform with 10,000 deployed functions of which 100 have been called, beside one with 10. Each has
 * code of its own, unpacked for it alone. Both run at once, but only one is measured at a time.
 */
export async function manyFunctions(): Promise<readonly Finding[]> {
  await using few = await open(fewCount, fewCount);
  await using many = await open(manyCount, activeCount);
  const notes = [
    `${many.deployed} functions deployed through the API in ${format(many.deploySeconds)} s ` +
      `(${format(many.perDeployMs)} ms each, ${deploysAtOnce} at once), ${activeCount} of them called; ` +
      `the platform's own process has ${format(ownResidentMb(many.server.pid))} MB resident against ${format(ownResidentMb(few.server.pid))} MB`,
  ];
  const warm = await interleave<"p50Ms" | "p99Ms">(
    [many, few].map((side) => ({
      name: `${side.deployed} deployed`,
      measure: () => side.warm(),
    })),
    5,
  );
  const cold = await interleave<"ms">(
    [many, few].map((side) => ({
      name: `${side.deployed} deployed`,
      measure: async () => ({ ms: await side.cold() }),
    })),
    sized(30, 1),
  );
  return [
    result({
      name: `time of a CreateFunction, ${deploysAtOnce} at once`,
      unit: "ms",
      ours: many.lastDeploysMs,
      referenceName: "of the first tenth; ours is the last tenth",
      reference: many.firstDeploysMs,
      notes,
    }),
    pair(warm, {
      name: "warm p50 over all active functions in turn (node:http, one connection)",
      unit: "ms",
      reading: "p50Ms",
      notes,
      targets: ["many-warm"],
    }),
    pair(warm, { name: "warm p99 of the same", unit: "ms", reading: "p99Ms" }),
    pair(cold, {
      name: "first call of a function with many deployed, generic sandbox ready (client time, AWS SDK included)",
      unit: "ms",
      reading: "ms",
      targets: ["many-cold"],
    }),
  ];
}

async function open(count: number, active: number) {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startMeasured(flags));
  const startMs = performance.now();
  const times = await deployMany(server.lambda, count);
  const tenth = Math.ceil(times.length / 10);
  const deploySeconds = (performance.now() - startMs) / 1_000;
  const hosts: string[] = [];
  for (let index = 0; index < active; index++) {
    hosts.push(new URL(await publish(server.lambda, `many-${index}`)).host);
    await untilActive(server.lambda, `many-${index}`);
    await call(server, `many-${index}`);
  }
  const kept = stack.move();
  let coldCount = 0;
  return {
    server,
    deployed: times.length,
    firstDeploysMs: spread(times.slice(0, tenth)),
    lastDeploysMs: spread(times.slice(-tenth)),
    deploySeconds,
    perDeployMs: (deploySeconds * 1_000) / times.length,
    async warm() {
      using visitor = openVisitor(server.port);
      const times: number[] = [];
      for (let n = 0; n < warmCalls; n++) {
        times.push(await visitor.visit(hosts[n % hosts.length] ?? ""));
      }
      const { median, p99 } = spread(times);
      return { p50Ms: median, p99Ms: p99 };
    },
    /** Of a function that is deployed for it, so that both sides have as many of them. */
    async cold() {
      const name = `cold-${coldCount++}`;
      await create(server.lambda, name, await archive(name));
      await untilActive(server.lambda, name);
      await server.generic(kind, 1);
      return call(server, name);
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Milliseconds of each call that created one. */
async function deployMany(lambda: LambdaClient, count: number): Promise<readonly number[]> {
  const times: number[] = [];
  const endMs = performance.now() + deployMinutesMax * 60_000;
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count && performance.now() < endMs) {
      const name = `many-${next++}`;
      times.push(await create(lambda, name, await archive(name)));
    }
  };
  await Promise.all(Array.from({ length: deploysAtOnce }, worker));
  // They are prepared in their order: when the last are active, nothing is left to do behind the scenes.
  for (let index = next - deploysAtOnce; index < next; index++) {
    await untilActive(lambda, `many-${index}`);
  }
  return times;
}

function archive(name: string): Promise<Uint8Array> {
  return zip({ "index.mjs": `// ${name}\n${answer256}` });
}

async function create(lambda: LambdaClient, name: string, code: Uint8Array): Promise<number> {
  const startMs = performance.now();
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName: name,
      Role: roleArn,
      Runtime: kind,
      Handler: "index.handler",
      MemorySize: 1769,
      Code: { ZipFile: code },
    }),
  );
  return performance.now() - startMs;
}

async function untilActive(lambda: LambdaClient, name: string): Promise<void> {
  const patience = { client: lambda, maxWaitTime: 600, minDelay: 0.1 };
  await waitUntilFunctionActiveV2(patience, { FunctionName: name });
}

async function call(server: MeasuredServer, name: string): Promise<number> {
  const startMs = performance.now();
  const answer = await server.lambda.send(new InvokeCommand({ FunctionName: name }));
  if (answer.FunctionError !== undefined) throw new Error(`${name}: ${answer.FunctionError}`);
  return performance.now() - startMs;
}
