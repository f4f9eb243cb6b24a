import { BlockList, isIP } from "node:net";

/**
 * Which addresses a function may reach: the public internet, nothing else. From the IANA special-purpose
 * registries (https://www.iana.org/assignments/iana-ipv4-special-registry and -ipv6-, seen 2026-11) and
 * the metadata addresses of clouds.
 */
const forbidden = new BlockList();
for (const [address, prefix] of [
  ["0.0.0.0", 8], // this network
  ["10.0.0.0", 8], // private
  ["100.64.0.0", 10], // carrier-grade NAT; also the metadata service of one cloud
  ["127.0.0.0", 8], // loopback
  ["169.254.0.0", 16], // link-local, metadata
  ["172.16.0.0", 12], // private
  ["192.0.0.0", 24], // protocol assignments; metadata of another cloud
  ["192.0.2.0", 24], // documentation
  ["192.88.99.0", 24], // former 6to4 relays
  ["192.168.0.0", 16], // private
  ["198.18.0.0", 15], // benchmarking
  ["198.51.100.0", 24], // documentation
  ["203.0.113.0", 24], // documentation
  ["224.0.0.0", 4], // multicast
  ["240.0.0.0", 4], // reserved, broadcast
  ["168.63.129.16", 32], // a cloud's host agent on a public address
] as const)
  forbidden.addSubnet(address, prefix, "ipv4");

/** IPv6: only global unicast (2000::/3), and of that not these. */
const global = new BlockList();
global.addSubnet("2000::", 3, "ipv6");
const forbidden6 = new BlockList();
for (const [address, prefix] of [
  ["2001::", 23], // protocol assignments, Teredo, ORCHID
  ["2001:db8::", 32], // documentation
  ["2002::", 16], // 6to4: an IPv4 address in disguise
  ["3fff::", 20], // documentation
] as const)
  forbidden6.addSubnet(address, prefix, "ipv6");

/** Undefined when the address may be reached, else why not. `own` are the host's own addresses. */
export function refusalOf(address: string, own: ReadonlySet<string>): string | undefined {
  const family = isIP(address);
  if (family === 0) return "is no address";
  if (own.has(canonical(address))) return "is an address of this host";
  if (family === 4) return refusal4(address, own);
  if (address.includes("%")) return "is link-local";
  const bytes = ipv6Bytes(address);
  const inner = embeddedIpv4(bytes);
  if (inner !== undefined) return refusal4(inner, own) ?? "is an IPv4 address in IPv6 form";
  if (!global.check(address, "ipv6") || forbidden6.check(address, "ipv6"))
    return "is not on the public internet";
  return undefined;
}

/** One spelling per address, so that sets of them can be compared. */
export function canonical(address: string): string {
  if (isIP(address) !== 6) return address;
  return Buffer.from(ipv6Bytes(address.split("%")[0] ?? address)).toString("hex");
}

function refusal4(address: string, own: ReadonlySet<string>): string | undefined {
  if (own.has(address)) return "is an address of this host";
  return forbidden.check(address, "ipv4") ? "is not on the public internet" : undefined;
}

/** IPv4 inside IPv6: mapped, compatible, translated, and NAT64 (well-known and local-use prefixes). */
function embeddedIpv4(bytes: Uint8Array): string | undefined {
  const starts = (...prefix: readonly number[]): boolean =>
    prefix.every((byte, at) => bytes[at] === byte);
  const zeros = (count: number): number[] => Array.from({ length: count }, () => 0);
  const isEmbedded =
    starts(...zeros(10), 0xff, 0xff) ||
    starts(...zeros(8), 0xff, 0xff, 0, 0) ||
    starts(...zeros(12)) ||
    starts(0, 0x64, 0xff, 0x9b);
  return isEmbedded ? Array.from(bytes.subarray(12)).join(".") : undefined;
}

function ipv6Bytes(address: string): Uint8Array {
  const bytes = new Uint8Array(16);
  const [head = "", tail] = expandTail(address).split("::");
  const words = (text: string): number[] =>
    text === "" ? [] : text.split(":").map((word) => Number.parseInt(word, 16));
  const left = words(head);
  const right = tail === undefined ? [] : words(tail);
  const all = [
    ...left,
    ...Array.from({ length: 8 - left.length - right.length }, () => 0),
    ...right,
  ];
  all.forEach((word, at) => {
    bytes[at * 2] = word >>> 8;
    bytes[at * 2 + 1] = word & 0xff;
  });
  return bytes;
}

/** `::ffff:1.2.3.4` → `::ffff:102:304` */
function expandTail(address: string): string {
  const match = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  if (!match) return address;
  const [, prefix = "", ...parts] = match;
  const [a = 0, b = 0, c = 0, d = 0] = parts.map(Number);
  return `${prefix}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}
