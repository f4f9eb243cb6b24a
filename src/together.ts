import type { EnvironmentPool } from "#functions/pool/pool.ts";
import type { Membership } from "#workers/workers.ts";

/** What a change asks of the pool. */
type PoolChanges = Pick<EnvironmentPool, "retire" | "expect">;

interface Retired {
  readonly functionArn: string;
  readonly keepRevisionId?: string | undefined;
}

/** The pools of all workers: an update through one ends environments that live in another. */
export function changeEverywhere(
  pool: PoolChanges,
  membership: Membership | undefined,
): PoolChanges {
  if (!membership) return pool;
  membership.answer("retire", (asked) => {
    const { functionArn, keepRevisionId } = asked as Retired; // by the call below
    pool.retire(functionArn, keepRevisionId);
  });
  membership.answer("expect", (runtime) => pool.expect(String(runtime)));
  return {
    retire(functionArn, keepRevisionId) {
      pool.retire(functionArn, keepRevisionId);
      const asked: Retired = { functionArn, keepRevisionId };
      void membership.askOthers("retire", asked);
    },
    expect(runtime) {
      pool.expect(runtime);
      void membership.askOthers("expect", runtime);
    },
  };
}
