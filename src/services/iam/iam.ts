import { assert } from "#base/assert.ts";
import { parseArn } from "#base/arn.ts";
import type { Clock } from "#base/clock.ts";
import type { Random } from "#base/random.ts";
import type { AuthenticationMode, KeyStore } from "#protocol/auth/auth.ts";
import type { Service } from "#protocol/service/service.ts";
import type { Store } from "#storage/storage.ts";
import { createAccessKeys, type AccessKeys } from "./access-keys.ts";
import { functionSessionSeconds } from "./limits.ts";
import { defineIam } from "./operations.ts";
import { createSessions, type SessionCredentials } from "./sessions.ts";
import { defineSts } from "./sts-operations.ts";

/** Identities, their keys, and the two APIs over them: IAM and STS. */
export interface Iam {
  readonly iam: Service;
  readonly sts: Service;
  /** What the authenticator asks. */
  readonly keys: KeyStore;
  /** What the pool asks for a function's environment. */
  readonly credentials: {
    /**
     * Twelve hours as the role. Writes nothing, so it may stand on the way of a cold start. The
     * role is not looked up: whether a function may use it was decided when it was configured.
     */
    issue(role: {
      readonly roleArn: string;
      readonly sessionName: string;
    }): Promise<SessionCredentials>;
  };
  /** See `AccessKeys.createRootKey`: undefined when the account's root already has a key. */
  readonly createRootKey: AccessKeys["createRootKey"];
}

export function createIam(deps: {
  readonly store: Store;
  readonly clock: Clock;
  /** Must be cryptographically strong outside tests: secrets come from it. */
  readonly random: Random;
  readonly mode: AuthenticationMode;
}): Iam {
  const sessions = createSessions(deps);
  const accessKeys = createAccessKeys({ ...deps, sessions });
  return {
    iam: defineIam(deps),
    sts: defineSts({ ...deps, sessions }),
    keys: accessKeys,
    createRootKey: (accountId) => accessKeys.createRootKey(accountId),
    credentials: {
      async issue({ roleArn, sessionName }) {
        const arn = parseArn(roleArn);
        assert(arn && arn.resource.startsWith("role/"), "a function's role is the ARN of a role");
        const { accountId, resource } = arn;
        const name = resource.slice(resource.lastIndexOf("/") + 1);
        const principalArn = `arn:aws:sts::${accountId}:assumed-role/${name}/${sessionName}`;
        return sessions.issue({ principalArn, accountId }, functionSessionSeconds);
      },
    },
  };
}
