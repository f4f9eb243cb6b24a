import { InvalidIdentityTokenException } from "@aws-sdk/client-sts";
import type { Handler } from "#protocol/service/service.ts";
import { roleSessionSecondsDefault } from "../limits.ts";
import { credentialsShape, sessionLimits, type Sts, type StsDeps } from "../sts-deps.ts";
import { checkDuration, findRole, sessionArn } from "./assume-role.ts";

/**
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
 * The token is read, not verified, and therefore believed in open mode only. In strict mode no
 * identity provider can have been registered, and the answer is what AWS says then.
 */
export function assumeRoleWithWebIdentity(
  deps: StsDeps,
): Handler<Sts, "AssumeRoleWithWebIdentity"> {
  return async (input, { principal }) => {
    const claims = readClaims(input.WebIdentityToken);
    if (deps.mode === "strict") {
      throw invalidToken(`No OpenIDConnect provider found in your account for ${claims.issuer}`);
    }
    const role = await findRole(deps, input.RoleArn, principal);
    const seconds = input.DurationSeconds ?? roleSessionSecondsDefault;
    checkDuration(seconds, role);
    const { content, packedPercent } = sessionLimits(input);
    const arn = sessionArn(role, input.RoleSessionName);
    const credentials = await deps.sessions.issue(
      { principalArn: arn, accountId: role.accountId, ...content },
      seconds,
    );
    return {
      Credentials: credentialsShape(credentials),
      AssumedRoleUser: { AssumedRoleId: `${role.id}:${input.RoleSessionName}`, Arn: arn },
      SubjectFromWebIdentityToken: claims.subject,
      Provider: claims.issuer,
      Audience: claims.audience,
      ...(packedPercent !== undefined && { PackedPolicySize: packedPercent }),
    };
  };
}

interface Claims {
  readonly issuer: string;
  readonly subject: string;
  readonly audience: string | undefined;
}

/** The claims of a JSON Web Token. Throws InvalidIdentityToken. */
function readClaims(token: string): Claims {
  const parts = token.split(".");
  const payload = parts.length === 3 ? parsePayload(parts[1] ?? "") : undefined;
  const { iss: issuer, sub: subject, aud } = payload ?? {};
  if (typeof issuer !== "string" || typeof subject !== "string") {
    throw invalidToken(
      "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
    );
  }
  const audience: unknown = Array.isArray(aud) ? aud[0] : aud;
  return { issuer, subject, audience: typeof audience === "string" ? audience : undefined };
}

function parsePayload(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function invalidToken(message: string): Error {
  return new InvalidIdentityTokenException({ message, $metadata: {} });
}
