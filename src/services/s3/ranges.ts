import { s3Error } from "./errors.ts";

/** Half-open, in bytes. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * The one range of a `Range` header; undefined when the header is to be ignored: several ranges, other
 * units, nonsense (RFC 9110 section 14.2; https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html:
 * one range per request). Errors: `InvalidRange` when nothing of the object is in it.
 */
export function readRange(header: string | undefined, byteCount: number): ByteRange | undefined {
  const found = header === undefined ? null : /^bytes=(\d*)-(\d*)$/.exec(header.trim());
  if (!found) return undefined;
  const [, first = "", last = ""] = found;
  if (first === "" && last === "") return undefined;
  if (first === "") {
    const start = Math.max(0, byteCount - Number(last));
    if (Number(last) === 0 || byteCount === 0) throw unsatisfiable(header, byteCount);
    return { start, end: byteCount };
  }
  const start = Number(first);
  if (last !== "" && Number(last) < start) return undefined;
  if (start >= byteCount) throw unsatisfiable(header, byteCount);
  return { start, end: last === "" ? byteCount : Math.min(Number(last) + 1, byteCount) };
}

function unsatisfiable(header: string | undefined, byteCount: number): Error {
  return s3Error("InvalidRange", "The requested range is not satisfiable", {
    status: 416,
    fields: { RangeRequested: header ?? "", ActualObjectSize: String(byteCount) },
    headers: { "content-range": `bytes */${byteCount}` },
  });
}

export function contentRange({ start, end }: ByteRange, byteCount: number): string {
  return `bytes ${start}-${end - 1}/${byteCount}`;
}
