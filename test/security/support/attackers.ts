import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { constants } from "node:os";
import type { CreateFunctionCommandInput } from "@aws-sdk/client-lambda";
import { deploy } from "../../support/functions.ts";
import { invoke } from "../../support/invoke.ts";
import { zip } from "../../support/zip.ts";
import { buildNative } from "./native.ts";
import type { Target } from "./platform.ts";

export const runtimes = ["node", "python", "native"] as const;
export type AttackerRuntime = (typeof runtimes)[number];

/** One thing tried inside; `operation` is a function of the attacker's `operations`. */
export interface Attempt {
  readonly id: string;
  readonly operation: string;
  readonly given?: unknown;
}

/** How it ended: `code` is an error's name (`EPERM`), "" after success. */
export interface Outcome {
  readonly code: string;
  readonly value: unknown;
}

export interface AttackerSettings {
  readonly runtime: AttackerRuntime;
  /** Which operations: `attackers/{node,python}/<name>.*`, `attackers/native/<name>/`. */
  readonly operations: string;
  /** Further files of the package. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** Their modes, where not 0644. */
  readonly modes?: Readonly<Record<string, number>>;
  readonly settings?: Partial<CreateFunctionCommandInput>;
}

/** Why attackers of a runtime cannot be deployed here; undefined where they can. */
export async function whyNoAttacker(
  target: Target,
  runtime: AttackerRuntime,
  operations: string,
): Promise<string | undefined> {
  if (runtime === "node") return undefined;
  if (runtime === "python")
    return target.pythonRuntime === undefined ? "no Python 3.11 or newer is installed" : undefined;
  const built = await buildNative(operations);
  return "reason" in built ? built.reason : undefined;
}

/** Deploys an attacker through the public API. */
export async function deployAttacker(
  target: Target,
  name: string,
  attacker: AttackerSettings,
): Promise<void> {
  const { files: own, settings } = await packageOf(target, attacker);
  const files = { ...own, ...attacker.files };
  const modes = { bootstrap: 0o100755, ...attacker.modes };
  await deploy(target.lambda, name, files, {
    // A whole core: the sweeps are thousands of small steps.
    MemorySize: 1769,
    Timeout: 120,
    Code: { ZipFile: await zip(files, modes) },
    ...settings,
    ...attacker.settings,
  });
}

/** Has them all carried out in one call, in this order. Throws when the function itself fails. */
export async function attempt(
  target: Pick<Target, "lambda">,
  name: string,
  attacks: readonly Attempt[],
): Promise<ReadonlyMap<string, Outcome>> {
  const { error, payload, log } = await invoke(target.lambda, name, { attacks });
  assert.equal(error, undefined, `${JSON.stringify(payload)}\n${log}`);
  return outcomesOf(attacks, payload as Record<string, Answer>); // attackers/*/serve.*
}

/** The same by the native program in the package of a Node attacker (`operations.mjs`, `native`). */
export async function attemptByProgram(
  target: Pick<Target, "lambda">,
  name: string,
  attacks: readonly Attempt[],
): Promise<ReadonlyMap<string, Outcome>> {
  const through = [{ id: "all", operation: "native", given: { attacks } }];
  const { code, value } = (await attempt(target, name, through)).get("all") ?? {};
  assert.equal(code, "");
  return outcomesOf(attacks, value as Record<string, Answer>); // serve.go answers alike
}

/** Reads what an attacker answered: a refusal has an errno, anything else is thrown. */
export function outcomesOf(
  attacks: readonly Attempt[],
  answers: Readonly<Record<string, Answer>>,
): ReadonlyMap<string, Outcome> {
  return new Map(
    attacks.map(({ id }) => {
      const answer = answers[id];
      assert.ok(answer, `no answer to ${id}: ${JSON.stringify(answers).slice(0, 500)}`);
      return [id, outcomeOf(answer)];
    }),
  );
}

/** What the serving part of an attacker writes for one attempt. */
export interface Answer {
  readonly value?: unknown;
  readonly error?: string;
  readonly errno?: number;
}

const errorNames = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]));

/** `EPERM` of 1; the number itself where Node has no name for it. */
export function errorName(errno: number): string {
  return errorNames.get(errno) ?? `E${errno}`;
}

export function outcomeOf(answer: Answer): Outcome {
  if (answer.errno !== undefined) return { code: errorName(answer.errno), value: undefined };
  // A refusal has an errno. Anything else is a mistake of the attacker's, and proves nothing.
  const { error = "" } = answer;
  if (error !== "" && !/^E(?!RR_)[A-Z0-9]+$/.test(error)) throw new Error(error);
  return { code: error, value: answer.value };
}

async function packageOf(
  target: Target,
  { runtime, operations }: AttackerSettings,
): Promise<Pick<AttackerSettings, "files" | "settings">> {
  const read = (path: string): Promise<Buffer> =>
    readFile(new URL(`../attackers/${path}`, import.meta.url));
  if (runtime === "node")
    return {
      files: {
        "serve.mjs": await read("node/serve.mjs"),
        "operations.mjs": await read(`node/${operations}.mjs`),
      },
      settings: { Runtime: "nodejs24.x", Handler: "serve.handler" },
    };
  if (runtime === "python")
    return {
      files: {
        "serve.py": await read("python/serve.py"),
        "operations.py": await read(`python/${operations}.py`),
      },
      settings: {
        // Whichever this machine has; the platform answers for its name.
        Runtime: target.pythonRuntime as "python3.14",
        Handler: "serve.handler",
      },
    };
  const built = await buildNative(operations);
  if ("reason" in built) throw new Error(built.reason);
  return {
    files: { bootstrap: built.program },
    settings: { Runtime: "provided.al2023", Handler: "bootstrap" },
  };
}
