/** As it was at the start: customers replace clocks in their tests. */
const { hrtime } = process;

/** Milliseconds of a steady clock. `performance` would be loaded at its first use, for a millisecond. */
export function clockMs() {
  const [seconds, nanoseconds] = hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}
