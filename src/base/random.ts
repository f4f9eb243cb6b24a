import { randomBytes } from "node:crypto";

/** Randomness as a dependency: the system's for real, a seeded one for simulations (seed printed). */
export interface Random {
  /** Uniform in [0, 1). Not for secrets. */
  fraction(): number;
  /** `count` bytes; cryptographically strong from `systemRandom`, reproducible from a seeded one. */
  bytes(count: number): Uint8Array;
}

export const systemRandom: Random = {
  fraction: () => Math.random(),
  bytes: pooledBytes,
};

/** A call into the system per request id was 6 % of a small request's time; one per 8 KiB is none. */
const poolBytes = 8_192;
let pool = new Uint8Array();
let poolAt = 0;

/** Each byte of the pool is handed out once and wiped where it stood. */
function pooledBytes(count: number): Uint8Array {
  if (count > poolBytes / 8) return randomBytes(count);
  if (poolAt + count > pool.length) {
    pool = randomBytes(poolBytes);
    poolAt = 0;
  }
  // Not `pool.slice`: the pool is a Buffer, whose slices are views of what is wiped below. A loop, because
  // the calls that copy and fill take longer than some dozen bytes.
  const bytes = new Uint8Array(count);
  for (let at = 0; at < count; at++) {
    bytes[at] = pool[poolAt] ?? 0;
    pool[poolAt++] = 0;
  }
  return bytes;
}

/** xorshift32: small, fast, reproducible; `seed` is any integer. For tests and simulations only. */
export function createSeededRandom(seed: number): Random {
  let state = seed | 0 || 0x9e3779b9;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  return {
    fraction: () => next() / 2 ** 32,
    bytes: (count) => Uint8Array.from({ length: count }, () => next() & 0xff),
  };
}
