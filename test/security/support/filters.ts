/** A system-call filter of one instruction, `return ALLOW` (linux/seccomp.h), in base64. */
export const allowEverything: string = program([[0x06, 0x7fff0000]]);

function program(instructions: readonly (readonly [code: number, k: number])[]): string {
  const bytes = Buffer.alloc(instructions.length * 8);
  for (const [index, [code, k]] of instructions.entries()) {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt32LE(k, index * 8 + 4);
  }
  return bytes.toString("base64");
}
