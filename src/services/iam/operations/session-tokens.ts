import type { Handler } from "#protocol/service/service.ts";
import { callerOf } from "../callers.ts";
import { rootSessionSecondsMax, sessionSecondsDefault } from "../limits.ts";
import {
  accessDenied,
  credentialsShape,
  sessionLimits,
  type Sts,
  type StsDeps,
} from "../sts-deps.ts";

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html: the same caller, for a while. */
export function getSessionToken(deps: StsDeps): Handler<Sts, "GetSessionToken"> {
  return async (input, { principal }) => {
    const caller = callerOf(principal);
    if (caller.kind === "role" || caller.kind === "federated") {
      throw accessDenied("Cannot call GetSessionToken with session credentials");
    }
    if (input.SerialNumber !== undefined || input.TokenCode !== undefined) {
      throw accessDenied("MultiFactorAuthentication failed with invalid MFA one time pass code.");
    }
    const credentials = await deps.sessions.issue(
      { principalArn: principal.arn, accountId: principal.accountId },
      secondsOf(input.DurationSeconds, caller.kind === "root"),
    );
    return { Credentials: credentialsShape(credentials) };
  };
}

/** Longer wishes of an account's root become one hour; they are not an error. */
function secondsOf(wanted: number | undefined, isRoot: boolean): number {
  const seconds = wanted ?? sessionSecondsDefault;
  return isRoot ? Math.min(seconds, rootSessionSecondsMax) : seconds;
}

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html */
export function getFederationToken(deps: StsDeps): Handler<Sts, "GetFederationToken"> {
  return async (input, { principal }) => {
    const caller = callerOf(principal);
    if (caller.kind === "role" || caller.kind === "federated") {
      throw accessDenied("Cannot call GetFederationToken with session credentials");
    }
    const { accountId } = principal;
    const { content, packedPercent } = sessionLimits(input);
    const Arn = `arn:aws:sts::${accountId}:federated-user/${input.Name}`;
    const credentials = await deps.sessions.issue(
      { principalArn: Arn, accountId, ...content },
      secondsOf(input.DurationSeconds, caller.kind === "root"),
    );
    return {
      Credentials: credentialsShape(credentials),
      FederatedUser: { FederatedUserId: `${accountId}:${input.Name}`, Arn },
      ...(packedPercent !== undefined && { PackedPolicySize: packedPercent }),
    };
  };
}
