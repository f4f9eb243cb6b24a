/** Lets at most `width` pieces of work run at a time, in the order they came. */
export function createTurnstile(width: number): { pass<T>(work: () => Promise<T>): Promise<T> } {
  let inside = 0;
  const waiting: (() => void)[] = [];
  return {
    async pass(work) {
      if (inside >= width) await new Promise<void>((enter) => waiting.push(enter));
      else inside++;
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        if (next) next();
        else inside--;
      }
    },
  };
}
