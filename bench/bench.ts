/**
 * Every figure beside its reference in one run, interleaved: `npm run bench`, or `npm run bench -- warm
 * cold` for cases with these words in their name. `--save FILE` keeps the results; `--table FILE FILE`
 * makes docs/benchmarks.md from one or two such files.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { coldHit, coldMiss } from "./cases/cold.ts";
import { dynamodb, dynamodbGrowth } from "./cases/dynamodb.ts";
import { environmentMemory } from "./cases/environment.ts";
import { eventStart } from "./cases/event-start.ts";
import { idleMemory, ready } from "./cases/idle.ts";
import { keepAlive } from "./cases/keep-alive.ts";
import { killTime } from "./cases/kill.ts";
import { logs } from "./cases/logs.ts";
import { manyFunctions } from "./cases/many-functions.ts";
import { neighbours } from "./cases/neighbours.ts";
import { overload } from "./cases/overload.ts";
import { patterns } from "./cases/patterns.ts";
import { peers } from "./cases/peers.ts";
import {
  bigPackage,
  burst,
  compileCache,
  sandboxOverhead,
  startHit,
  startMiss,
  sustainedStarts,
} from "./cases/start.ts";
import { sqs } from "./cases/sqs.ts";
import { s3 } from "./cases/s3.ts";
import { store } from "./cases/store.ts";
import { warm, warmLatency, warmOpenLoop } from "./cases/warm.ts";
import { workers } from "./cases/workers.ts";
import { describe, type Finding } from "./harness.ts";
import { commit, describeMachine } from "./machine.ts";
import { settings } from "./settings.ts";
import { type CaseReport, type Report, writeTable } from "./table.ts";
import { judge } from "./targets.ts";

const cases: Readonly<Record<string, () => Promise<readonly Finding[]>>> = {
  warm,
  "warm-latency": warmLatency,
  "warm-open-loop": warmOpenLoop,
  "cold-hit": coldHit,
  "cold-miss": coldMiss,
  "start-hit": startHit,
  "start-miss": startMiss,
  "start-burst": burst,
  "start-sustained": sustainedStarts,
  "big-package": bigPackage,
  "compile-cache": compileCache,
  overhead: sandboxOverhead,
  "environment-memory": environmentMemory,
  "event-start": eventStart,
  ready,
  memory: idleMemory,
  kill: killTime,
  neighbours,
  overload,
  "keep-alive": keepAlive,
  "many-functions": manyFunctions,
  workers,
  peers,
  store,
  sqs,
  logs,
  patterns,
  dynamodb,
  "dynamodb-growth": dynamodbGrowth,
  s3,
};

const names = Object.keys(cases);

if (settings.list) console.log(names.join("\n"));
else if (settings.table) {
  writeTable(settings.words.map((file) => JSON.parse(readFileSync(file, "utf8")) as Report)); // ours
} else await measureAll();
process.exit(process.exitCode ?? 0);

async function measureAll(): Promise<void> {
  const machine = describeMachine();
  console.log(
    `${machine.cores} × ${machine.processor}, ${machine.memoryGiB} GiB, Linux ${machine.kernel}, ` +
      `Node ${machine.versions["node"]}\n`,
  );
  // A whole name means that case; a part of names means all that have it.
  const isMeant = (word: string, name: string): boolean =>
    names.includes(word) ? name === word : name.includes(word);
  const wanted = names.filter(
    (name) => settings.words.length === 0 || settings.words.some((word) => isMeant(word, name)),
  );
  if (wanted.length === 0) throw new Error(`no such case; there are ${names.join(", ")}`);
  // What users run, and never an older one.
  const build = fileURLToPath(new URL("../scripts/build.ts", import.meta.url));
  execFileSync(process.execPath, ["--conditions=source", build]);
  const report: Report = {
    date: new Date().toISOString(),
    commit: commit(),
    isQuick: settings.quick,
    machine,
    cases: [],
  };
  for (const name of wanted) {
    const done = await measureOne(name);
    report.cases.push(done);
    if (done.error !== undefined) process.exitCode = 1;
    // After every case: an interrupted run keeps what it has.
    if (settings.save !== undefined) {
      writeFileSync(settings.save, `${JSON.stringify(report, undefined, 2)}\n`);
    }
  }
}

/** A case that fails says so; the others go on. */
async function measureOne(name: string): Promise<CaseReport> {
  const startMs = performance.now();
  const seconds = (): number => Math.round((performance.now() - startMs) / 1_000);
  console.log(`# ${name}\n`);
  try {
    const findings = (await cases[name]?.()) ?? [];
    for (const finding of findings) console.log(`${tell(finding)}\n`);
    return { name, seconds: seconds(), findings };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    console.error(error);
    return { name, seconds: seconds(), findings: [], error: text };
  }
}

function tell(finding: Finding): string {
  if ("absent" in finding) return `${finding.absent}: not measured, ${finding.why}`;
  const verdicts = judge(finding).map(({ id, text }) => `  target     ${id}: ${text}`);
  return [describe(finding), ...verdicts].join("\n");
}
