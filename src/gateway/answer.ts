/** What goes back, before it is bytes on a socket. A `WireResponse` is one. */
export interface Answer {
  readonly status: number;
  /** Lower-case names; only `set-cookie` has several values. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: AsyncIterable<Uint8Array> | Uint8Array;
}

export function jsonAnswer(
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return {
    status,
    headers: { "content-type": "application/json", ...headers },
    body: Buffer.from(JSON.stringify(value)),
  };
}

const nameForm = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** RFC 9110 field values: visible characters, blanks inside, obs-text; no CR, LF, NUL or other control. */
const valueForm = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;

/** Whether a header can be written without changing what else is on the connection. */
export function isWritableHeader(name: string, value: string): boolean {
  return nameForm.test(name) && valueForm.test(value);
}

/** A status that ends an exchange: 1xx does not. */
export function isFinalStatus(status: unknown): status is number {
  return typeof status === "number" && Number.isInteger(status) && status >= 200 && status <= 599;
}

/** Headers as `writeHead` takes them, names and values in turn. */
export interface HeaderList {
  readonly list: readonly string[];
  /** It says which request it answers. */
  readonly hasRequestId: boolean;
}

/** Undefined when one of them cannot be written. */
export function headerListOf(headers: Answer["headers"]): HeaderList | undefined {
  const list: string[] = [];
  for (const name in headers) {
    const value = headers[name];
    const values = typeof value === "string" ? [value] : (value ?? []);
    for (const one of values) {
      if (!isWritableHeader(name, one)) return undefined;
      list.push(name, one);
    }
  }
  const hasRequestId = "x-amzn-requestid" in headers || "x-amz-request-id" in headers;
  return { list, hasRequestId };
}
