const behind = new WeakMap<object, () => Readonly<Record<string, unknown>>>();

/** The stream, of which `trailingMembers` then knows what came behind it. */
export function withTrailers(
  body: AsyncIterable<Uint8Array>,
  read: () => Readonly<Record<string, unknown>>,
): AsyncIterable<Uint8Array> {
  const own: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => body[Symbol.asyncIterator](),
  };
  behind.set(own, read);
  return own;
}

/**
 * Members of the input that were sent behind its streamed body (trailing headers); to be asked for when
 * the body has been read to its end. Empty when there were none.
 */
export function trailingMembers(body: object): Readonly<Record<string, unknown>> {
  return behind.get(body)?.() ?? {};
}
