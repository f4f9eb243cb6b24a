import type { EnvironmentPool, ProvisionedState, ProvisionedWish } from "#functions/pool/pool.ts";
import type { Revision } from "#functions/registry/registry.ts";
import type { Provisioner } from "#services/lambda/lambda.ts";
import type { Membership } from "#workers/workers.ts";

type Pool = Pick<EnvironmentPool, "retire" | "expect" | "compile" | "provision" | "provisioned">;

/** What a change asks of the pool. */
type PoolChanges = Pick<EnvironmentPool, "retire" | "expect" | "compile"> & Provisioner;

interface Retired {
  readonly functionArn: string;
  readonly keepRevisionId?: string | undefined;
}

interface Provision {
  readonly functionArn: string;
  readonly wanted: readonly ProvisionedWish[];
}

/** The pools of all workers: an update through one ends environments that live in another. */
export function changeEverywhere(pool: Pool, membership: Membership | undefined): PoolChanges {
  if (!membership)
    return {
      retire: (functionArn, keepRevisionId) => pool.retire(functionArn, keepRevisionId),
      expect: (runtime) => pool.expect(runtime),
      compile: (revision) => pool.compile(revision),
      provision: async (functionArn, wanted) => pool.provision(functionArn, wanted),
      provisioned: async (revision) => pool.provisioned(revision),
    };
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
    // On disk, and so made for all.
    compile: (revision) => pool.compile(revision),
    ...provisionAtOwner(pool, membership),
  };
}

/** Environments that are always there live where the function's other ones do. */
function provisionAtOwner(pool: Pool, membership: Membership): Provisioner {
  const provision = async ({ functionArn, wanted }: Provision): Promise<void> => {
    const isOwner = wanted.length > 0 && (await membership.owns(functionArn));
    pool.provision(functionArn, isOwner ? wanted : []);
  };
  const stateHere = async (revision: Revision): Promise<ProvisionedState | undefined> =>
    (await membership.owns(revision.functionArn)) ? pool.provisioned(revision) : undefined;
  membership.answer("provision", (asked) => provision(asked as Provision)); // by the call below
  membership.answer("provisioned", (asked) => stateHere(asked as Revision)); // likewise
  return {
    async provision(functionArn, wanted) {
      await provision({ functionArn, wanted });
      await membership.askOthers("provision", { functionArn, wanted });
    },
    async provisioned(revision) {
      const here = await stateHere(revision);
      if (here) return here;
      const answers = await membership.askOthers("provisioned", revision);
      const told = answers.find((answer) => answer !== undefined && answer !== null);
      const nothing: ProvisionedState = { allocated: 0, available: 0, failure: undefined };
      return told === undefined ? nothing : (told as ProvisionedState); // by `stateHere` of its owner
    },
  };
}
