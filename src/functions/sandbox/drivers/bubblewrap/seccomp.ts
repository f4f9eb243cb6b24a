import { architectures, forbiddenCalls, idleCalls, newestCall } from "./syscalls.ts";
import type { Architecture } from "./syscalls.ts";

/**
 * The system-call filter as the bytes the kernel takes: an array of `struct sock_filter`
 * (linux/filter.h), produced here without native code and handed to bubblewrap's `--seccomp`.
 *
 * Order: architecture (killed otherwise), x32 and unknown numbers (ENOSYS, so that libraries fall
 * back), forbidden calls (EPERM), idle ones (success), clone3 (ENOSYS), then the four calls judged by
 * their arguments.
 */
export function seccompFilter(architecture: Architecture): Buffer {
  return encode(assemble(architecture));
}

/** `process.arch` as this module knows it; undefined where there is no table. */
export function filterArchitecture(arch: string): Architecture | undefined {
  return arch === "x64" || arch === "arm64" ? arch : undefined;
}

interface Instruction {
  readonly code: number;
  readonly jumpTrue: number;
  readonly jumpFalse: number;
  readonly operand: number;
}

// linux/bpf_common.h: class | size or operation | mode.
const loadWord = 0x20;
const jumpEqual = 0x15;
const jumpGreater = 0x25;
const jumpGreaterOrEqual = 0x35;
const jumpAnySet = 0x45;
const andConstant = 0x54;
const answer = 0x06;

// struct seccomp_data (linux/seccomp.h): nr, arch, instruction pointer, six 64-bit arguments.
const offsetNumber = 0;
const offsetArchitecture = 4;
/** Low half of an argument: both architectures are little-endian, and the kernel reads these as int. */
const offsetArgument = (index: number): number => 16 + 8 * index;

const allow = 0x7fff0000;
const killProcess = 0x80000000;
const failWith = (errno: number): number => 0x00050000 | errno;
const errnoPermission = 1;
const errnoNoCall = 38;
const errnoFamily = 97;

/** CLONE_NEWTIME is left out: in clone its bit belongs to the exit signal (clone(2)). */
const namespaceFlags =
  0x00020000 | // CLONE_NEWNS
  0x02000000 | // CLONE_NEWCGROUP
  0x04000000 | // CLONE_NEWUTS
  0x08000000 | // CLONE_NEWIPC
  0x10000000 | // CLONE_NEWUSER
  0x20000000 | // CLONE_NEWPID
  0x40000000; // CLONE_NEWNET

const family = { unix: 1, inet: 2, inet6: 10, netlink: 16 } as const;
/** SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET; the upper bits are SOCK_CLOEXEC and SOCK_NONBLOCK. */
const socketTypes = [1, 2, 5];
const socketTypeMask = 0xf;
/** TIOCSTI types into a terminal, TIOCLINUX pastes a selection into one. */
const terminalRequests = [0x5412, 0x541c];

const load = (offset: number): Instruction => step(loadWord, offset);
const give = (value: number): Instruction => step(answer, value);

function step(code: number, operand: number, jumpTrue = 0, jumpFalse = 0): Instruction {
  return { code, jumpTrue, jumpFalse, operand: operand >>> 0 };
}

/** `then` runs when the accumulator satisfies the jump, otherwise it is skipped. */
function when(jump: number, operand: number, then: readonly Instruction[]): readonly Instruction[] {
  return [step(jump, operand, 0, then.length), ...then];
}

/** Runs `then` for everything but the values listed. */
function unlessOneOf(
  values: readonly number[],
  then: readonly Instruction[],
): readonly Instruction[] {
  const jumps = values.map((value, index) =>
    step(jumpEqual, value, values.length - 1 - index + then.length, 0),
  );
  return [...jumps, ...then];
}

function assemble(architecture: Architecture): readonly Instruction[] {
  const numbers = architectures[architecture];
  const noCall = [give(failWith(errnoNoCall))];
  const refused = [give(failWith(errnoPermission))];
  return [
    load(offsetArchitecture),
    ...unlessOneOf([numbers.audit], [give(killProcess)]),
    load(offsetNumber),
    ...(numbers.x32From === undefined ? [] : when(jumpGreaterOrEqual, numbers.x32From, noCall)),
    ...when(jumpGreater, newestCall, noCall),
    ...numbers.unassigned.flatMap(([first, last]) => inRange(first, last, noCall)),
    ...forbiddenNumbers(architecture).flatMap((number) => when(jumpEqual, number, refused)),
    ...idleNumbers(architecture).flatMap((number) => when(jumpEqual, number, [give(failWith(0))])),
    ...when(jumpEqual, numbers.clone3, noCall),
    ...when(jumpEqual, numbers.clone, [
      load(offsetArgument(0)),
      ...when(jumpAnySet, namespaceFlags, refused),
      give(allow),
    ]),
    ...when(jumpEqual, numbers.ioctl, [
      load(offsetArgument(1)),
      ...terminalRequests.flatMap((request) => when(jumpEqual, request, refused)),
      give(allow),
    ]),
    ...when(jumpEqual, numbers.socket, socketRules()),
    ...when(jumpEqual, numbers.socketpair, [
      load(offsetArgument(0)),
      ...unlessOneOf([family.unix], [give(failWith(errnoFamily))]),
      give(allow),
    ]),
    give(allow),
  ];
}

function inRange(
  first: number,
  last: number,
  then: readonly Instruction[],
): readonly Instruction[] {
  return [
    step(jumpGreaterOrEqual, first, 0, then.length + 1),
    step(jumpGreater, last, then.length, 0),
    ...then,
  ];
}

/** Families that stay inside the network namespace; netlink only as the routing protocol, which lists interfaces. */
function socketRules(): readonly Instruction[] {
  return [
    load(offsetArgument(0)),
    ...when(jumpEqual, family.netlink, [
      load(offsetArgument(2)),
      ...unlessOneOf([0], [give(failWith(errnoPermission))]),
      give(allow),
    ]),
    ...unlessOneOf([family.unix, family.inet, family.inet6], [give(failWith(errnoFamily))]),
    load(offsetArgument(1)),
    step(andConstant, socketTypeMask),
    ...unlessOneOf(socketTypes, [give(failWith(errnoPermission))]),
    give(allow),
  ];
}

function forbiddenNumbers(architecture: Architecture): readonly number[] {
  const index = architecture === "x64" ? 0 : 1;
  return Object.values(forbiddenCalls)
    .map((numbers) => numbers[index])
    .filter((number) => number !== undefined);
}

function idleNumbers(architecture: Architecture): readonly number[] {
  return Object.values(idleCalls).map((numbers) => numbers[architecture === "x64" ? 0 : 1]);
}

function encode(instructions: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(instructions.length * 8);
  instructions.forEach((instruction, index) => {
    bytes.writeUInt16LE(instruction.code, index * 8);
    bytes.writeUInt8(instruction.jumpTrue, index * 8 + 2);
    bytes.writeUInt8(instruction.jumpFalse, index * 8 + 3);
    bytes.writeUInt32LE(instruction.operand, index * 8 + 4);
  });
  return bytes;
}
