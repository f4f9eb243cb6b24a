import { callAttacks } from "../cases/calls.ts";
import { fileAttacks } from "../cases/files.ts";
import { networkAttacks } from "../cases/network.ts";
import { procAttacks } from "../cases/proc.ts";
import { processAttacks } from "../cases/processes.ts";
import { socketAttacks } from "../cases/sockets.ts";
import { deployAttacker } from "./attackers.ts";
import { attacksFor, carryOut, isBlocked } from "./contest.ts";
import type { Attack } from "./contest.ts";
import type { FilterMutation } from "./filter-mutations.ts";
import type { Ground } from "./ground.ts";
import { bases, combined } from "./mutations.ts";
import type { Mutation } from "./mutations.ts";
import { startTarget } from "./platform.ts";
import type { Target } from "./platform.ts";
import { accessLines, fileLines, limitLines, mountLines, statusLines, views } from "./views.ts";

/** What an examination of one platform found, comparable line by line with another's. */
export interface Findings {
  readonly tried: ReadonlySet<string>;
  /** Attacks that were refused. */
  readonly blocked: ReadonlySet<string>;
  /** The views of the golden tables. */
  readonly views: ReadonlySet<string>;
}

const runtime = "native";
/** More entries than a tree that is hard-linked has: this one is mounted. */
const mountedFiles = 200;

/** Which attacks fall, and which view changes, when a platform is examined instead of its base. */
export function fallen(base: Findings, mutated: Findings): readonly string[] {
  const through = [...base.blocked].filter(
    (id) => mutated.tried.has(id) && !mutated.blocked.has(id),
  );
  const changed = [...mutated.views].filter((line) => !base.views.has(line));
  const gone = [...base.views].filter((line) => !mutated.views.has(line));
  return [
    ...through.map((id) => `attack: ${id}`),
    ...changed.map((line) => `view: + ${line}`),
    ...gone.map((line) => `view: - ${line}`),
  ];
}

/** Examines with real functions; throws when no function runs at all. */
export async function examine(
  ground: Ground,
  subject: Pick<Mutation, "kind" | "base" | "without"> & Partial<Pick<FilterMutation, "number">>,
): Promise<Findings> {
  const without = combined(bases[subject.base], subject.without);
  await using target = await startTarget({ without });
  const files = Object.fromEntries(
    Array.from({ length: mountedFiles }, (_, index) => [`data/${index}`, "x"]),
  );
  await deployAttacker(target, "examiner", { runtime, operations: "isolation", files });
  // Awaited here: the platform ends with this function.
  if (subject.kind === "walls") return await examineWalls(target, ground);
  return await examineFilter(target, subject.number);
}

async function examineWalls(target: Target, ground: Ground): Promise<Findings> {
  const { dataDir } = target;
  // No neighbour: what a sandbox shares with another, it shares with the host.
  const neighbour = ground;
  const place = { dataDir, secretCode: ground.secretFile };
  const userNamespace = (attack: Attack): boolean => attack.id.endsWith("--user true");
  const attacks = await attacksFor(runtime, [
    ...fileAttacks(ground, place),
    ...procAttacks(ground),
    ...processAttacks(ground),
    ...networkAttacks(ground, neighbour).filter(({ row }) => row.startsWith("9 ports")),
    ...callAttacks().filter(userNamespace),
  ]);
  const looks = [views.files, views.access, views.status, views.limits, views.mounts];
  const outcomes = await carryOut(target, "examiner", { runtime, attacks: [...attacks, ...looks] });
  const valueOf = ({ id }: Attack): unknown => outcomes.get(id)?.value;
  return {
    ...judged(attacks, outcomes),
    views: new Set([
      ...fileLines(valueOf(views.files)),
      // Which entries there are depends on who else is at work; writing is what matters.
      ...accessLines(valueOf(views.access)).filter((line) => /^r?w /.test(line)),
      ...statusLines(valueOf(views.status)),
      ...limitLines(valueOf(views.limits)),
      ...mountLines(valueOf(views.mounts)),
    ]),
  };
}

/** A rule about one call is tried with that call; one about many with all. */
async function examineFilter(target: Target, number: number | undefined): Promise<Findings> {
  const all = await attacksFor(runtime, [...callAttacks(), ...socketAttacks()]);
  const attacks = all.filter(
    ({ control, given }) =>
      control === "filter" &&
      (number === undefined || (given as { readonly number?: number }).number === number), // calls have one
  );
  const outcomes = await carryOut(target, "examiner", { runtime, attacks });
  return { ...judged(attacks, outcomes), views: new Set() };
}

function judged(
  attacks: readonly Attack[],
  outcomes: Awaited<ReturnType<typeof carryOut>>,
): Omit<Findings, "views"> {
  const blocked = attacks.filter((attack) => {
    const outcome = outcomes.get(attack.id);
    return outcome !== undefined && isBlocked(attack, outcome);
  });
  return { tried: new Set(attacks.map(nameOf)), blocked: new Set(blocked.map(nameOf)) };
}

/** Every platform has a folder and a port of its own; the attack on them is the same. */
function nameOf({ id }: Attack): string {
  return id
    .replaceAll(/\/tmp\/skerry-attack-\w+/g, "DATA")
    .replace(/127\.0\.0\.1:\d+/, "127.0.0.1:PORT");
}

/** Paths below /proc that the sandbox covers, as its own mount table lists them. */
export function masksOf(findings: Findings): readonly string[] {
  return [...findings.views].flatMap((line) => /^(\/proc\/\S+) ro,/.exec(line)?.[1] ?? []);
}
