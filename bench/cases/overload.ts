import { PutFunctionConcurrencyCommand } from "@aws-sdk/client-lambda";
import { availableParallelism } from "node:os";
import { deploy, publish } from "../../test/support/functions.ts";
import { type Finding, result, spread } from "../harness.ts";
import { stealClock } from "../machine.ts";
import { type Opened, openLoop } from "../open-loop.ts";
import { startMeasured } from "../server.ts";
import { sized } from "../settings.ts";
import { openVisitor } from "../visitor.ts";

interface Kind {
  readonly what: string;
  readonly code: string;
  /** Reserved concurrency of the function: what admission refuses beyond. */
  readonly concurrency: number;
}

const cores = availableParallelism();

const kinds: readonly Kind[] = [
  {
    what: "a function that waits 100 ms",
    code: `import { setTimeout } from "node:timers/promises";
export const handler = async () => { await setTimeout(100); return "done"; };`,
    concurrency: 10,
  },
  {
    what: "a function that computes for 20 ms",
    code: `export const handler = async () => { const end = performance.now() + 20; while (performance.now() < end); return "done"; };`,
    concurrency: cores,
  },
];

/**
 * Ten times as many calls as the function's concurrency can serve, for a minute. The peak is what a closed
 * loop of exactly that concurrency gets, measured right before and right after.
 */
export async function overload(): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const kind of kinds) findings.push(...(await overloadOf(kind)));
  return findings;
}

async function overloadOf({ what, code, concurrency }: Kind): Promise<readonly Finding[]> {
  await using server = await startMeasured();
  await deploy(server.lambda, "busy", { "index.mjs": code }, { MemorySize: 1769 });
  await server.lambda.send(
    new PutFunctionConcurrencyCommand({
      FunctionName: "busy",
      ReservedConcurrentExecutions: concurrency,
    }),
  );
  const { host } = new URL(await publish(server.lambda, "busy"));
  const url = `http://127.0.0.1:${server.port}/`;
  // Every call is waited for: one that is cut off would still take room in the next phase.
  const peak = async (seconds: number): Promise<number> => {
    const startMs = performance.now();
    let answered = 0;
    const caller = async (): Promise<void> => {
      using visitor = openVisitor(server.port);
      while (performance.now() - startMs < seconds * 1_000) {
        await visitor.visit(host);
        answered++;
      }
    };
    await Promise.all(Array.from({ length: concurrency }, caller));
    return (answered * 1_000) / (performance.now() - startMs);
  };
  await peak(sized(5, 1)); // the environments it takes are started
  const steal = stealClock();
  const before = await peak(sized(10, 1));
  const seconds = sized(60, 2);
  const perSecond = Math.round(10 * before);
  const seen = await openLoop(url, { perSecond, seconds, host, connectionsMax: 512 });
  const after = await peak(sized(10, 1));
  const about = {
    stealPercentMax: steal.percent(),
    notes: [
      `${seconds} s at ${perSecond} requests/s against a reserved concurrency of ${concurrency}; the load ` +
        `shares the processors and was late by ${seen.lateMsP99.toFixed(1)} ms at p99, which counts`,
      `answers: ${outcomesOf(seen)}`,
    ],
  };
  return [
    result({
      ...about,
      name: `goodput at 10 × overload, ${what}`,
      unit: "requests/s",
      ours: spread([seen.goodput]),
      referenceName: "peak before and after: closed loop at its concurrency",
      reference: spread([before, after]),
      targets: ["goodput"],
    }),
    result({
      ...about,
      name: `time to a refusal at 10 × overload, ${what}`,
      unit: "ms",
      ours: seen.refused,
      referenceName: "time to a success meanwhile",
      reference: seen.succeeded,
      targets: ["refusals"],
    }),
  ];
}

function outcomesOf({ outcomes }: Opened): string {
  return Object.entries(outcomes)
    .map(([outcome, count]) => `${count} × ${outcome}`)
    .join(", ");
}
