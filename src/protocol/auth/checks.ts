import type { SignableRequest } from "./canonical.ts";
import type { Claim, ClaimedTime } from "./claim.ts";
import { formatAmzDate } from "./claim.ts";
import { clockSkewMs, clockSkewS3Ms } from "./limits.ts";
import type { RefusalDialect } from "./refusal.ts";
import { refusal } from "./refusal.ts";

/** Within the skew of now, or, when presigned, not before it was signed and not after it expired. */
export function checkTime(claim: Claim, nowMs: number, dialect: RefusalDialect): void {
  const skewMs = dialect === "s3" ? clockSkewS3Ms : clockSkewMs;
  checkExpiry(claim, nowMs, dialect);
  if (claim.signedAtMs > nowMs + skewMs) {
    const latest = `${formatAmzDate(nowMs + skewMs)} (${formatAmzDate(nowMs)} + ${inWords(skewMs)})`;
    throw refusal(
      dialect,
      "expired-signature",
      `Signature not yet current: ${claim.amzDate} is still later than ${latest}`,
    );
  }
}

/** Not later than the skew after it was signed or, when presigned, than it is valid for. */
export function checkExpiry(claim: ClaimedTime, nowMs: number, dialect: RefusalDialect): void {
  const skewMs = dialect === "s3" ? clockSkewS3Ms : clockSkewMs;
  const pastMs = claim.validForMs ?? skewMs;
  if (claim.signedAtMs < nowMs - pastMs) {
    const earliest = `${formatAmzDate(nowMs - pastMs)} (${formatAmzDate(nowMs)} - ${inWords(pastMs)})`;
    throw refusal(
      dialect,
      claim.placement === "query" ? "expired-presigned" : "expired-signature",
      `Signature expired: ${claim.amzDate} is now earlier than ${earliest}`,
    );
  }
}

function inWords(ms: number): string {
  return ms % 60_000 === 0 ? `${ms / 60_000} min.` : `${ms / 1_000} sec.`;
}

/** Everything wrong with the scope in one message, as the services do. */
export function checkScope(
  claim: Claim,
  target: {
    readonly signingName: string;
    readonly region: string | undefined;
    readonly dialect: RefusalDialect;
  },
): void {
  const { scope } = claim;
  const problems: string[] = [];
  if (target.region !== undefined && scope.region !== target.region) {
    problems.push(
      target.dialect === "s3"
        ? `The authorization header is malformed; the region '${scope.region}' is wrong; expecting '${target.region}'`
        : `Credential should be scoped to a valid region, not '${scope.region}'. `,
    );
  }
  if (scope.service !== target.signingName) {
    problems.push(`Credential should be scoped to correct service: '${target.signingName}'. `);
  }
  if (scope.terminator !== "aws4_request") {
    problems.push(
      `Credential should be scoped with a valid terminator: 'aws4_request', not '${scope.terminator}'. `,
    );
  }
  const day = claim.amzDate.slice(0, 8);
  if (scope.date !== day) {
    problems.push(
      `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${scope.date}' != '${day}', from '${claim.amzDate}'.`,
    );
  }
  if (problems.length > 0) throw refusal(target.dialect, "scope", problems.join(""));
}

/** The host and every x-amz-* header must be signed: an unsigned one could have been added by anybody. */
export function checkSignedHeaders(
  request: SignableRequest,
  claim: Claim,
  dialect: RefusalDialect,
): void {
  if (!claim.signedHeaders.includes("host")) {
    throw refusal(
      dialect,
      "unsigned-headers",
      "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
    );
  }
  for (const name of Object.keys(request.headers)) {
    if (name.startsWith("x-amz-") && !claim.signedHeaders.includes(name)) {
      throw refusal(
        dialect,
        "unsigned-headers",
        `'${name}' must be a 'SignedHeader' in the AWS Authorization.`,
      );
    }
  }
}
