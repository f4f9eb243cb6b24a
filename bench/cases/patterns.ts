import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { compilePattern, PatternIndex } from "#events/patterns/patterns.ts";
import { compare, type Finding, type Result } from "../harness.ts";
import { fromMaven, installed } from "../peers/install.ts";

const run = promisify(execFile);
const eventCount = 20_000;
const engine = "software.amazon.event.ruler:event-ruler:2.1.0";

/** Events matched per second against 1,000 rules, beside EventBridge's own engine, and against a million. */
export async function patterns(): Promise<readonly Finding[]> {
  return [await beside(), await growth()];
}

/** Rules of the kinds people write, each meant for few events; the same for the engine and for us. */
function ruleTexts(count: number): string[] {
  const kinds: readonly ((n: number) => object)[] = [
    (n) => ({ source: [`s${n % 50}`], "detail-type": [`t${n}`], detail: { id: [`u${n}`] } }),
    (n) => ({ source: [`s${n % 50}`], detail: { path: [{ prefix: `/p${n}/` }] } }),
    (n) => ({ detail: { name: [{ suffix: `.${n}` }] } }),
    (n) => ({ source: [`s${n % 50}`], detail: { path: [{ wildcard: `/p${n}/*/x` }] } }),
    (n) => ({ detail: { size: [{ numeric: [">=", n, "<", n + 1] }] } }),
    (n) => ({ "detail-type": [`t${n}`], detail: { state: [{ "anything-but": ["done"] }] } }),
    (n) => ({ detail: { name: [{ "equals-ignore-case": `N${n}` }] } }),
  ];
  return Array.from({ length: count }, (_, n) => JSON.stringify(kinds[n % kinds.length]?.(n)));
}

/** Each is meant for one of the rules; about 900 bytes. */
function eventTexts(ruleCount: number): string[] {
  return Array.from({ length: eventCount }, (_, place) => {
    const n = (place * 7_919) % ruleCount;
    return JSON.stringify({
      version: "0",
      id: `00000000-0000-4000-8000-${String(place).padStart(12, "0")}`,
      "detail-type": `t${n}`,
      source: `s${n % 50}`,
      account: "123456789012",
      time: "2026-01-01T00:00:00Z",
      region: "us-east-1",
      resources: ["arn:aws:s3:::bucket"],
      detail: {
        id: `u${n}`,
        path: `/p${n}/abc/x`,
        name: `n${n}`,
        size: n + 0.5,
        state: "running",
        extra: { a: 1, b: [1, 2, 3], c: "x".repeat(300) },
        more: "y".repeat(200),
      },
    });
  });
}

function indexOf(rules: readonly string[]): PatternIndex<number> {
  const index = new PatternIndex<number>();
  for (const [key, rule] of rules.entries()) index.add(key, compilePattern(rule));
  return index;
}

/** Events per second, reading the JSON included. */
function matchAll(index: PatternIndex<number>, events: readonly string[]): number {
  const start = process.hrtime.bigint();
  for (const event of events) index.matching(JSON.parse(event) as object); // written above
  return events.length / (Number(process.hrtime.bigint() - start) / 1e9);
}

async function beside(): Promise<Finding> {
  const name = "EventBridge patterns: 1,000 rules";
  let folder: string;
  try {
    folder = await installed("event-ruler", fromMaven(engine));
    await writeFile(join(folder, "Match.java"), program);
    await run("javac", ["-cp", join(folder, "lib", "*"), "-d", folder, join(folder, "Match.java")]);
  } catch (error) {
    return { absent: name, why: error instanceof Error ? error.message : String(error) };
  }
  const directory = await mkdtemp(join(tmpdir(), "skerry-bench-"));
  try {
    const rules = ruleTexts(1_000);
    const events = eventTexts(1_000);
    const files = [join(directory, "rules"), join(directory, "events")] as const;
    await writeFile(files[0], rules.join("\n"));
    await writeFile(files[1], events.join("\n"));
    const index = indexOf(rules);
    matchAll(index, events);
    const classes = `${join(folder, "lib", "*")}:${folder}`;
    return await compare({
      name,
      unit: "events/s on one core",
      rounds: 3,
      ours: async () => matchAll(index, events),
      reference: {
        name: "event-ruler 2.1.0 (Java, warmed up)",
        async measure() {
          // One processor for the collector too, as for us.
          const flags = ["-XX:ActiveProcessorCount=1", "-cp", classes, "Match", ...files];
          return Number((await run("java", flags)).stdout);
        },
      },
      targets: ["patterns"],
    });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Best of five passes, the first of which compile. */
const program = `
import java.nio.file.*;
import java.util.*;
import software.amazon.event.ruler.*;

public class Match {
  public static void main(String[] files) throws Exception {
    Machine machine = new Machine();
    int n = 0;
    for (String rule : Files.readAllLines(Path.of(files[0]))) machine.addRule("r" + n++, rule);
    List<String> events = Files.readAllLines(Path.of(files[1]));
    double best = 0;
    for (int pass = 0; pass < 5; pass++) {
      long start = System.nanoTime();
      for (String event : events) machine.rulesForJSONEvent(event);
      best = Math.max(best, events.size() / ((System.nanoTime() - start) / 1e9));
    }
    System.out.println(best);
  }
}
`;

/** Rules that one value tells apart: what an event costs when there are a thousand times as many. */
function exactTexts(count: number): string[] {
  return Array.from({ length: count }, (_, n) =>
    JSON.stringify({ source: [`s${n % 50}`], "detail-type": [`t${n}`] }),
  );
}

async function growth(): Promise<Result> {
  const few = indexOf(exactTexts(1_000));
  const many = indexOf(exactTexts(1_000_000));
  const [fewEvents, manyEvents] = [eventTexts(1_000), eventTexts(1_000_000)];
  const costOf = (index: PatternIndex<number>, events: readonly string[]): number =>
    1e6 / matchAll(index, events);
  return compare({
    name: "EventBridge patterns: one event against 1,000,000 rules",
    unit: "µs per event",
    rounds: 5,
    ours: async () => costOf(many, manyEvents),
    reference: { name: "against 1,000 rules", measure: async () => costOf(few, fewEvents) },
    targets: ["patterns-growth"],
  });
}
