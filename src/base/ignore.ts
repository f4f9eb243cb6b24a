/**
 * The only way to drop a promise on purpose. `why` is for the reader; a rejection is swallowed.
 * Use it for best effort work whose failure changes nothing (closing what is already broken).
 */
export function ignore(promise: Promise<unknown>, why: string): void {
  void why;
  promise.catch(() => undefined);
}
