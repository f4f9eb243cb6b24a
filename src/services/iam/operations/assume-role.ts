import { parseArn } from "#base/arn.ts";
import type { Principal } from "#base/context.ts";
import type { Handler } from "#protocol/service/service.ts";
import { callerOf, idOfUnknownRole } from "../callers.ts";
import { findIdentity } from "../identities.ts";
import { chainedSessionSecondsMax, roleSessionSecondsDefault } from "../limits.ts";
import { iamArn } from "../names.ts";
import {
  accessDenied,
  credentialsShape,
  sessionLimits,
  stsValidationError,
  type Sts,
  type StsDeps,
} from "../sts-deps.ts";

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html */
export function assumeRole(deps: StsDeps): Handler<Sts, "AssumeRole"> {
  return async (input, { principal }) => {
    const caller = callerOf(principal);
    if (caller.kind === "root" && deps.mode === "strict") {
      throw accessDenied("Roles may not be assumed by root accounts.");
    }
    // No MFA device can exist here, so no code can be right.
    if (input.SerialNumber !== undefined || input.TokenCode !== undefined) {
      throw accessDenied("MultiFactorAuthentication failed with invalid MFA one time pass code.");
    }
    if (input.ProvidedContexts !== undefined) {
      throw stsValidationError("The ProvidedContexts parameter is not supported by Skerry.");
    }
    const role = await findRole(deps, input.RoleArn, principal);
    const seconds = input.DurationSeconds ?? roleSessionSecondsDefault;
    if (caller.kind === "role" && seconds > chainedSessionSecondsMax) {
      throw stsValidationError(
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by " +
          "role chaining",
      );
    }
    checkDuration(seconds, role);
    const { content, packedPercent } = sessionLimits(input);
    const { TransitiveTagKeys: transitiveTagKeys, SourceIdentity: sourceIdentity } = input;
    const arn = sessionArn(role, input.RoleSessionName);
    const credentials = await deps.sessions.issue(
      {
        principalArn: arn,
        accountId: role.accountId,
        ...content,
        ...(transitiveTagKeys !== undefined && { transitiveTagKeys }),
        ...(sourceIdentity !== undefined && { sourceIdentity }),
      },
      seconds,
    );
    return {
      Credentials: credentialsShape(credentials),
      AssumedRoleUser: { AssumedRoleId: `${role.id}:${input.RoleSessionName}`, Arn: arn },
      ...(packedPercent !== undefined && { PackedPolicySize: packedPercent }),
      ...(sourceIdentity !== undefined && { SourceIdentity: sourceIdentity }),
    };
  };
}

export interface AssumableRole {
  readonly accountId: string;
  readonly name: string;
  readonly id: string;
  readonly maxSessionSeconds: number;
}

/**
 * The role, or in open mode one that behaves as if it existed: deployment tools assume roles that
 * only exist in the real account. Throws AccessDenied, as AWS does so as not to tell what exists.
 */
export async function findRole(
  deps: StsDeps,
  roleArn: string,
  principal: Principal,
): Promise<AssumableRole> {
  const arn = parseArn(roleArn);
  if (
    arn?.service !== "iam" ||
    !/^\d{12}$/.test(arn.accountId) ||
    !/^role\/.+/.test(arn.resource)
  ) {
    throw stsValidationError(`${roleArn} is invalid`);
  }
  const { accountId } = arn;
  const name = arn.resource.slice(arn.resource.lastIndexOf("/") + 1);
  const record = await deps.store.read((reader) =>
    findIdentity(reader, accountId, { kind: "role", name }),
  );
  if (record?.kind === "role" && iamArn(accountId, "role", record) === roleArn) {
    const { id, maxSessionSeconds } = record;
    return { accountId, name: record.name, id, maxSessionSeconds };
  }
  if (deps.mode === "open" && name !== "") {
    return { accountId, name, id: idOfUnknownRole(roleArn), maxSessionSeconds: 43_200 };
  }
  throw accessDenied(
    `User: ${principal.arn} is not authorized to perform: sts:AssumeRole on resource: ${roleArn}`,
  );
}

/** Throws ValidationError. */
export function checkDuration(seconds: number, role: AssumableRole): void {
  if (seconds <= role.maxSessionSeconds) return;
  throw stsValidationError(
    "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
  );
}

export function sessionArn(role: AssumableRole, sessionName: string): string {
  return `arn:aws:sts::${role.accountId}:assumed-role/${role.name}/${sessionName}`;
}
