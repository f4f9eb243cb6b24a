import {
  DeleteFunctionCommand,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionUpdatedV2,
} from "@aws-sdk/client-lambda";
import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { deploy } from "../../test/support/functions.ts";
import { openCaller } from "../caller.ts";
import { compare, type Result } from "../harness.ts";
import { sized } from "../settings.ts";
import { type Language, openNode, openPython } from "../languages.ts";
import { wallMs } from "../load.ts";
import { type MeasuredServer, startMeasured } from "../server.ts";

const rounds = 30;
/** Enough for a p99 that is not the worst of a few. */
const hitRounds = 200;
/** Far more than making a compile cache takes. */
const compiledWithinMs = 3_000;
const cores = availableParallelism();
/** Of one vCPU, so that no share of a processor is measured. */
const MemorySize = 1769;

/** First call while a generic sandbox stands ready, by the cheapest client there is. */
export async function startHit(): Promise<readonly Result[]> {
  return inEachLanguage(async (language) => {
    await using server = await startMeasured();
    const [program, ...args] = language.bare;
    return await compare({
      name: `first call, ${language.runtime}, generic sandbox ready (plain HTTP client)`,
      unit: "ms",
      rounds: hitRounds,
      ours: () => firstCall(server, language, () => server.generic(language.runtime, 1)),
      reference: { name: `${args.join(" ")} of it, bare`, measure: () => wallMs(program, args) },
      targets: isNode(language) ? ["hit-p50", "hit-p99"] : [],
    });
  });
}

/** First call with nothing ready, against the same interpreter doing nothing in the same profile. */
export async function startMiss(): Promise<readonly Result[]> {
  return inEachLanguage(async (language) => {
    await using server = await startMeasured(["--ready-sandboxes=0"]);
    return await compare({
      name: `first call, ${language.runtime}, nothing ready (plain HTTP client)`,
      unit: "ms",
      rounds,
      ours: () => firstCall(server, language, async () => undefined),
      reference: insideBare(language),
      targets: [isNode(language) ? "miss-node" : "miss-python"],
    });
  });
}

/** What the profile adds to a process: bubblewrap around it, against the process. */
export async function sandboxOverhead(): Promise<readonly Result[]> {
  return inEachLanguage((language) => {
    const [program, ...args] = language.bare;
    return compare({
      name: `${args.join(" ")} of ${language.runtime} inside the profile (the overhead is the difference)`,
      unit: "ms",
      rounds,
      ours: () => language.profile.wallMs(language.insideBare),
      reference: { name: "the same, bare", measure: () => wallMs(program, args) },
      targets: ["overhead-median", "overhead-p95"],
    });
  });
}

/** Time to the last answer of many first calls at once. */
export async function burst(): Promise<readonly Result[]> {
  using language = await openNode();
  // Room for all of them at once: reserved, not used. Whether an older one has to go is no part of this.
  await using server = await startMeasured(["--function-memory=262144"]);
  using caller = openCaller(server.port);
  const many = sized(50, 4);
  const oneFunction = sized(100, 8);
  const all = async (names: readonly string[]): Promise<number> => {
    const startMs = performance.now();
    await Promise.all(names.map((name) => caller.invoke(name)));
    const tookMs = performance.now() - startMs;
    for (const FunctionName of new Set(names)) {
      await server.lambda.send(new DeleteFunctionCommand({ FunctionName }));
    }
    return tookMs;
  };
  return [
    await compare({
      name: `last answer of ${many} first calls to ${many} functions`,
      unit: "ms",
      rounds: 5,
      ours: async () => all(await deployMany(server, language, many)),
      reference: spawns(language, many),
      targets: ["burst-many"],
    }),
    await compare({
      name: `last answer of ${oneFunction} calls at once to one function that has never run`,
      unit: "ms",
      rounds: 5,
      async ours() {
        const [name = ""] = await deployMany(server, language, 1);
        return all(Array.from({ length: oneFunction }, () => name));
      },
      reference: spawns(language, oneFunction),
      targets: ["burst-one"],
    }),
  ];
}

/** First calls per second, as many under way as there are processors and one more. */
export async function sustainedStarts(): Promise<readonly Result[]> {
  using language = await openNode();
  await using server = await startMeasured();
  using caller = openCaller(server.port);
  const count = sized(60, 4);
  const reference = spawns(language, count);
  return [
    await compare({
      name: "cold starts per second, one after the other",
      unit: "starts/s",
      rounds: 5,
      async ours() {
        const names = await deployMany(server, language, count);
        const startMs = performance.now();
        await sideBySide(names, cores + 1, (name) => caller.invoke(name));
        return (count * 1000) / (performance.now() - startMs);
      },
      reference: {
        name: reference.name,
        measure: async () => (count * 1000) / (await reference.measure()),
      },
      targets: ["sustained"],
    }),
  ];
}

/** A package of 250 MB unpacked against one of a line: nothing may be copied at a start. */
export async function bigPackage(): Promise<readonly Result[]> {
  using language = await openNode();
  await using server = await startMeasured();
  // Text that repeats beyond its first 4 KiB, so that the archive stays below the limit of an upload.
  const block = Array.from({ length: 512 }, (_, index) => `// ${index * 7919}\n`.padStart(8)).join(
    "",
  );
  const file = block.repeat(Math.ceil(125_000 / block.length)).slice(0, 125_000);
  const parts = Object.fromEntries(
    Array.from({ length: 2_000 }, (_, index) => [`lib/${index % 40}/${index}.js`, file]),
  );
  const files = { ...language.files, ...parts };
  const [big = ""] = await deployMany(server, { ...language, files }, 1);
  const [small = ""] = await deployMany(server, language, 1);
  using caller = openCaller(server.port);
  const again = async (name: string): Promise<number> => {
    await changed(server, name);
    await server.generic(language.runtime, 1);
    return caller.invoke(name);
  };
  return [
    await compare({
      name: "first call of a function of 250 MB unpacked, generic sandbox ready",
      unit: "ms",
      rounds: 15,
      ours: () => again(big),
      reference: { name: "the same with one file", measure: () => again(small) },
    }),
  ];
}

/** What a compile cache spares the first call of a bundle with two clients of AWS's SDK. */
export async function compileCache(): Promise<readonly Result[]> {
  using language = await openNode();
  await using server = await startMeasured();
  const files = { "index.js": await bundleOfTwoClients() };
  const first = async (
    Variables: Readonly<Record<string, string>>,
  ): Promise<() => Promise<number>> => {
    const name = `start-${functionCount++}`;
    const settings = { MemorySize, Runtime: "nodejs24.x", Environment: { Variables } } as const;
    await deploy(server.lambda, name, files, settings);
    using caller = openCaller(server.port);
    await caller.invoke(name);
    // It is made in the background, and a new setting would want another.
    await sleep(compiledWithinMs);
    return async () => {
      await renewed(server, name);
      await server.generic(language.runtime, 1);
      using again = openCaller(server.port);
      return await again.invoke(name);
    };
  };
  return [
    await compare({
      name: "first call of a bundle of two AWS clients, compile cache made at its deployment",
      unit: "ms",
      rounds,
      ours: await first({}),
      reference: {
        name: "the same with NODE_DISABLE_COMPILE_CACHE",
        measure: await first({ NODE_DISABLE_COMPILE_CACHE: "1" }),
      },
    }),
  ];
}

async function bundleOfTwoClients(): Promise<string> {
  const contents = `const { LambdaClient } = require("@aws-sdk/client-lambda");
    const { IAMClient } = require("@aws-sdk/client-iam");
    const clients = [new LambdaClient(), new IAMClient()];
    exports.handler = async () => clients.length;`;
  const resolveDir = fileURLToPath(new URL("../..", import.meta.url));
  const { outputFiles } = await build({
    stdin: { contents, resolveDir },
    bundle: true,
    platform: "node",
    format: "cjs",
    write: false,
  });
  return outputFiles[0]?.text ?? "";
}

/** Another revision with the same settings. */
async function renewed(server: MeasuredServer, name: string): Promise<void> {
  const change = { FunctionName: name, Description: String(functionCount++) };
  await server.lambda.send(new UpdateFunctionConfigurationCommand(change));
  const patience = { client: server.lambda, maxWaitTime: 30, minDelay: 0.1 };
  await waitUntilFunctionUpdatedV2(patience, { FunctionName: name });
}

/** A new setting: no environment of before may answer the next call. */
async function changed(server: MeasuredServer, name: string): Promise<void> {
  const Variables = { ROUND: String(functionCount++) };
  const change = { FunctionName: name, Environment: { Variables } };
  await server.lambda.send(new UpdateFunctionConfigurationCommand(change));
  const patience = { client: server.lambda, maxWaitTime: 30, minDelay: 0.1 };
  await waitUntilFunctionUpdatedV2(patience, { FunctionName: name });
}

function isNode({ runtime }: Pick<Language, "runtime">): boolean {
  return runtime.startsWith("nodejs");
}

async function inEachLanguage(
  measure: (language: Language) => Promise<Result>,
): Promise<readonly Result[]> {
  using node = await openNode();
  using python = await openPython();
  const results = [await measure(node)];
  if (python) results.push(await measure(python));
  return results;
}

let functionCount = 0;

async function firstCall(
  server: MeasuredServer,
  language: Pick<Language, "runtime" | "files">,
  prepared: () => Promise<void>,
): Promise<number> {
  const [name = ""] = await deployMany(server, language, 1);
  await prepared();
  using caller = openCaller(server.port);
  return await caller.invoke(name);
}

async function deployMany(
  server: MeasuredServer,
  language: Pick<Language, "runtime" | "files">,
  count: number,
): Promise<readonly string[]> {
  const names = Array.from({ length: count }, () => `start-${functionCount++}`);
  // The runtime's identifier is one of the API's names.
  const settings = { MemorySize, Runtime: language.runtime as "nodejs24.x" };
  await sideBySide(names, 8, (name) => deploy(server.lambda, name, language.files, settings));
  return names;
}

function insideBare(language: Language): { readonly name: string; measure(): Promise<number> } {
  const [, ...args] = language.insideBare;
  return {
    name: `${args.join(" ")} of it inside the same sandbox profile, start to exit`,
    measure: () => language.profile.wallMs(language.insideBare),
  };
}

/** Milliseconds of so many bare starts in the profile, as many at once as there are processors. */
function spawns(
  language: Language,
  count: number,
): { readonly name: string; measure(): Promise<number> } {
  return {
    name: `${count} times bubblewrap and \`node -e 0\` with the same profile, ${cores} at a time`,
    async measure() {
      const startMs = performance.now();
      const each = (): Promise<number> => language.profile.wallMs(language.insideBare);
      await sideBySide(Array.from({ length: count }), cores, each);
      return performance.now() - startMs;
    },
  };
}

async function sideBySide<T>(
  items: readonly T[],
  width: number,
  act: (item: T) => Promise<unknown>,
): Promise<void> {
  const left = [...items];
  const worker = async (): Promise<void> => {
    while (left.length > 0) {
      const [item] = left.splice(0, 1);
      await act(item as T); // taken from a list of T that was not empty
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
}
