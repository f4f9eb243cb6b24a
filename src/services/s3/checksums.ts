import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { Crc32c, Crc64Nvme } from "@aws-sdk/checksums/crc";
import { badDigest, invalidRequest, notImplemented } from "./errors.ts";
import type { ChecksumAlgorithm, StoredChecksum } from "./records.ts";

/** A hash being computed. */
export interface RunningChecksum {
  update(piece: Uint8Array): void;
  /** Base64; ends it. */
  digest(): Promise<string>;
}

export interface Algorithm {
  readonly name: ChecksumAlgorithm;
  /** Of the SDK's inputs and outputs. */
  readonly member:
    | "ChecksumCRC32"
    | "ChecksumCRC32C"
    | "ChecksumCRC64NVME"
    | "ChecksumSHA1"
    | "ChecksumSHA256";
  readonly byteCount: number;
  /** What a multipart upload computes unless it says otherwise; the first is the default. */
  readonly multipartTypes: readonly ("COMPOSITE" | "FULL_OBJECT")[];
  start(): RunningChecksum;
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html (seen 2026-11) */
const algorithms: readonly Algorithm[] = [
  {
    name: "CRC32",
    member: "ChecksumCRC32",
    byteCount: 4,
    multipartTypes: ["COMPOSITE", "FULL_OBJECT"],
    start: startCrc32,
  },
  {
    name: "CRC32C",
    member: "ChecksumCRC32C",
    byteCount: 4,
    multipartTypes: ["COMPOSITE", "FULL_OBJECT"],
    start: () => fromSdk(new Crc32c()),
  },
  {
    name: "CRC64NVME",
    member: "ChecksumCRC64NVME",
    byteCount: 8,
    multipartTypes: ["FULL_OBJECT"],
    start: () => fromSdk(new Crc64Nvme()),
  },
  {
    name: "SHA1",
    member: "ChecksumSHA1",
    byteCount: 20,
    multipartTypes: ["COMPOSITE"],
    start: () => fromNode("sha1"),
  },
  {
    name: "SHA256",
    member: "ChecksumSHA256",
    byteCount: 32,
    multipartTypes: ["COMPOSITE"],
    start: () => fromNode("sha256"),
  },
];

/** What S3 computes when a caller brings no checksum. */
export const defaultAlgorithm = "CRC64NVME";

/** In the model, and not hosted. */
const lacking = ["SHA512", "MD5", "XXHASH64", "XXHASH3", "XXHASH128"];

export function algorithmNamed(name: string): Algorithm {
  const found = algorithms.find((algorithm) => algorithm.name === name);
  if (found) return found;
  if (lacking.includes(name)) throw notImplemented(`The checksum algorithm ${name}`);
  throw invalidRequest(
    "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]",
  );
}

/** What a request says of its body's checksum. */
export interface Claimed {
  readonly algorithm: Algorithm;
  /** Undefined when it comes behind the body. */
  readonly value: string | undefined;
}

/** The members of a request that say so, whatever its operation. */
export interface ChecksumMembers {
  readonly ChecksumAlgorithm?: string | undefined;
  readonly ChecksumCRC32?: string | undefined;
  readonly ChecksumCRC32C?: string | undefined;
  readonly ChecksumCRC64NVME?: string | undefined;
  readonly ChecksumSHA1?: string | undefined;
  readonly ChecksumSHA256?: string | undefined;
}

/**
 * The checksum a request brings in its head, or whose algorithm it names; undefined when it brings none.
 * Errors: `InvalidRequest` for two of them, or for one that cannot be.
 */
export function claimedChecksum(input: ChecksumMembers): Claimed | undefined {
  for (const name of lacking) {
    if (Object.hasOwn(input, `Checksum${name}`)) {
      throw notImplemented(`The checksum algorithm ${name}`);
    }
  }
  const present = algorithms.filter(({ member }) => input[member] !== undefined);
  const [first, second] = present;
  if (second) {
    throw invalidRequest(
      "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
    );
  }
  if (first) return { algorithm: first, value: wellFormed(first, input[first.member] ?? "") };
  if (input.ChecksumAlgorithm === undefined) return undefined;
  return { algorithm: algorithmNamed(input.ChecksumAlgorithm), value: undefined };
}

function wellFormed(algorithm: Algorithm, value: string): string {
  const bytes = Buffer.from(value, "base64");
  if (bytes.byteLength === algorithm.byteCount && bytes.toString("base64") === value) return value;
  throw invalidRequest(
    `Value for x-amz-checksum-${algorithm.name.toLowerCase()} header is invalid.`,
  );
}

/** Errors: `BadDigest` unless what was computed is what the caller said. */
export function checkClaim(claimed: Claimed, computed: string, trailing: ChecksumMembers): void {
  const { algorithm, value = trailing[algorithm.member] } = claimed;
  if (value === undefined || value === computed) return;
  wellFormed(algorithm, value);
  throw badDigest(`The ${algorithm.name} you specified did not match the calculated checksum.`);
}

/** A checksum as members of an output. */
export function checksumMembers(
  checksum: StoredChecksum | undefined,
): Record<string, string | undefined> {
  if (!checksum) return {};
  return { [algorithmNamed(checksum.algorithm).member]: checksum.value };
}

/** The checksum of the parts' checksums. */
export async function compositeOf(algorithm: Algorithm, parts: readonly string[]): Promise<string> {
  const running = algorithm.start();
  for (const part of parts) running.update(Buffer.from(part, "base64"));
  return `${await running.digest()}-${parts.length}`;
}

function startCrc32(): RunningChecksum {
  let value = 0;
  return {
    update: (piece) => void (value = crc32(piece, value)),
    async digest() {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(value);
      return bytes.toString("base64");
    },
  };
}

function fromNode(name: string): RunningChecksum {
  const hash = createHash(name);
  return { update: (piece) => void hash.update(piece), digest: async () => hash.digest("base64") };
}

function fromSdk(hash: {
  update(piece: Uint8Array): void;
  digest(): Promise<Uint8Array>;
}): RunningChecksum {
  return {
    update: (piece) => hash.update(piece),
    digest: async () => Buffer.from(await hash.digest()).toString("base64"),
  };
}
