import { keyBelow, keyParts } from "#storage/keys.ts";
import type { KeyRange, Reader } from "#storage/storage.ts";
import { invalidParameter } from "./errors.ts";
import { pageEntriesMax } from "./limits.ts";

/**
 * One page of a listing whose keys end with a name. The token is the last name, so a forged one only
 * moves the start within the same listing. Without `MaxResults` there is one page, of a thousand.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListQueues.html
 */
export function pageOfNames(
  reader: Reader,
  range: KeyRange,
  request: {
    readonly prefix: string;
    readonly MaxResults?: number | undefined;
    readonly NextToken?: string | undefined;
  },
): { readonly names: readonly string[]; readonly nextToken?: string } {
  const { prefix, MaxResults: limit, NextToken: token } = request;
  if (limit !== undefined && !(limit >= 1 && limit <= pageEntriesMax)) {
    throw invalidParameter(
      `Value for parameter MaxResults is invalid. Reason: MaxResults must be an integer between 1 and ${pageEntriesMax}.`,
    );
  }
  const most = limit ?? pageEntriesMax;
  const after = token === undefined ? undefined : decodeToken(token);
  const names: string[] = [];
  // Names of one prefix lie together: the first that is behind them ends the listing.
  for (const name of namesFrom(reader, range, after ?? prefix)) {
    if (!name.startsWith(prefix)) {
      if (name > prefix) break;
      continue;
    }
    if (name === after) continue;
    if (names.length === most)
      return limit === undefined
        ? { names }
        : { names, nextToken: encodeToken(names.at(-1) ?? "") };
    names.push(name);
  }
  return { names };
}

/** Names as stored, from the first that is not before `first`. */
function* namesFrom(reader: Reader, range: KeyRange, first: string): Generator<string> {
  // The start of a `keyPrefix` is the prefix and a zero byte; a name is its tag and its bytes behind the prefix.
  const prefix = range.start.subarray(0, range.start.length - 1);
  const start = first === "" ? range.start : keyBelow(prefix, first).subarray(0, -1);
  for (const { key } of reader.list({ start, end: range.end })) yield String(keyParts(key).at(-1));
}

function encodeToken(name: string): string {
  return Buffer.from(name).toString("base64");
}

function decodeToken(token: string): string {
  const name = Buffer.from(token, "base64").toString();
  if (encodeToken(name) !== token || name === "")
    throw invalidParameter("Invalid or expired next token.");
  return name;
}
