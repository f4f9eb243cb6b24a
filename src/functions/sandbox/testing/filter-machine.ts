import assert from "node:assert/strict";
import { architectures } from "../drivers/bubblewrap/syscalls.ts";
import type { Architecture } from "../drivers/bubblewrap/syscalls.ts";

/** A system call as a filter sees it. */
export interface Call {
  readonly number: number;
  readonly audit?: number;
  readonly values?: readonly bigint[];
}

/**
 * What a filter answers: `allow`, `kill`, the name of an error, or `nothing` (success without the call). A second reading of the kernel's
 * rules for classic BPF over `struct seccomp_data`.
 */
export function runFilter(program: Buffer, architecture: Architecture, call: Call): string {
  const input = Buffer.alloc(64);
  input.writeUInt32LE(call.number >>> 0, 0);
  input.writeUInt32LE(call.audit ?? architectures[architecture].audit, 4);
  (call.values ?? []).forEach((value, index) => input.writeBigUInt64LE(value, 16 + 8 * index));
  let accumulator = 0;
  for (let pc = 0; pc * 8 < program.length; pc++) {
    const code = program.readUInt16LE(pc * 8);
    const [yes, no] = [program.readUInt8(pc * 8 + 2), program.readUInt8(pc * 8 + 3)];
    const k = program.readUInt32LE(pc * 8 + 4);
    const jump = (condition: boolean): number => (condition ? yes : no);
    switch (code) {
      case 0x20:
        accumulator = input.readUInt32LE(k);
        break;
      case 0x54:
        accumulator = (accumulator & k) >>> 0;
        break;
      case 0x15:
        pc += jump(accumulator === k);
        break;
      case 0x25:
        pc += jump(accumulator > k);
        break;
      case 0x35:
        pc += jump(accumulator >= k);
        break;
      case 0x45:
        pc += jump((accumulator & k) !== 0);
        break;
      case 0x06:
        return verdict(k);
      default:
        assert.fail(`instruction ${code} at ${pc} is not one the filter uses`);
    }
  }
  throw new Error("the program ran past its end");
}

function verdict(value: number): string {
  if (value === 0x7fff0000) return "allow";
  if (value === 0x80000000) return "kill";
  const names: Record<number, string> = {
    0: "nothing",
    1: "EPERM",
    38: "ENOSYS",
    97: "EAFNOSUPPORT",
  };
  return names[value & 0xffff] ?? String(value);
}
