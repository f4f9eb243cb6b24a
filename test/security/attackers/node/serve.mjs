/** Carries out one operation after another and tells how each ended; `operations.mjs` is the attack. */
import * as operations from "./operations.mjs";

export const handler = async ({ attacks }) => {
  const outcomes = {};
  for (const { id, operation, given } of attacks) outcomes[id] = await attempt(operation, given);
  return outcomes;
};

async function attempt(operation, given) {
  const operate = operations[operation];
  if (operate === undefined) return { error: `no operation ${operation}` };
  try {
    return { value: (await operate(given)) ?? null };
  } catch (error) {
    return { error: String(error.code ?? error.message) };
  }
}
