/**
 * Takes every defence of a sandbox away in turn and shows which attack then gets through (`npm run
 * attack:mutations`; minutes). With arguments, only mutations whose names contain one of them. Exits
 * 1 when one is caught by nothing. Needs root, bubblewrap and a Go toolchain.
 */
import { filterArchitecture } from "#functions/sandbox/drivers/bubblewrap/seccomp.ts";
import { examine, fallen, masksOf } from "../test/security/support/examination.ts";
import type { Findings } from "../test/security/support/examination.ts";
import { decisionsChanged, filterMutations } from "../test/security/support/filter-mutations.ts";
import type { FilterMutation } from "../test/security/support/filter-mutations.ts";
import { prepareGround } from "../test/security/support/ground.ts";
import { unmutated, wallMutations } from "../test/security/support/mutations.ts";
import type { Mutation } from "../test/security/support/mutations.ts";

const wanted = process.argv.slice(2);
const architecture = filterArchitecture(process.arch);
if (!architecture) throw new Error(`no filter for ${process.arch}`);

await using ground = await prepareGround();
const known = new Map<string, Promise<Findings>>();
const baseOf = ({ base, kind }: Mutation): Promise<Findings> => {
  const key = `${kind} ${base}`;
  const found = known.get(key) ?? examine(ground, { base, kind, without: {} });
  known.set(key, found);
  return found;
};

const masks = masksOf(await examine(ground, { kind: "walls", base: "whole", without: {} }));
const mutations: readonly (Mutation | FilterMutation)[] = [
  ...wallMutations(masks),
  ...filterMutations(architecture),
].filter(({ name }) => wanted.length === 0 || wanted.some((part) => name.includes(part)));

const caught = { attack: 0, view: 0, start: 0, table: [] as string[], nothing: [] as string[] };
for (const mutation of mutations) console.log(`${mutation.name}: ${await fateOf(mutation)}`);
const count = caught.attack + caught.view + caught.start + caught.table.length;
console.log(`\nmutations caught: ${count} of ${mutations.length}`);
console.log(`  by an attack that gets through ${caught.attack}, by a changed view ${caught.view},`);
console.log(`  because nothing starts any more ${caught.start},`);
console.log(
  `  by the filter's own table alone ${caught.table.length}: this kernel refuses these by itself` +
    `\n    ${caught.table.join(", ")}`,
);
console.log("not mutated:");
for (const [option, reason] of Object.entries(unmutated)) console.log(`  ${option}: ${reason}`);
if (caught.nothing.length > 0) console.log(`caught by nothing: ${caught.nothing.join(", ")}`);
process.exitCode = caught.nothing.length === 0 ? 0 : 1;

async function fateOf(mutation: Mutation | FilterMutation): Promise<string> {
  const base = await baseOf(mutation);
  const mutated = await examine(ground, mutation).catch((error: unknown) => {
    if (String(error).includes("sandbox could not start")) return String(error);
    throw error;
  });
  if (typeof mutated === "string") {
    caught.start++;
    return `nothing starts: ${mutated.slice(0, 160)}`;
  }
  const falls = fallen(base, mutated);
  const attacks = falls.filter((line) => line.startsWith("attack: "));
  if (attacks.length > 0) caught.attack++;
  else if (falls.length > 0) caught.view++;
  else return tableFate(mutation);
  const [first = ""] = attacks.length > 0 ? attacks : falls;
  return `${first}${falls.length > 1 ? ` and ${falls.length - 1} more` : ""}`;
}

/** For what this kernel refuses by itself: the filter's bytes, judged without a kernel. */
function tableFate(mutation: Mutation | FilterMutation): string {
  if (!("number" in mutation)) return nothing(mutation);
  const changed = decisionsChanged(mutation, architecture ?? "x64");
  if (changed.length === 0) return nothing(mutation);
  caught.table.push(mutation.name);
  return `table: decides otherwise about ${changed.slice(0, 3).join(", ")} (${changed.length} in all)`;
}

function nothing({ name }: Mutation): string {
  caught.nothing.push(name);
  return "NOTHING";
}
