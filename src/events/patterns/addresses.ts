/** A closed range of internet addresses, as texts that sort as the addresses do; families never overlap. */
export interface AddressRange {
  readonly low: string;
  readonly high: string;
}

const v4Form = /^\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}$/;
const v6Form = /^[0-9a-fA-F:]*:[0-9a-fA-F:]*$/;
const v6TextMax = 39;

/** `4` and eight, or `6` and thirty-two hexadecimal digits; undefined for what is no address. */
export function addressKey(text: string): string | undefined {
  if (text.length > v6TextMax) return undefined;
  if (v4Form.test(text)) return v4Key(text);
  if (v6Form.test(text)) return v6Key(text);
  return undefined;
}

function v4Key(text: string): string | undefined {
  let key = "4";
  for (const part of text.split(".")) {
    const octet = Number(part);
    if (octet > 255) return undefined;
    key += octet.toString(16).padStart(2, "0");
  }
  return key;
}

function v6Key(text: string): string | undefined {
  const halves = text.split("::");
  const [head = "", tail] = halves;
  if (halves.length > 2) return undefined;
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const missing = 8 - left.length - right.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...left, ...Array.from({ length: missing }, () => "0"), ...right];
  if (groups.some((group) => group === "" || group.length > 4)) return undefined;
  return `6${groups.map((group) => group.toLowerCase().padStart(4, "0")).join("")}`;
}

/** The addresses of a block in CIDR notation, or why it is none, in the service's words. */
export function blockRange(text: string): AddressRange | string {
  const [base = "", maskText, ...more] = text.split("/");
  if (maskText === undefined || more.length > 0) return "Malformed CIDR, one '/' required";
  if (/^-\d+$/.test(maskText)) return "Malformed CIDR, mask bits must not be negative";
  if (!/^\d{1,9}$/.test(maskText)) return "Malformed CIDR, mask bits must be an integer";
  const key = addressKey(base);
  if (key === undefined && v4Form.test(base)) return `Invalid IP address: ${base}`;
  if (key === undefined) return `Nonstandard IP address: ${base}`;
  const maskBits = Number(maskText);
  const bits = (key.length - 1) * 4;
  // The range that the message names leaves out a mask for a single address, and so does the check.
  if (maskBits >= bits) return `IPv${key[0]} mask bits must be < ${bits}`;
  const free = (1n << BigInt(bits - maskBits)) - 1n;
  const address = BigInt(`0x${key.slice(1)}`);
  const family = key.slice(0, 1);
  const write = (value: bigint): string => family + value.toString(16).padStart(bits / 4, "0");
  return { low: write(address & ~free), high: write(address | free) };
}
