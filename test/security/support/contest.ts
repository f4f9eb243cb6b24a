import assert from "node:assert/strict";
import type { AttackerRuntime, Attempt, Outcome } from "./attackers.ts";
import { attempt, attemptByProgram, deployAttacker } from "./attackers.ts";
import { buildNative } from "./native.ts";
import type { Target, TargetSettings } from "./platform.ts";
import type { Scoreboard } from "./scoreboard.ts";

/** Attacks are data: what is tried, how it must end, and where the same thing must succeed. */
export interface Attack extends Attempt {
  /** Row of the attack list. */
  readonly row: string;
  /** Where it makes sense; everywhere unless said. */
  readonly runtimes?: readonly AttackerRuntime[];
  /** Made of system calls by number; from Node by a program it brings along. */
  readonly raw?: true;
  /** Whether this outcome is a refusal. By default any error is. */
  readonly blocked?: (outcome: Outcome) => boolean;
  /** Whether a control's outcome is a success. By default one without an error. */
  readonly succeeded?: (outcome: Outcome) => boolean;
  /** `defended` where no control may be run: the excuse says why. */
  readonly control: ControlName | "defended";
  /** Why a control that did not succeed could not, on this host. */
  readonly excuse?: (outcome: Outcome) => string | undefined;
}

/**
 * Control runs. `none`: the `process` driver, which isolates nothing. `filter`: the sandbox without
 * its system-call filter and with every capability that a namespace of its own can give; nothing
 * that could harm the machine is within its reach. `limits`: without the resource limits.
 */
export const controls = {
  none: { flags: { sandbox: "process" } },
  filter: {
    without: {
      cuts: [
        { words: ["--seccomp", "6"] },
        { words: ["--disable-userns"] },
        { words: ["--uid", "1000", "--gid", "1000"], instead: ["--uid", "0", "--gid", "0"] },
        { words: ["--cap-drop", "ALL"], instead: ["--cap-add", "ALL"] },
      ],
    },
  },
  limits: { without: { limits: ["nofile", "memlock", "msgqueue", "core"] } },
} as const satisfies Readonly<Record<string, TargetSettings>>;
export type ControlName = keyof typeof controls;

const operations = "isolation";

/** The attacker of this suite; where it can be built, Node's package holds the native program. */
export async function deployContestant(
  target: Target,
  name: string,
  runtime: AttackerRuntime,
): Promise<void> {
  const built = runtime === "node" ? await buildNative(operations) : { reason: "not needed" };
  const files = "program" in built ? { attacker: built.program } : {};
  await deployAttacker(target, name, { runtime, operations, files, modes: { attacker: 0o100755 } });
}

/** What of these a runtime can try. */
export async function attacksFor(
  runtime: AttackerRuntime,
  attacks: readonly Attack[],
): Promise<readonly Attack[]> {
  const canBuild = "program" in (await buildNative(operations));
  return attacks.filter(
    ({ runtimes, raw }) =>
      (runtimes?.includes(runtime) ?? true) &&
      (canBuild || raw === undefined || runtime !== "node"),
  );
}

/** Carries out the attacks inside the function `name`, which is a `runtime` contestant. */
export async function carryOut(
  target: Target,
  name: string,
  { runtime, attacks }: { readonly runtime: AttackerRuntime; readonly attacks: readonly Attack[] },
): Promise<ReadonlyMap<string, Outcome>> {
  const isBrought = (attack: Attack): boolean => runtime === "node" && attack.raw === true;
  const own = attacks.filter((attack) => !isBrought(attack));
  const brought = attacks.filter(isBrought);
  const outcomes = new Map(await attempt(target, name, own.map(asked)));
  if (brought.length === 0) return outcomes;
  for (const [id, outcome] of await attemptByProgram(target, name, brought.map(asked)))
    outcomes.set(id, outcome);
  return outcomes;
}

function asked({ id, operation, given }: Attack): Attempt {
  return { id, operation, given };
}

/** Whether the attack was refused. */
export function isBlocked(attack: Attack, outcome: Outcome): boolean {
  return attack.blocked ? attack.blocked(outcome) : outcome.code !== "";
}

function isSuccess(attack: Attack, outcome: Outcome): boolean {
  return attack.succeeded ? attack.succeeded(outcome) : outcome.code === "";
}

export interface Contest {
  readonly runtime: AttackerRuntime;
  readonly attacks: readonly Attack[];
  readonly defended: ReadonlyMap<string, Outcome>;
  readonly controlled: ReadonlyMap<string, Outcome>;
}

/** Scores every attack, and fails with a line for each that got through or whose control did not. */
export function judge(contest: Contest, board: Scoreboard): void {
  const troubles: string[] = [];
  for (const attack of contest.attacks) {
    const defended = contest.defended.get(attack.id) ?? { code: "missing", value: undefined };
    const controlled = contest.controlled.get(attack.id) ?? { code: "missing", value: undefined };
    const blocked = isBlocked(attack, defended);
    const excuse = isSuccess(attack, controlled)
      ? undefined
      : (attack.excuse?.(controlled) ?? rightless(attack, controlled));
    const control = isSuccess(attack, controlled)
      ? "succeeded"
      : excuse === undefined
        ? "failed"
        : { impossible: excuse };
    const { row, id } = attack;
    board.add({ row, attack: id, runtime: contest.runtime, blocked, control });
    if (!blocked) troubles.push(`${row}: ${id} got through: ${told(defended)}`);
    if (control === "failed")
      troubles.push(`${row}: ${id} failed as a control: ${told(controlled)}`);
  }
  assert.equal(troubles.join("\n"), "");
}

/** Where nothing is isolated it is the host's root that fails, in a container for instance. */
function rightless({ control }: Attack, { code }: Outcome): string | undefined {
  const isRefused = control === "none" && ["EPERM", "EACCES", "EROFS"].includes(code);
  return isRefused ? `root of this host may not either (${code})` : undefined;
}

function told({ code, value }: Outcome): string {
  return code === "" ? JSON.stringify(value ?? null).slice(0, 300) : code;
}

/** A blocked outcome is one of these errors. */
export function refusedWith(...codes: readonly string[]): (outcome: Outcome) => boolean {
  return ({ code }) => codes.includes(code);
}

/** A text was read and there is something in it. */
export function isText({ code, value }: Outcome): boolean {
  return code === "" && typeof value === "string" && value !== "";
}

/** A folder was listed and there is something in it. */
export function isListing({ code, value }: Outcome): boolean {
  return code === "" && Array.isArray(value) && value.length > 0;
}

export const nothingRead = (outcome: Outcome): boolean => !isText(outcome);
export const nothingListed = (outcome: Outcome): boolean => !isListing(outcome);
