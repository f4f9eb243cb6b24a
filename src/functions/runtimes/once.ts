/** Runs `work` at the first call and shares its result; a failure is forgotten, so the next call tries again. */
export function once<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    if (result) return result;
    const started = work();
    result = started;
    started.catch(() => {
      if (result === started) result = undefined;
    });
    return started;
  };
}
