import type { ChecksumAlgorithm } from "./records.ts";

interface Polynomial {
  readonly bits: number;
  /** Reflected: the lowest bit is the highest power. */
  readonly reflected: bigint;
}

/** https://reveng.sourceforge.io/crc-catalogue/all.htm: CRC-32/ISO-HDLC, CRC-32/ISCSI and CRC-64/NVME. */
const polynomials: Partial<Record<ChecksumAlgorithm, Polynomial>> = {
  CRC32: { bits: 32, reflected: 0xedb88320n },
  CRC32C: { bits: 32, reflected: 0x82f63b78n },
  CRC64NVME: { bits: 64, reflected: 0x9a6c9329ac4bc9b5n },
};

/**
 * The CRC of parts laid end to end from the CRCs of the parts, without their bytes: the earlier one times
 * x^(8 × length of the later), plus the later one. The method of zlib's `crc32_combine`
 * (https://github.com/madler/zlib/blob/v1.3.1/crc32.c#L143). Base64 in and out; undefined for a checksum
 * that is no CRC.
 */
export function combineCrcs(
  algorithm: ChecksumAlgorithm,
  parts: readonly { readonly value: string; readonly byteCount: number }[],
): string | undefined {
  const polynomial = polynomials[algorithm];
  if (!polynomial) return undefined;
  const shifts = new Map<number, bigint>(); // most parts are of one length
  let whole: bigint | undefined;
  for (const { value, byteCount } of parts) {
    const part = BigInt(`0x${Buffer.from(value, "base64").toString("hex")}`);
    let shift = shifts.get(byteCount);
    if (shift === undefined) {
      shift = powerOfX(8n * BigInt(byteCount), polynomial);
      shifts.set(byteCount, shift);
    }
    whole = whole === undefined ? part : multiply(shift, whole, polynomial) ^ part;
  }
  const digits = (whole ?? 0n).toString(16).padStart(polynomial.bits / 4, "0");
  return Buffer.from(digits, "hex").toString("base64");
}

/** Modulo the polynomial. */
function multiply(a: bigint, b: bigint, { bits, reflected }: Polynomial): bigint {
  let product = 0n;
  let shifted = b;
  for (let mask = 1n << BigInt(bits - 1); mask > 0n; mask >>= 1n) {
    if (a & mask) product ^= shifted;
    shifted = shifted & 1n ? (shifted >> 1n) ^ reflected : shifted >> 1n;
  }
  return product;
}

function powerOfX(exponent: bigint, polynomial: Polynomial): bigint {
  let power = 1n << BigInt(polynomial.bits - 1); // x^0
  let square = 1n << BigInt(polynomial.bits - 2); // x^1
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) power = multiply(square, power, polynomial);
    square = multiply(square, square, polynomial);
  }
  return power;
}
