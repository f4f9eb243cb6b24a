import { key as encodeKey, keyAfter } from "#storage/keys.ts";
import { skipBeforeJump } from "./limits.ts";

/** Where a listing begins: at a prefix, behind all that have a prefix, or behind one key (with all of its versions). */
export type Position =
  | { readonly at: string }
  | { readonly behind: string }
  | { readonly after: string };

/** Keys in the order of their UTF-8, as S3 lists them and the store keeps them. */
export function startOf(space: "o" | "v" | "u", bucket: string, position: Position): Uint8Array {
  if ("after" in position) {
    const whole = encodeKey("s3", space, bucket, position.after);
    // Versions and uploads go on with another part, whose first byte is a tag of at most 0x03.
    return space === "o" ? keyAfter(whole) : append(whole, 0x04);
  }
  const text = "at" in position ? position.at : position.behind;
  const open = encodeKey("s3", space, bucket, text).subarray(0, -1); // without the end of the text
  return "at" in position ? open : append(open, 0xff);
}

/** The end of all keys with this prefix; no UTF-8 has the byte 0xff. */
export function endOf(space: "o" | "v" | "u", bucket: string, prefix: string): Uint8Array {
  return startOf(space, bucket, { behind: prefix });
}

function append(bytes: Uint8Array, last: number): Uint8Array {
  const longer = keyAfter(bytes);
  longer[bytes.length] = last;
  return longer;
}

export interface WalkRequest {
  readonly prefix: string;
  /** Empty: keys are not rolled up. */
  readonly delimiter: string;
  readonly from: Position;
  readonly limit: number;
}

export interface Walked<T> {
  readonly items: readonly T[];
  readonly commonPrefixes: readonly string[];
  readonly isTruncated: boolean;
  /** The last of either kind on a page that is not the last. */
  readonly last: { readonly item: T } | { readonly commonPrefix: string } | undefined;
}

/**
 * One page of what `open` lists in order of keys. What shares a common prefix is stepped over, not
 * read: a page costs the same however much lies below it.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-prefixes.html (seen 2026-11)
 */
export function walk<T extends { readonly key: string }>(
  open: (from: Position) => Iterable<T>,
  { prefix, delimiter, from, limit }: WalkRequest,
): Walked<T> {
  const items: T[] = [];
  const commonPrefixes: string[] = [];
  let last: Walked<T>["last"];
  for (let position: Position | undefined = from; position;) {
    const start: Position = position;
    position = undefined;
    let rolled: string | undefined = "behind" in start ? start.behind : undefined;
    let skipped = 0;
    for (const item of open(start)) {
      if (rolled !== undefined && item.key.startsWith(rolled)) {
        skipped++;
        if (skipped <= skipBeforeJump) continue;
        position = { behind: rolled };
        break;
      }
      if (items.length + commonPrefixes.length >= limit) {
        return { items, commonPrefixes, isTruncated: true, last };
      }
      const common = commonPrefixOf(item.key, prefix, delimiter);
      if (common === undefined) {
        items.push(item);
        last = { item };
        continue;
      }
      commonPrefixes.push(common);
      last = { commonPrefix: common };
      rolled = common;
      skipped = 0;
    }
  }
  return { items, commonPrefixes, isTruncated: false, last: undefined };
}

/** Up to and with the first delimiter behind the prefix. */
function commonPrefixOf(key: string, prefix: string, delimiter: string): string | undefined {
  if (delimiter === "") return undefined;
  const at = key.indexOf(delimiter, prefix.length);
  return at < 0 ? undefined : key.slice(0, at + delimiter.length);
}

/**
 * Where a listing with this marker goes on: behind the key, or behind everything of the common prefix
 * that the marker is. Never before the prefix.
 */
export function positionAfter(
  marker: string | undefined,
  prefix: string,
  delimiter: string,
): Position {
  if (marker === undefined || marker === "" || Buffer.compare(bytes(marker), bytes(prefix)) < 0) {
    return { at: prefix };
  }
  const isPrefix =
    marker.startsWith(prefix) && commonPrefixOf(marker, prefix, delimiter) === marker;
  return isPrefix ? { behind: marker } : { after: marker };
}

function bytes(text: string): Buffer {
  return Buffer.from(text, "utf8");
}
