import { seccompFilter } from "#functions/sandbox/drivers/bubblewrap/seccomp.ts";
import {
  architectures,
  forbiddenCalls,
  idleCalls,
} from "#functions/sandbox/drivers/bubblewrap/syscalls.ts";
import type { Architecture } from "#functions/sandbox/drivers/bubblewrap/syscalls.ts";
import { runFilter } from "#functions/sandbox/testing/filter-machine.ts";
import type { Mutation } from "./mutations.ts";

export interface FilterMutation extends Mutation {
  /** The call it is about; undefined for rules about many. */
  readonly number: number | undefined;
}

const answer = 0x06;
const jumpEqual = 0x15;
const jumpAnySet = 0x45;
const allow = 0x7fff0000;
const namespaceNames: Readonly<Record<number, string>> = {
  0x00020000: "mount",
  0x02000000: "cgroup",
  0x04000000: "uts",
  0x08000000: "ipc",
  0x10000000: "user",
  0x20000000: "pid",
  0x40000000: "net",
};

/**
 * Every answer of the filter but "allow" turned into "allow", one at a time, and every namespace flag
 * taken from the mask that `clone` is judged by: read from the filter's own bytes, so that a rule
 * added tomorrow is mutated too.
 */
export function filterMutations(architecture: Architecture): readonly FilterMutation[] {
  const program = seccompFilter(architecture);
  const count = program.length / 8;
  const mutations: FilterMutation[] = [];
  for (let at = 0; at < count; at++) {
    const { code, operand } = instruction(program, at);
    if (code === answer && operand !== allow) {
      const { name, number } = ruleAt(program, architecture, at);
      mutations.push(mutation(`rule ${name}`, number, changed(program, at, allow)));
    }
    if (code !== jumpAnySet) continue;
    for (const [flag, name] of Object.entries(namespaceNames)) {
      const bytes = changed(program, at, operand & ~Number(flag));
      mutations.push(
        mutation(`clone's flag for ${name} namespaces`, architectures[architecture].clone, bytes),
      );
    }
  }
  return mutations;
}

/** Calls (with arguments where they matter) that the mutated filter answers otherwise than the real one. */
export function decisionsChanged(
  { without }: FilterMutation,
  architecture: Architecture,
): readonly string[] {
  const real = seccompFilter(architecture);
  const mutated = Buffer.from(without.filter ?? "", "base64");
  return [...callsToJudge(architecture)]
    .filter(
      (call) => runFilter(real, architecture, call) !== runFilter(mutated, architecture, call),
    )
    .map((call) => `${call.number}${call.audit === undefined ? "" : " by another convention"}`);
}

function* callsToJudge(architecture: Architecture): Generator<Parameters<typeof runFilter>[2]> {
  const { clone, ioctl, socket, socketpair, x32From } = architectures[architecture];
  for (let number = 0; number < 1024; number++) yield { number };
  if (x32From !== undefined)
    for (let number = 0; number < 1024; number++) yield { number: x32From + number };
  yield { number: 1, audit: 0x40000003 };
  for (const flag of Object.keys(namespaceNames)) yield { number: clone, values: [BigInt(flag)] };
  for (const request of [0x5412n, 0x541cn]) yield { number: ioctl, values: [0n, request] };
  for (let family = 0n; family < 46n; family++) {
    yield { number: socketpair, values: [family, 1n, 0n] };
    for (let type = 0n; type < 11n; type++)
      for (const protocol of [0n, 1n, 15n])
        yield { number: socket, values: [family, type, protocol] };
  }
}

function mutation(name: string, number: number | undefined, program: Buffer): FilterMutation {
  const without = { filter: program.toString("base64") };
  return { name, number, kind: "filter", base: "root inside", without };
}

function instruction(
  program: Buffer,
  at: number,
): { readonly code: number; readonly operand: number } {
  return { code: program.readUInt16LE(at * 8), operand: program.readUInt32LE(at * 8 + 4) };
}

function changed(program: Buffer, at: number, operand: number): Buffer {
  const copy = Buffer.from(program);
  copy.writeUInt32LE(operand >>> 0, at * 8 + 4);
  return copy;
}

/** Named by the comparison before it: the call's name, or what kind of test leads to the answer. */
function ruleAt(
  program: Buffer,
  architecture: Architecture,
  at: number,
): { readonly name: string; readonly number: number | undefined } {
  const before = instruction(program, at - 1);
  const column = architecture === "x64" ? 0 : 1;
  const named = Object.entries({ ...forbiddenCalls, ...idleCalls }).find(
    ([, numbers]) => numbers[column] === before.operand,
  );
  if (before.code === jumpEqual && named) return { name: named[0], number: before.operand };
  const isClone3 =
    before.code === jumpEqual && before.operand === architectures[architecture].clone3;
  if (isClone3) return { name: "clone3", number: before.operand };
  return { name: `at ${at}, after ${hex(before.code)} ${hex(before.operand)}`, number: undefined };
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
